internal import CSeccomp
internal import Glibc

/// Names and numbers of the system calls of this machine's architecture.
enum SyscallTable {
  /// What is known of a name.
  enum Meaning: Hashable, Sendable {
    case number(Int32)
    /// A call that other architectures have, and this one has not.
    case elsewhere
    case unknown
  }

  #if arch(arm64)
    private static let native = SyscallNumbers.arm
    private static let foreign = SyscallNumbers.x86
    /// As the OCI runtime specification names it.
    static let architecture = "SCMP_ARCH_AARCH64"
    /// As Docker's conditions name it.
    static let machine = "arm64"
  #else
    private static let native = SyscallNumbers.x86
    private static let foreign = SyscallNumbers.arm
    /// As the OCI runtime specification names it.
    static let architecture = "SCMP_ARCH_X86_64"
    /// As Docker's conditions name it.
    static let machine = "amd64"
  #endif

  private static let names: [Int32: String] = read(native)
  private static let numbers: [String: Int32] = [String: Int32](
    names.map { ($0.value, $0.key) }, uniquingKeysWith: { old, _ in old })
  private static let otherNames = Set(read(foreign).values)

  /// The highest number that has a name: what lies above does not exist (ENOSYS).
  static let newest: Int32 = names.keys.max() ?? 0

  /// All numbers that have a name, in order.
  static let all: [Int32] = names.keys.sorted()

  /// What a name means here: our own table first, since it is newer than the library's.
  static func find(_ name: String) -> Meaning {
    if let number = numbers[name] { return .number(number) }
    let number = seccomp_syscall_resolve_name(name)
    if number >= 0 { return .number(number) }
    let isElsewhere =
      number != -1 || otherNames.contains(name) || SyscallNumbers.elsewhere.contains(name)
    return isElsewhere ? .elsewhere : .unknown
  }

  /// The number of a call on this architecture, or nil.
  static func number(of name: String) -> Int32? {
    if case .number(let number) = find(name) { number } else { nil }
  }

  /// The name of a number; `syscall N` where it has none.
  static func name(of number: Int32) -> String {
    if let name = names[number] { return name }
    guard number >= 0, let text = seccomp_syscall_resolve_num_arch(seccomp_arch_native(), number)
    else { return "syscall \(number)" }
    defer { free(text) }
    return String(cString: text)
  }

  private static func read(_ text: String) -> [Int32: String] {
    var names: [Int32: String] = [:]
    var next: Int32 = 0
    for word in text.split(whereSeparator: \.isWhitespace) {
      if let number = Int32(word) {
        next = number
      } else {
        names[next] = String(word)
        next += 1
      }
    }
    return names
  }
}
