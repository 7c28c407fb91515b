internal import EdgeSystem
internal import Glibc

/// A directory in memory that goes with its owner.
final class Scratch {
  let directory: Directory
  private let parent: Directory
  private let name: String

  init() throws(SystemError) {
    parent = try Directory(path: access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp")
    name = "edgecoder-\(Identity.process)-\(Hex16.random())"
    try parent.makeDirectory(name)
    directory = try parent.directory(name)
  }

  deinit { try? parent.removeTree(name) }
}
