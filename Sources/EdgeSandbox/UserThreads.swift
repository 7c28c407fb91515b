internal import Glibc

/// Threads of our own real user on this machine: the kernel counts all of them together.
enum UserThreads {
  static func count() -> Int64 {
    guard let folder = opendir("/proc") else { return 0 }
    defer { closedir(folder) }
    var sum: Int64 = 0
    while let entry = readdir(folder) {
      var info = stat()
      let threads: Int64 = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { name in
          guard name[0] >= 0x31, name[0] <= 0x39,
            fstatat(dirfd(folder), name, &info, 0) == 0
          else { return 0 }
          // A folder here has two links, `task` in it one more for each thread.
          var tasks = stat()
          guard fstatat(dirfd(folder), String(cString: name) + "/task", &tasks, 0) == 0 else {
            return 0
          }
          return isOurs(String(cString: name)) ? Int64(tasks.st_nlink) - 2 : 0
        }
      }
      sum += max(0, threads)
    }
    return sum
  }

  /// By /proc/PID/status: the owner of the folder is another one for processes that hide.
  private static func isOurs(_ process: String) -> Bool {
    let raw = open("/proc/\(process)/status", O_RDONLY | O_CLOEXEC)
    guard raw >= 0 else { return false }
    defer { close(raw) }
    var bytes = [UInt8](repeating: 0, count: 1024)
    let count = read(raw, &bytes, bytes.count)
    let line = bytes[..<max(0, count)].split(separator: 0x0A).first {
      $0.starts(with: "Uid:".utf8)
    }
    let word = line?.dropFirst(4).split { $0 == 0x09 || $0 == 0x20 }.first
    return word?.elementsEqual("\(getuid())".utf8) ?? false
  }
}
