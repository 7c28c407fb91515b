internal import CJailPlan

/// A call that the jail noted: one that the filter refused, or one that was let through while it
/// was learned.
package struct NotedCall: Hashable, Sendable {
  /// The name of the call.
  package let name: String
  /// Its six registers; of calls that come with many different ones only the first are kept apart,
  /// and of learned ones only what matters for a rule.
  package let arguments: [UInt64]
  /// How often.
  package let count: Int64
  /// The place of the entry of `Learning.watches` that decided about it, from 1; 0 where none did.
  let watch: Int

  init(_ entry: ec_denied) {
    name = SeccompFilter.name(of: entry.number)
    let all = entry.arguments
    arguments = [all.0, all.1, all.2, all.3, all.4, all.5]
    count = Int64(clamping: entry.count)
    watch = Int(entry.watch)
  }
}
