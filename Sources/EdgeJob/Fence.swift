/// The number of the right to run a job: epoch · 2^32 + n.
///
/// The epoch is committed to the ledger at every take-over of leadership, and n counts in memory,
/// so a later right always has a higher number.
package struct Fence: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// epoch · 2^32 + n.
  package let number: UInt64

  package init(epoch: UInt32, count: UInt32) { number = UInt64(epoch) << 32 | UInt64(count) }

  /// From its 16 hexadecimal digits, or nil.
  package init?(_ text: some StringProtocol) {
    guard text.utf8.count == 16, let bytes = Hex.bytes(String(text)) else { return nil }
    number = bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// The take-over of leadership that issued it.
  package var epoch: UInt32 { UInt32(number >> 32) }
  /// The place among the rights of that epoch.
  package var count: UInt32 { UInt32(truncatingIfNeeded: number) }

  /// 16 lower-case hexadecimal digits.
  package var description: String {
    Hex.text((0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) })
  }

  package static func < (left: Fence, right: Fence) -> Bool { left.number < right.number }
}

/// A job and the right to run it: the file name `JOB.FENCE` in a worker's folders.
package struct FencedJob: Hashable, Sendable, CustomStringConvertible {
  package let job: JobID
  package let fence: Fence

  package init(job: JobID, fence: Fence) {
    self.job = job
    self.fence = fence
  }

  /// From a file name, or nil.
  package init?(fileName: String) {
    let parts = fileName.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let job = JobID(parts[0]), let fence = Fence(parts[1]) else {
      return nil
    }
    self.init(job: job, fence: fence)
  }

  package var description: String { "\(job).\(fence)" }
}
