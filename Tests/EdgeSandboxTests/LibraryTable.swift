import EdgeTestSupport
import Glibc

/// The table of libseccomp, asked without importing it.
enum LibraryTable {
  private typealias Resolve = @convention(c) (UnsafePointer<CChar>) -> Int32

  private static let resolve: Resolve? = {
    guard let symbol = dlsym(nil, "seccomp_syscall_resolve_name") else { return nil }
    return unsafeBitCast(symbol, to: Resolve.self)
  }()

  /// The number of a call; nil where the library does not know it here.
  static func number(_ name: String) -> Int32? {
    guard let resolve else { return nil }
    let number = resolve(name)
    return number < 0 ? nil : number
  }
}
