internal import Glibc

/// Process numbers.
enum ProcessID {
  static var own: Int32 { getpid() }

  /// False only where there is certainly no such process.
  static func isAlive(_ process: Int32) -> Bool { kill(process, 0) == 0 || errno != ESRCH }
}
