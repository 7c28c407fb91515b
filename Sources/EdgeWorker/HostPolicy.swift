package import EdgeJob

/// What the owner of a machine allows its worker.
package struct HostPolicy: Hashable, Sendable {
  package var mode: WorkerMode
  /// Takes jobs only then; nil is always.
  package var hours: HoursWindow?
  /// Takes jobs only while nobody else needs the machine.
  package var idleOnly: Bool
  /// A phone on battery stops at this level, thousandths of a percent.
  package var batteryStop: Int64
  /// A phone on battery waits this long between two jobs, milliseconds.
  package var batteryInterval: Int64
  /// When the last job was taken, milliseconds UTC; counts on a phone only.
  package var lastTaken: Int64?

  package init(
    mode: WorkerMode = .on, hours: HoursWindow? = nil, idleOnly: Bool = false,
    batteryStop: Int64 = 20_000, batteryInterval: Int64 = 45_000, lastTaken: Int64? = nil
  ) {
    self.mode = mode
    self.hours = hours
    self.idleOnly = idleOnly
    self.batteryStop = batteryStop
    self.batteryInterval = batteryInterval
    self.lastTaken = lastTaken
  }
}

/// A part of each day in UTC, from one minute up to another; it may pass midnight.
///
/// UTC, as all times of a spool: a window in local time would be missing or doubled for an hour
/// when clocks change, and another one on each machine.
package struct HoursWindow: Hashable, Sendable, CustomStringConvertible {
  /// Minutes after midnight, 0 … 1439; inside.
  package let from: Int64
  /// Minutes after midnight, 0 … 1439; outside.
  package let to: Int64

  /// From `22:00-06:00`; nil for anything else, and for a window without a minute in it.
  package init?(_ text: some StringProtocol) {
    let ends = text.split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2, let from = HoursWindow.minute(ends[0]),
      let to = HoursWindow.minute(ends[1]), from != to
    else { return nil }
    self.from = from
    self.to = to
  }

  private static func minute(_ text: some StringProtocol) -> Int64? {
    let bytes = Array(text.utf8)
    guard bytes.count == 5, bytes[2] == UInt8(ascii: ":") else { return nil }
    let digits = [bytes[0], bytes[1], bytes[3], bytes[4]].map { Int64($0) - 0x30 }
    guard digits.allSatisfy({ $0 >= 0 && $0 <= 9 }) else { return nil }
    let hour = digits[0] * 10 + digits[1]
    let minute = digits[2] * 10 + digits[3]
    return hour < 24 && minute < 60 ? hour * 60 + minute : nil
  }

  /// - Parameter time: milliseconds since 1970 UTC.
  package func contains(_ time: Int64) -> Bool {
    let day: Int64 = 24 * 60
    let minute = (time / 60_000 % day + day) % day
    return from < to ? (from..<to).contains(minute) : minute >= from || minute < to
  }

  /// As it was written.
  package var description: String {
    "\(HoursWindow.text(from))-\(HoursWindow.text(to))"
  }

  private static func text(_ minute: Int64) -> String { "\(two(minute / 60)):\(two(minute % 60))" }
  private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
