internal import CLinux
internal import Glibc

/// SIGINT and SIGTERM as something to wait for, signalfd(2), instead of an end in mid-step.
///
/// Made before any other thread is started, so that every thread has them blocked.
package struct Signals: ~Copyable, Sendable {
  private let file: Descriptor

  /// - Parameter hangup: SIGHUP too, which otherwise ends the process.
  package init(hangup: Bool = false) throws(SystemError) {
    file = Descriptor(
      owning: try checked("signalfd", "SIGINT, SIGTERM") { ec_signal_descriptor(hangup ? 1 : 0) })
  }

  /// Readable when a signal came; borrowed.
  package var descriptor: Int32 { file.raw }

  /// The number of a signal that came, or nil.
  package func take() -> Int32? {
    let number = ec_read_signal(file.raw)
    return number == 0 ? nil : number
  }

  /// Makes writes to a closed pipe fail instead of ending the process.
  package static func ignoreBrokenPipes() { ec_ignore_broken_pipes() }
}

/// Standard output and error.
package enum Standard {
  /// True where the descriptor is a terminal.
  package static func isTerminal(_ raw: Int32) -> Bool { isatty(raw) == 1 }

  /// Columns of the terminal on standard output, or nil.
  package static func columns() -> Int? {
    var size = winsize()
    guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// Ends the process at once.
  package static func exit(_ code: Int32) -> Never { Glibc.exit(code) }
}
