internal import CLinux
internal import EdgeSystem
internal import Glibc

/// What a tree of files takes on a disk: the blocks of all names below a directory. A file that has
/// lost its last name while it is open is not among them.
struct DiskUse {
  private(set) var bytes: UInt64 = 0
  private(set) var files: UInt64 = 0
  private let bytesMax: UInt64
  private let filesMax: UInt64

  /// True where a limit is passed; counting ends there.
  var isTooMuch: Bool { bytes > bytesMax || files > filesMax }

  /// A tree deeper than this is too much by itself: each level on the way costs a descriptor.
  private static let depthMax = 256

  static func of(_ root: borrowing Directory, bytesMax: UInt64, filesMax: UInt64) -> DiskUse {
    var use = DiskUse(bytesMax: bytesMax, filesMax: filesMax)
    // Our own areas and directories are not the program's.
    for name in (try? root.entries()) ?? [] where !name.hasPrefix("area-") {
      if let directory = try? root.directory(name) { use.add(directory, depth: 0) }
    }
    return use
  }

  private init(bytesMax: UInt64, filesMax: UInt64) {
    self.bytesMax = bytesMax
    self.filesMax = filesMax
  }

  /// Names change while one looks; what is gone meanwhile takes nothing.
  private mutating func add(_ directory: borrowing Directory, depth: Int) {
    guard depth < DiskUse.depthMax else {
      files = .max
      return
    }
    for name in (try? directory.names()) ?? [] {
      if isTooMuch { return }
      let path = name.map { CChar(bitPattern: $0) } + [0]
      var info = stat()
      guard fstatat(directory.raw, path, &info, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
      files += 1
      // Blocks of 512 bytes; a file with several names counts as one for each.
      let isDirectory = info.st_mode & S_IFMT == S_IFDIR
      bytes += UInt64(info.st_blocks) * 512 / (isDirectory ? 1 : UInt64(max(1, info.st_nlink)))
      guard isDirectory else { continue }
      if let child = DiskUse.open(directory, path) { add(child, depth: depth + 1) }
    }
  }

  /// A directory that its owner has closed is opened for us again: it may hide blocks.
  private static func open(_ parent: borrowing Directory, _ path: [CChar]) -> Directory? {
    let listing = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
    var raw = ec_openat(parent.raw, path, listing, 0)
    if raw < 0, errno == EACCES {
      let found = ec_openat(parent.raw, path, ec_o_path | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0)
      guard found >= 0 else { return nil }
      let place = Descriptor(owning: found)
      var info = stat()
      guard fstat(place.raw, &info) == 0 else { return nil }
      chmod("/proc/self/fd/\(place.raw)", info.st_mode & 0o7777 | 0o500)
      raw = ec_openat(place.raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
    }
    return raw < 0 ? nil : Directory(owning: Descriptor(owning: raw), name: "workspace")
  }
}
