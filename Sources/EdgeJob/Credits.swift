/// An amount of credits in whole micro-credits (1 credit = 1 000 000 µcr).
package struct Credits: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Whole micro-credits.
  package let micro: Int64

  package init(micro: Int64) { self.micro = micro }

  /// Nothing.
  package static let zero = Credits(micro: 0)

  /// From decimal credits such as `12`, `0.5` or `3.000001`, or nil; no sign, no exponent, at most
  /// six digits behind the point.
  package init?(decimal text: String) {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let fraction = parts.count == 2 ? String(parts[1]) : ""
    guard parts.count == 1 || (1...6).contains(fraction.count),
      let whole = Credits.digits(String(parts[0])), !parts[0].isEmpty,
      let rest = Credits.digits(fraction + String(repeating: "0", count: 6 - fraction.count))
    else { return nil }
    let (scaled, overflow) = whole.multipliedReportingOverflow(by: 1_000_000)
    let (sum, carried) = scaled.addingReportingOverflow(rest)
    guard !overflow, !carried else { return nil }
    micro = sum
  }

  /// From whole micro-credits in their one spelling: digits without a sign or leading zeros.
  package init?(microText text: String) {
    guard let micro = Int64(text), micro >= 0, String(micro) == text else { return nil }
    self.micro = micro
  }

  private static func digits(_ text: String) -> Int64? {
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int64(text)
  }

  /// Decimal credits without trailing zeros, for people: `0.5`.
  package var description: String {
    let magnitude = micro.magnitude
    var fraction = String(magnitude % 1_000_000)
    fraction = String(repeating: "0", count: 6 - fraction.count) + fraction
    while fraction.last == "0" { fraction.removeLast() }
    let text = "\(magnitude / 1_000_000)" + (fraction.isEmpty ? "" : "." + fraction)
    return micro < 0 ? "-" + text : text
  }

  package static func < (left: Credits, right: Credits) -> Bool { left.micro < right.micro }

  /// Traps on overflow: no amount here may come near 2^63 µcr.
  package static func + (left: Credits, right: Credits) -> Credits {
    Credits(micro: left.micro + right.micro)
  }

  /// Traps on overflow.
  package static func - (left: Credits, right: Credits) -> Credits {
    Credits(micro: left.micro - right.micro)
  }
}
