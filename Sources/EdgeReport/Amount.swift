package import EdgeJob

/// Numbers as people read them; whole-number arithmetic, rounded down.
package enum Amount {
  /// `512 B`, `1.5 KiB`, `3.0 GiB`.
  package static func bytes(_ bytes: Int64) -> String {
    let sign = bytes < 0 ? "-" : ""
    let magnitude = bytes.magnitude
    if magnitude < 1024 { return "\(sign)\(magnitude) B" }
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    let power = (63 - magnitude.leadingZeroBitCount) / 10
    // In 1024ths of the unit, so that nothing overflows.
    let fine = magnitude >> UInt64(10 * (power - 1))
    return "\(sign)\(fine / 1024).\(fine % 1024 * 10 / 1024) \(units[power - 1])"
  }

  /// From milliseconds: `12 ms`, `3.4 s`, `2 m 05 s`, `7 h 30 m`, `3 d 04 h`.
  package static func duration(_ milliseconds: Int64) -> String {
    let sign = milliseconds < 0 ? "-" : ""
    let magnitude = milliseconds.magnitude
    let seconds = magnitude / 1000
    let text =
      switch magnitude {
      case 0..<1000: "\(magnitude) ms"
      case 1000..<60_000: "\(seconds).\(magnitude % 1000 / 100) s"
      case 60_000..<3_600_000: "\(seconds / 60) m \(two(seconds % 60)) s"
      case 3_600_000..<86_400_000: "\(seconds / 3600) h \(two(seconds / 60 % 60)) m"
      default: "\(seconds / 86_400) d \(two(seconds / 3600 % 24)) h"
      }
    return sign + text
  }

  /// Decimal seconds with three digits, for machines: `0.012`.
  package static func seconds(_ milliseconds: Int64) -> String {
    let magnitude = milliseconds.magnitude
    let fraction = String(magnitude % 1000)
    let zeros = String(repeating: "0", count: 3 - fraction.utf8.count)
    return "\(milliseconds < 0 ? "-" : "")\(magnitude / 1000).\(zeros)\(fraction)"
  }

  /// Credits with all six digits, so that columns line up: `0.500000`.
  package static func credits(_ credits: Credits) -> String {
    let magnitude = credits.micro.magnitude
    let fraction = String(magnitude % 1_000_000)
    let zeros = String(repeating: "0", count: 6 - fraction.utf8.count)
    return "\(credits.micro < 0 ? "-" : "")\(magnitude / 1_000_000).\(zeros)\(fraction)"
  }

  /// `1 job`, `2 jobs`.
  package static func count(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }

  private static func two(_ number: UInt64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
