internal import CJailPlan
internal import CLinux
internal import EdgeJob
package import EdgeSystem
internal import Glibc

/// A file system in memory with a quota, for one run; freed as a whole when the value goes. Where
/// nothing can be mounted it is a directory of the machine, watched instead, and removed then.
///
/// Files are put into it through `directory` before the run and read from it afterwards. Just
/// before the start everything in it is given to the user that the program runs as; modes stay as
/// they are. After the run the names in it are the program's choice: read them only through
/// `Directory`, which follows no link.
package struct Workspace: ~Copyable, Sendable {
  /// The work directory: with a snapshot, what a program sees of both.
  package private(set) var directory: Directory
  /// True where it lies over a snapshot.
  private(set) var isOverlaid = false
  /// The top of the file system, with `work`, `tmp`, `shm`, areas and further directories.
  let root: Directory
  /// The detached mount, which ends when this is closed; nil in a directory of the machine.
  private let mount: Descriptor?
  let device: UInt64
  let slotUser: UInt32
  /// True where the program's user is another one than ours.
  let isPrivileged: Bool
  /// Where it really lies; nil where it is a file system of its own.
  let place: WorkspacePlace?
  let bytes: UInt64
  let files: UInt64
  private let runs = Counter()

  /// In a directory of the machine.
  static func make(
    _ place: WorkspacePlace, user: UInt32, isPrivileged: Bool, bytes: UInt64, files: UInt64
  ) throws(SystemError) -> Workspace {
    let root = try place.open()
    try root.makeDirectory("work", mode: 0o755)
    // Nobody but the program's user comes here.
    try make("tmp", mode: 0o755, in: root, for: isPrivileged ? user : nil)
    let work = try root.directory("work")
    let device = try root.descriptor.status().device
    return Workspace(
      directory: work, root: root, mount: nil, device: device, slotUser: user,
      isPrivileged: isPrivileged, bytes: bytes, files: files, place: place)
  }

  /// - Parameter mount: an empty detached tmpfs, as fsmount(2) gives it.
  static func make(
    _ mount: consuming Descriptor, user: UInt32, isPrivileged: Bool, bytes: UInt64, files: UInt64
  ) throws(SystemError) -> Workspace {
    let top = Directory(owning: mount, name: "workspace")
    let root = try top.directory(".")
    let mount = try top.descriptor.duplicate()
    try root.makeDirectory("work", mode: 0o755)
    for name in scratch { try make(name, mode: 0o1777, in: root, for: isPrivileged ? user : nil) }
    let device = try root.descriptor.status().device
    let work = try root.directory("work")
    return Workspace(
      directory: work, root: root, mount: mount, device: device, slotUser: user,
      isPrivileged: isPrivileged, bytes: bytes, files: files, place: nil)
  }

  /// The program's alone from the start: nothing of ours is ever in them.
  private static let scratch = ["tmp", "shm"]

  private static func make(
    _ name: String, mode: UInt32, in root: borrowing Directory, for user: UInt32?
  ) throws(SystemError) {
    try root.makeDirectory(name, mode: mode)
    if let user, fchownat(root.raw, name, user, user, AT_SYMLINK_NOFOLLOW) != 0 {
      throw SystemError("chown", name)
    }
  }

  private init(
    directory: consuming Directory, root: consuming Directory, mount: consuming Descriptor?,
    device: UInt64,
    slotUser: UInt32, isPrivileged: Bool, bytes: UInt64, files: UInt64,
    place: WorkspacePlace?
  ) {
    self.directory = directory
    self.root = root
    self.mount = mount
    self.device = device
    self.slotUser = slotUser
    self.isPrivileged = isPrivileged
    self.bytes = bytes
    self.files = files
    self.place = place
  }

  /// Whom files must be given to that are written once a snapshot lies below; before that, and
  /// without one, everything is given to that user at the start.
  package var owner: UInt32? { isOverlaid ? slotUser : nil }

  /// What the program changed of the snapshot, and added: only to find names by. What they hold is
  /// in `directory`.
  package func changes() throws(SystemError) -> Directory { try root.directory("work") }

  /// Lays the work directory, with the files that are in it by now, over a snapshot.
  mutating func lay(over snapshot: Snapshot, as slot: borrowing SlotMapping) throws(LaunchFailure) {
    precondition(!isOverlaid, "a workspace lies over one snapshot")
    try handOver()
    do {
      // No names that an area or a further directory can have.
      try root.makeDirectory("overlay", mode: 0o700)
      try root.makeDirectory(Workspace.both, mode: 0o700)
      let upper = try root.directory("work")
      let made = try snapshot.overlay(
        upper: upper, work: try root.directory("overlay"), as: slot)
      // There it ends with the workspace: each time that it takes mounts apart, the kernel waits
      // for all processors.
      guard ec_attach(made.raw, root.raw, Workspace.both) == 0 else {
        throw SystemError("move_mount", "overlay")
      }
      directory = try root.directory(Workspace.both)
      isOverlaid = true
    } catch let error as SystemError {
      throw LaunchFailure(stage: "snapshot", errno: error.errno, subject: error.subject)
    } catch let error as LaunchFailure {
      throw error
    } catch {
      throw LaunchFailure(stage: "snapshot", errno: 0, subject: "\(error)")
    }
  }

  /// A further directory on the same file system, made where it is missing: for files that a launch
  /// shows read-only, such as hidden tests.
  /// - Parameter name: one part of a path.
  package func area(_ name: String) throws(SystemError) -> Directory {
    precondition(!name.contains("/") && !name.isEmpty, "an area has a plain name")
    let name = Workspace.name(ofArea: name)
    try root.ensureDirectory(name, mode: 0o755)
    return try root.directory(name)
  }

  static func name(ofArea name: String) -> String { "area-\(name)" }

  /// What the program left in one of the launch's `writableDirectories`.
  package func writable(_ path: String) throws(SystemError) -> Directory {
    try root.directory(Workspace.name(ofWritable: path))
  }

  static func name(ofWritable path: String) -> String {
    "dir" + path.replacing("/", with: "-")
  }

  /// The tree for the next run.
  /// - Parameter copied: true where the jail copies from it; otherwise it is moved, and there is
  ///   only one run.
  func tree(copied: Bool) throws(LaunchFailure) -> Descriptor {
    guard copied || runs.next() == 1 else {
      throw LaunchFailure(
        stage: "workspace", errno: 0, subject: "second run",
        hint: "On this kernel a workspace serves one run; make a new one.")
    }
    switch mount {
    case .none:
      throw LaunchFailure(stage: "workspace", errno: EINVAL, subject: "a directory is no mount")
    case .some(let mount):
      do { return try mount.duplicate() } catch {
        throw LaunchFailure(stage: "workspace", errno: error.errno, subject: error.subject)
      }
    }
  }

  /// The name of what the program sees as its work directory.
  var workName: String { isOverlaid ? Workspace.both : "work" }
  /// Where the overlay appears.
  private static let both = "both"

  /// Free space now; nil where the file system does not tell.
  func space() -> (bytes: UInt64, bytesFree: UInt64, inodes: UInt64, inodesFree: UInt64)? {
    var numbers: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    let answer = ec_quota(root.raw, &numbers.0, &numbers.1, &numbers.2, &numbers.3)
    return answer == 0 ? numbers : nil
  }

  /// True where more was put into it than it may hold, which only a quota prevents.
  package var isOverfull: Bool { place != nil && isFull }

  /// True where not even a small file fits any more.
  ///
  /// Where nothing can be mounted: true where more is used than is allowed, blocks and names.
  var isFull: Bool {
    if place != nil {
      guard bytes > 0 else { return false }
      return DiskUse.of(root, bytesMax: bytes, filesMax: files).isTooMuch
    }
    guard let space = space(), space.bytes > 0 else { return false }
    return space.bytesFree < 4096 || (space.inodes > 0 && space.inodesFree == 0)
  }

  /// Gives every file to the user of the slot.
  func handOver() throws(LaunchFailure) {
    guard isPrivileged else { return }
    // What an overlay consists of is changed through it alone.
    let skipped = Workspace.scratch + (isOverlaid ? ["work", "overlay", Workspace.both] : [])
    do { try Workspace.give(root, to: slotUser, depth: 0, except: skipped) } catch {
      throw LaunchFailure(stage: "hand over", errno: error.errno, subject: error.subject)
    }
  }

  /// The deepest level that is handed over. What the worker puts in is never so deep; an earlier
  /// run may have left more, and that belongs to the user already.
  private static let depthMax = 256

  private static func give(
    _ directory: borrowing Directory, to user: UInt32, depth: Int, except: [String] = []
  ) throws(SystemError) {
    for name in try directory.names() {
      let text = String(decoding: name, as: UTF8.self)
      if except.contains(text) { continue }
      // Names that are no text come from an earlier run, and belong to the user already.
      guard Array(text.utf8) == name else { continue }
      var info = stat()
      guard fstatat(directory.raw, text, &info, AT_SYMLINK_NOFOLLOW) == 0,
        fchownat(directory.raw, text, user, user, AT_SYMLINK_NOFOLLOW) == 0
      else { throw SystemError("chown", directory.name) }
      let isDirectory = info.st_mode & S_IFMT == S_IFDIR
      guard isDirectory, depth < depthMax else { continue }
      if let child = try? directory.directory(text) { try give(child, to: user, depth: depth + 1) }
    }
  }
}
