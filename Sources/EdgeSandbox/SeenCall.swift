internal import CJailPlan

/// A call that was let through while it was learned, and how often.
package struct SeenCall: Hashable, Sendable {
  /// The name of the call.
  package let name: String
  /// Its six registers, each only as far as it matters for a rule.
  package let arguments: [UInt64]
  /// How often.
  package let count: Int64
  /// The place of the entry of `Learning.watches` that let it through, from 1; 0 where none speaks
  /// of it.
  let watch: Int

  init(_ entry: ec_denied) {
    name = SeccompFilter.name(of: entry.number)
    let all = entry.arguments
    arguments = [all.0, all.1, all.2, all.3, all.4, all.5]
    count = Int64(clamping: entry.count)
    watch = Int(entry.watch)
  }
}
