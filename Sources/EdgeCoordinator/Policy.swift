package import EdgeEconomy
package import EdgeJob

/// What a site decides: prices, limits and patience.
package struct Policy: Hashable, Sendable {
  package var tariff: Tariff
  /// No task gets more than this, whatever it asks.
  package var limitsMax: Limits
  /// The first pause after a fault, milliseconds; doubles with each further one.
  package var backoffMilliseconds: Int64
  /// Submissions that are admitted in one pass, and receipts that are settled in one transaction.
  package var batch: Int

  package init(
    tariff: Tariff = .standard, limitsMax: Limits = Policy.widest,
    backoffMilliseconds: Int64 = 1000, batch: Int = 256
  ) {
    self.tariff = tariff
    self.limitsMax = limitsMax
    self.backoffMilliseconds = backoffMilliseconds
    self.batch = batch
  }

  /// One day of wall time, one hour of CPU time, 16 GiB of memory and of disk.
  package static let widest = Limits(
    cpuMilliseconds: 3_600_000, wallMilliseconds: 86_400_000, memoryBytes: 16 << 30,
    processes: 4096, openFiles: 65_536, outputBytes: 64 << 20, diskBytes: 16 << 30,
    files: 1_000_000, processors: 1024)
}
