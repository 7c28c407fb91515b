/// What a filter answers, SECCOMP_RET_*.
package enum SeccompAction: Hashable, Sendable, CustomStringConvertible {
  case allow
  /// Allows, and tells the kernel's log.
  case log
  case trace(UInt16)
  /// Asks the listener.
  case notify
  case error(UInt16)
  case trap
  case killThread
  case killProcess

  /// From the 32 bits that a program returns; what the kernel does not know kills the process.
  package init(raw: UInt32) {
    let data = UInt16(truncatingIfNeeded: raw)
    self =
      switch raw & 0xFFFF_0000 {
      case 0x7FFF_0000: .allow
      case 0x7FFC_0000: .log
      case 0x7FF0_0000: .trace(data)
      case 0x7FC0_0000: .notify
      case 0x0005_0000: .error(min(data, 4095))
      case 0x0003_0000: .trap
      case 0x0000_0000: .killThread
      default: .killProcess
      }
  }

  package var description: String {
    switch self {
    case .allow: "allow"
    case .log: "allow and log"
    case .trace: "ask a tracer"
    case .notify: "tell the listener"
    case .error(let number): ErrorText.name(of: Int32(number))
    case .trap: "signal SIGSYS"
    case .killThread: "kill the thread"
    case .killProcess: "kill the process"
    }
  }
}
