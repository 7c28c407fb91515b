package import EdgeJob

/// What a site takes for its work: a published, versioned list of rates.
///
/// A version never changes its meaning. Prices are integers: CPU milliseconds × rate × multiplier,
/// rounded half up to a whole micro-credit, never below the minimum. All arithmetic saturates at
/// `Tariff.most`, so that no number in a task can overflow it.
package struct Tariff: Hashable, Sendable {
  /// Names the rates; the entry that is paid by them carries it.
  package let version: Int64
  /// µcr for one millisecond of CPU time; 1000 make one credit per second.
  package let microPerCPUMillisecond: Int64
  /// Parts per million by which every price is multiplied; 1 000 000 is the plain rate.
  package let multiplierPPM: Int64
  /// What a verdict costs at least, µcr.
  package let minimum: Credits

  /// Rates that are not negative and no more than `most`; a minimum of at least 1 µcr, since an
  /// entry without money could not be told from one that was forgotten.
  package init(
    version: Int64, microPerCPUMillisecond: Int64, multiplierPPM: Int64 = 1_000_000,
    minimum: Credits = Credits(micro: 1)
  ) {
    precondition((1...Tariff.most).contains(version), "a tariff has a version from 1")
    precondition((0...Tariff.most).contains(microPerCPUMillisecond), "a rate out of range")
    precondition((0...Tariff.most).contains(multiplierPPM), "a multiplier out of range")
    precondition((1...Tariff.most).contains(minimum.micro), "a minimum out of range")
    self.version = version
    self.microPerCPUMillisecond = microPerCPUMillisecond
    self.multiplierPPM = multiplierPPM
    self.minimum = minimum
  }

  /// The largest number in a tariff or a price, 2^53 − 1: it survives every reader of JSON.
  package static let most: Int64 = 1 << 53 - 1

  /// One credit per CPU second, and at least 1 µcr.
  package static let standard = Tariff(version: 1, microPerCPUMillisecond: 1000)

  /// What an attempt that ended with a verdict costs, by the CPU time that was measured.
  package func price(usage: Usage) -> Price {
    price(of: usage.cpuMilliseconds, basis: .measured)
  }

  /// The CPU time that costs no more than this, milliseconds.
  package func cpuMilliseconds(for credits: Credits) -> Int64 {
    guard price(of: 0, basis: .worstCase).amount <= credits else { return 0 }
    var range = (low: Int64(0), high: Tariff.most)
    while range.low < range.high {
      let middle = range.low + (range.high - range.low + 1) / 2
      if price(of: middle, basis: .worstCase).amount <= credits {
        range.low = middle
      } else {
        range.high = middle - 1
      }
    }
    return range.low
  }

  /// What a task can cost at most, by the limits of its manifest: what admit reserves.
  package func worstCase(_ manifest: TaskManifest) -> Price {
    price(of: Tariff.cpuMillisecondsMax(of: manifest), basis: .worstCase)
  }

  /// The limits of both phases together, saturated: a manifest may ask for any 64-bit number.
  private static func cpuMillisecondsMax(of manifest: TaskManifest) -> Int64 {
    let runs = manifest.kind == .run || !manifest.command.isEmpty
    let run = runs ? manifest.limits.cpuMilliseconds : 0
    let verify = manifest.verifier?.limits.cpuMilliseconds ?? 0
    let (sum, overflow) = run.addingReportingOverflow(verify)
    return overflow ? most : sum
  }

  private func price(of cpuMilliseconds: Int64, basis: Price.Basis) -> Price {
    let measured = min(max(0, cpuMilliseconds), Tariff.most)
    let plain = Tariff.product(measured, microPerCPUMillisecond, dividedBy: 1)
    let scaled = Tariff.product(plain, multiplierPPM, dividedBy: 1_000_000)
    return Price(
      tariff: self, basis: basis, cpuMilliseconds: measured,
      amount: Credits(micro: max(minimum.micro, scaled)), cap: nil)
  }

  /// left × right ÷ divisor, rounded half up, at most `most`. None of them is negative.
  static func product(_ left: Int64, _ right: Int64, dividedBy divisor: Int64) -> Int64 {
    let (high, low) = UInt64(left).multipliedFullWidth(by: UInt64(right))
    let (sum, carry) = low.addingReportingOverflow(UInt64(divisor) / 2)
    let top = high + (carry ? 1 : 0)
    // Beyond this the quotient would not fit 64 bits, let alone 53.
    if top >= UInt64(divisor) { return most }
    let quotient = UInt64(divisor).dividingFullWidth((top, sum)).quotient
    return Int64(min(quotient, UInt64(most)))
  }
}

extension Tariff {
  /// Names the format of a tariff as JSON.
  package static let schema = "edgecoder.tariff/1"

  /// The rates, as they stand in an entry when a tariff is published.
  package var json: JSON {
    [
      "schema": .string(Tariff.schema), "version": .int(version),
      "microPerCpuMs": .int(microPerCPUMillisecond), "multiplierPpm": .int(multiplierPPM),
      "minimum": .string(String(minimum.micro)),
    ]
  }

  /// From JSON; a number out of range is refused.
  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "tariff")
    try fields.schema(Tariff.schema)
    let version = try fields.integer("version")
    let rate = try fields.integer("microPerCpuMs")
    let multiplier = try fields.integer("multiplierPpm")
    let minimum = try fields.credits("minimum")
    try fields.end()
    for number in [rate, multiplier] where !(0...Tariff.most).contains(number) {
      throw JSONError("a rate of the tariff is out of range")
    }
    for number in [version, minimum.micro] where !(1...Tariff.most).contains(number) {
      throw JSONError("the version or the minimum of the tariff is out of range")
    }
    self.init(
      version: version, microPerCPUMillisecond: rate, multiplierPPM: multiplier, minimum: minimum)
  }
}
