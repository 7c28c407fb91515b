/// The canonical bytes of a JSON value, RFC 8785.
///
/// Members are sorted by the UTF-16 code units of their names, and numbers are written as
/// ECMAScript would. Everything that is signed, hashed or chained is made of these bytes.
extension JSON {
  /// RFC 8785 bytes. Our own documents must not hold `number`, nor integers beyond ±(2^53 − 1).
  package var canonical: [UInt8] {
    var bytes: [UInt8] = []
    write(into: &bytes)
    return bytes
  }

  /// The canonical bytes as text.
  package var canonicalText: String { String(decoding: canonical, as: UTF8.self) }

  private func write(into bytes: inout [UInt8]) {
    switch self {
    case .null: bytes += "null".utf8
    case .bool(let flag): bytes += (flag ? "true" : "false").utf8
    case .int(let integer):
      if integer.magnitude < 1 << 53 {
        bytes += String(integer).utf8
      } else {
        bytes += ECMAScriptNumber.text(Double(integer)).utf8
      }
    case .number(let number): bytes += ECMAScriptNumber.text(number).utf8
    case .string(let text): JSON.write(text, into: &bytes)
    case .array(let elements):
      bytes.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        element.write(into: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      bytes.append(UInt8(ascii: "{"))
      for (index, member) in members.sorted(by: JSON.precedes).enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        JSON.write(member.name, into: &bytes)
        bytes.append(UInt8(ascii: ":"))
        member.value.write(into: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  private static func precedes(_ left: Member, _ right: Member) -> Bool {
    left.name.utf16.lexicographicallyPrecedes(right.name.utf16)
  }

  private static func write(_ text: String, into bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""): bytes += "\\\"".utf8
      case UInt8(ascii: "\\"): bytes += "\\\\".utf8
      case 0x08: bytes += "\\b".utf8
      case 0x09: bytes += "\\t".utf8
      case 0x0A: bytes += "\\n".utf8
      case 0x0C: bytes += "\\f".utf8
      case 0x0D: bytes += "\\r".utf8
      case 0..<0x20: bytes += "\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}

/// Numbers as ECMAScript's Number::toString writes them (ECMA-262 §6.1.6.1.20).
enum ECMAScriptNumber {
  static func text(_ number: Double) -> String {
    precondition(number.isFinite, "JSON has no infinity and no NaN")
    if number == 0 { return "0" }
    let (digits, exponent) = shortest(number.magnitude)
    let sign = number < 0 ? "-" : ""
    let count = digits.count
    if count <= exponent, exponent <= 21 {
      return sign + digits + String(repeating: "0", count: exponent - count)
    }
    if (1...21).contains(exponent) {
      let cut = digits.index(digits.startIndex, offsetBy: exponent)
      return sign + digits[..<cut] + "." + digits[cut...]
    }
    if (-5...0).contains(exponent) {
      return sign + "0." + String(repeating: "0", count: -exponent) + digits
    }
    let power = exponent - 1
    let tail = "e" + (power < 0 ? "-" : "+") + String(power.magnitude)
    let rest = digits.dropFirst()
    return sign + digits.prefix(1) + (rest.isEmpty ? "" : "." + rest) + tail
  }

  /// The shortest digits d and the exponent n with value = 0.d × 10^n; Swift prints the shortest.
  private static func shortest(_ number: Double) -> (digits: String, exponent: Int) {
    let parts = number.description.split(separator: "e")
    let power = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let halves = parts[0].split(separator: ".")
    let whole = String(halves[0])
    let fraction = halves.count > 1 ? String(halves[1]) : ""
    var digits = whole + fraction
    var exponent = whole.count + power
    while digits.first == "0" {
      digits.removeFirst()
      exponent -= 1
    }
    while digits.last == "0" { digits.removeLast() }
    return (digits, exponent)
  }
}
