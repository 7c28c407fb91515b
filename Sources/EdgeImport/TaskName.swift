/// Names of task directories: `[a-z0-9._-]`, at most 100 bytes, never starting with a dot or a
/// hyphen.
enum TaskName {
  static let bytesMax = 100

  /// The directory name for a name of a collection such as `HumanEval/0`: lower case, and a slash
  /// becomes a hyphen.
  /// - Returns: nil where a part of the name is empty, starts with a dot or a hyphen, or holds any
  ///   other character; such names are refused, not repaired.
  static func safe(_ name: String) -> String? {
    guard (1...bytesMax).contains(name.utf8.count) else { return nil }
    var bytes: [UInt8] = []
    for byte in name.utf8 {
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): bytes.append(byte + 32)
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "/"):
        bytes.append(byte)
      default: return nil
      }
    }
    let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    for part in parts {
      guard let first = part.first, first != UInt8(ascii: "."), first != UInt8(ascii: "-") else {
        return nil
      }
    }
    return String(decoding: Array(parts.joined(separator: [UInt8(ascii: "-")])), as: UTF8.self)
  }

  /// True for a plain file name of letters, digits, `_`, `.` and `-`, as program files have.
  static func isFileName(_ name: String) -> Bool {
    safe(name) != nil && !name.utf8.contains(UInt8(ascii: "/"))
  }

  /// True for an ASCII name that Python and JavaScript accept.
  static func isIdentifier(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
    return name.utf8.allSatisfy(isIdentifierByte)
  }

  /// Letters, digits and the underscore.
  static func isIdentifierByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
