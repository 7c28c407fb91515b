/// Times as people and documents read them.
package enum UTCTime {
  /// RFC 3339 text in UTC to the millisecond: `2026-01-02T03:04:05.006Z`. Negative values are times
  /// before 1970.
  package static func text(milliseconds: Int64) -> String {
    let (days, rest) = floor(milliseconds, 86_400_000)
    let (year, month, day) = civil(days: days)
    let clock = [rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60].map { digits($0, 2) }
    let date = "\(digits(year, 4))-\(digits(month, 2))-\(digits(day, 2))"
    return "\(date)T\(clock.joined(separator: ":")).\(digits(rest % 1000, 3))Z"
  }

  private static func digits(_ number: Int64, _ count: Int) -> String {
    let text = String(number.magnitude)
    let zeros = String(repeating: "0", count: max(0, count - text.utf8.count))
    return (number < 0 ? "-" : "") + zeros + text
  }

  /// Quotient rounded down, and the remainder, which is never negative.
  private static func floor(_ number: Int64, _ divisor: Int64) -> (Int64, Int64) {
    let (quotient, remainder) = number.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }

  /// The proleptic Gregorian date of a day counted from 1970-01-01. Years begin in March here, so
  /// that the leap day is the last of its year; 400 years have 146 097 days.
  private static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    // 719 468 days lie between 0000-03-01 and 1970-01-01.
    let (era, dayOfEra) = floor(days + 719_468, 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shifted + 2) / 5 + 1
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
  }
}
