internal import CLinux
internal import EdgeSystem
internal import Glibc

/// Which file a descriptor leads to.
struct FileIdentity: Hashable, Sendable {
  let device: UInt64
  let inode: UInt64

  init?(_ raw: Int32) {
    var info = stat()
    guard fstat(raw, &info) == 0 else { return nil }
    device = UInt64(info.st_dev)
    inode = UInt64(info.st_ino)
  }
}

/// Open directories as mounts.
enum DetachedTree {
  /// A detached copy of the mount that the directory is on; −1 and errno on failure.
  static func copy(of raw: Int32) -> Int32 { ec_clone_tree(raw) }

  /// The path by which the kernel knows an open directory.
  static func path(of raw: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/fd/\(raw)", &buffer, buffer.count)
    return String(
      decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

extension Workspace {
  /// The name of the top-level directory with this inode.
  func nameOfArea(inode: UInt64) throws(LaunchFailure) -> String {
    let names = (try? root.entries()) ?? []
    for name in names where name.hasPrefix(Workspace.name(ofArea: "")) {
      if (try? root.status(name))?.inode == inode { return name }
    }
    throw LaunchFailure(
      stage: "mount", errno: ENOENT, subject: "a directory below the workspace's top",
      hint: "Only whole areas of a workspace can be shown.")
  }
}
