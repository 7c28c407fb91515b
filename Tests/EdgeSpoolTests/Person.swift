import EdgeJob
import EdgeSpool
import EdgeSystem
import EdgeTestSupport
import Glibc

/// Somebody with a uid of his own. Only numbers: the machine need not know them by name. They lie
/// below 60000, where the sandbox has users that it kills.
struct Person: Hashable, Sendable, CustomStringConvertible {
  let description: String
  let uid: UInt32
  let groups: [UInt32]

  /// The group that the spool is shared with.
  static let members: UInt32 = 59110
  /// A group of the worker's own, with the coordinator.
  static let workers: UInt32 = 59112

  static let coordinator = Person(
    description: "coordinator", uid: 59101, groups: [members, workers])
  static let worker = Person(description: "worker", uid: 59102, groups: [members, workers])
  static let submitter = Person(description: "submitter", uid: 59103, groups: [members])
  static let neighbour = Person(description: "another submitter", uid: 59104, groups: [members])
  static let stranger = Person(description: "stranger", uid: 59109, groups: [])
  static let root = Person(description: "root", uid: 0, groups: [])

  /// Makes this process his for ever; only in the child of an exit test.
  func become() throws(SystemError) {
    guard setgroups(groups.count, groups) == 0, setgid(uid) == 0, setuid(uid) == 0 else {
      throw SystemError("setuid", description)
    }
  }

  /// Does these operations, each a list of words, and answers for each `ok` or the name of the
  /// error. Python makes the system calls, each in a process of this person's own.
  /// - Parameter loosened: each in a copy of the folder in which everything that the operation
  ///   names may be read and written by everybody, or is his.
  func `do`(_ operations: [[String]], in folder: String, loosened: Bool = false) throws -> [String]
  {
    let groups = groups.map(String.init).joined(separator: ",")
    let lines = operations.map { $0.joined(separator: "\t") }.joined(separator: "\n")
    let result = try Python.run(
      Self.program, [folder, "\(uid)", groups, loosened ? "loosened" : ""],
      input: Array(lines.utf8), seconds: 300)
    guard result.status == 0 else { throw Trouble("\(result)") }
    return result.output.split(separator: "\n").map(String.init)
  }

  private static let program = """
    import errno, fcntl, os, shutil, struct, subprocess, sys
    O_TMPFILE = 0o20200000
    folder, uid, groups, loosened = sys.argv[1:]
    uid = int(uid); groups = [int(group) for group in groups.split(',') if group]
    def write(path, flags):
        file = os.open(path, os.O_WRONLY | flags, 0o600); os.write(file, b'x'); os.close(file)
    def publish(folder, name, text='78'):
        file = os.open(folder, O_TMPFILE | os.O_RDWR, 0o600)
        os.write(file, bytes.fromhex(text)); os.fsync(file)
        # With a folder given, Python calls linkat(2), which follows the link to the file.
        os.link(str(file), folder + '/' + name, src_dir_fd=os.open('/proc/self/fd', os.O_RDONLY))
    def lock(path):
        file = os.open(path, os.O_RDWR)
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0))
    doing = {
        'list': os.listdir,
        'read': lambda path: open(path, 'rb').read(),
        'create': lambda path: write(path, os.O_CREAT | os.O_EXCL),
        'write': lambda path: write(path, 0),
        'truncate': lambda path: os.truncate(path, 0),
        'publish': publish,
        'unlink': os.unlink,
        'mkdir': os.mkdir,
        'rename': os.rename,
        'link': os.link,
        'chmod': lambda path: os.chmod(path, os.stat(path).st_mode & 0o7777),
        'give': lambda path, uid: os.chown(path, int(uid), -1),
        'lock': lock,
    }
    def attempt(place, words, uid=uid):
        child = os.fork()
        if child == 0:
            try:
                os.chdir(place)
                os.setgroups(groups); os.setgid(uid); os.setuid(uid)
                doing[words[0]](*words[1:])
                os._exit(0)
            except OSError as error: os._exit(error.errno)
            except BaseException as error: os.write(2, repr(error).encode()); os._exit(255)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return errno.errorcode.get(status, str(status)) if status else 'ok'
    def open_to_all(path, place):
        for depth in range(len(path.split('/')) + 1):
            part = os.path.join(place, *path.split('/')[:depth])
            if not os.path.lexists(part): continue
            for name in os.listxattr(part):
                if name.startswith('system.posix_acl'): os.removexattr(part, name)
            os.chmod(part, 0o777)
    def twin(words):
        copy = folder + '.loosened'
        subprocess.run(['cp', '-a', folder, copy], check=True)
        try:
            if words[0] == 'give': return attempt(copy, words, 0)
            for path in words[1:2] if words[0] == 'publish' else words[1:]: open_to_all(path, copy)
            if words[0] == 'chmod': os.chown(os.path.join(copy, words[1]), uid, -1)
            return attempt(copy, words)
        finally: shutil.rmtree(copy)
    for line in sys.stdin.read().splitlines():
        words = line.split('\\t')
        print(twin(words) if loosened else attempt(folder, words), flush=True)
    """
}
