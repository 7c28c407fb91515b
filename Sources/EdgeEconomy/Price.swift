package import EdgeJob

/// An amount with every factor that it was made of, so that anybody can work it out again.
package struct Price: Hashable, Sendable {
  /// The rates.
  package let tariff: Tariff
  package let basis: Basis
  /// The CPU time that was multiplied, milliseconds.
  package let cpuMilliseconds: Int64
  /// What the rates give.
  package let uncapped: Credits
  /// What was reserved, where the price is held below it.
  package let cap: Credits?

  /// Where the CPU time comes from.
  package enum Basis: String, Hashable, Sendable {
    /// Measured from outside the sandbox.
    case measured
    /// The limits of the manifest.
    case worstCase
  }

  init(tariff: Tariff, basis: Basis, cpuMilliseconds: Int64, amount: Credits, cap: Credits?) {
    self.tariff = tariff
    self.basis = basis
    self.cpuMilliseconds = cpuMilliseconds
    uncapped = amount
    self.cap = cap
  }

  /// What is charged: what the rates give, but no more than was reserved.
  package var amount: Credits { cap.map { min($0, uncapped) } ?? uncapped }

  /// The same price, held at or below what was reserved: a limit is noticed a little after it is
  /// passed, and the submitter never pays for that.
  package func capped(by reserved: Credits) -> Price {
    precondition(reserved.micro > 0, "a reservation is positive")
    return Price(
      tariff: tariff, basis: basis, cpuMilliseconds: cpuMilliseconds, amount: uncapped,
      cap: cap.map { min($0, reserved) } ?? reserved)
  }

  /// All factors, as they stand in an entry; credits are decimal text in µcr.
  package var json: JSON {
    .members([
      ("tariff", .int(tariff.version)), ("basis", .string(basis.rawValue)),
      ("cpuMs", .int(cpuMilliseconds)), ("microPerCpuMs", .int(tariff.microPerCPUMillisecond)),
      ("multiplierPpm", .int(tariff.multiplierPPM)),
      ("minimum", .string(String(tariff.minimum.micro))),
      ("uncapped", .string(String(uncapped.micro))),
      ("cap", cap.map { .string(String($0.micro)) }),
      ("amount", .string(String(amount.micro))),
    ])
  }
}
