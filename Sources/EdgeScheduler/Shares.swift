/// What each account has used of late, and what it may expect: the basis of fair share.
///
/// Use is CPU time as the sandboxes measured it, in microseconds, and fades with a half-life of one
/// hour. A job in flight counts with what the account's jobs took so far. All numbers are integers,
/// so that the same history gives the same order on every machine.
package struct Shares: Hashable, Sendable {
  /// One account.
  package struct Account: Hashable, Sendable {
    /// Its part beside the others', from 1.
    package var weight: Int64 = 1
    /// Measured use, faded, µs.
    package var use: Int64 = 0
    /// What its jobs in flight are expected to use, µs.
    package var inFlight: Int64 = 0
    /// What one of its jobs took of late, µs; nil before the first has ended.
    package var mean: Int64?
    /// Grows with every job that was given a worker; who waits longest goes first among equals.
    package var lastServed: UInt64 = 0
  }

  /// By name; those that nothing was heard of have a weight of 1 and no use.
  package private(set) var accounts: [String: Account] = [:]
  /// Minutes since 1970 UTC up to which use has faded.
  private var minute: Int64 = 0
  /// What any job took of late, µs.
  private var mean: Int64 = 1_000_000
  private var served: UInt64 = 0

  /// Part of what remains after one minute, in units of 2^−32: 2^(−1/60).
  private static let fading: Int64 = 4_245_635_237
  /// The least that a job counts, µs: one that measures nothing is not free.
  private static let least: Int64 = 1000

  package init(weights: [String: Int64] = [:]) {
    for (account, weight) in weights { set(weight: weight, of: account) }
  }

  /// Gives an account its part, 1 … 1000.
  package mutating func set(weight: Int64, of account: String) {
    precondition((1...1000).contains(weight), "a weight is 1 … 1000")
    accounts[account, default: Account()].weight = weight
  }

  /// Gives these accounts their parts, and every other one a part of 1.
  package mutating func set(weights: [String: Int64]) {
    for name in accounts.keys where weights[name] == nil { set(weight: 1, of: name) }
    for (name, weight) in weights { set(weight: weight, of: name) }
  }

  /// Takes over what ended before there was this value, oldest minute first.
  /// - Parameters:
  ///   - use: CPU time of `jobs` jobs of the account together, µs.
  ///   - minute: since 1970 UTC.
  package mutating func replay(use: Int64, jobs: Int64, of account: String, minute: Int64) {
    precondition(jobs > 0, "a minute in which no job ended says nothing")
    fade(now: minute * 60_000)
    var entry = accounts[account] ?? Account()
    entry.use += max(0, use)
    entry.mean = max(Shares.least, use / jobs)
    mean = (mean * 7 + max(Shares.least, use / jobs)) / 8
    accounts[account] = entry
  }

  /// Takes over what was measured before, µs as of `now`.
  package mutating func restore(use: Int64, of account: String, now: Int64) {
    fade(now: now)
    accounts[account, default: Account()].use = max(0, use)
  }

  /// Lets use fade up to now, milliseconds UTC. A clock that goes back fades nothing.
  package mutating func fade(now: Int64) {
    let target = now / 60_000
    let minutes = minute == 0 ? 0 : target - minute
    minute = max(minute, target)
    guard minutes > 0 else { return }
    for (name, account) in accounts where account.use > 0 {
      accounts[name]?.use = Shares.faded(account.use, minutes: minutes)
    }
  }

  static func faded(_ use: Int64, minutes: Int64) -> Int64 {
    // Whole half-lives first; what is left is less than sixty steps.
    var rest = minutes / 60 > 62 ? 0 : use >> (minutes / 60)
    for _ in 0..<(minutes % 60) { rest = multiply(rest, fading) }
    return rest
  }

  /// value · factor / 2^32 without overflow.
  private static func multiply(_ value: Int64, _ factor: Int64) -> Int64 {
    let (high, low) = value.multipliedFullWidth(by: factor)
    return high << 32 | Int64(low >> 32)
  }

  /// One of its jobs is given a worker.
  /// - Returns: what it is expected to use, for `settle`.
  mutating func charge(_ account: String) -> Int64 {
    served += 1
    var entry = accounts[account] ?? Account()
    let expected = max(Shares.least, entry.mean ?? mean)
    entry.inFlight += expected
    entry.lastServed = served
    accounts[account] = entry
    return expected
  }

  /// One of its jobs came back.
  /// - Parameters:
  ///   - expected: what `charge` answered.
  ///   - measured: CPU time in µs; nil where nothing was measured and nothing is counted.
  mutating func settle(_ account: String, expected: Int64, measured: Int64?) {
    var entry = accounts[account] ?? Account()
    entry.inFlight = max(0, entry.inFlight - expected)
    if let measured {
      let used = max(Shares.least, min(measured, 1 << 50))
      entry.use += used
      entry.mean = entry.mean.map { ($0 * 7 + used) / 8 } ?? used
      mean = (mean * 7 + used) / 8
    }
    accounts[account] = entry
  }

  /// True where `left` has had less of its part than `right`, or as much and waited longer; nil
  /// where nothing tells them apart.
  func precedes(_ left: String, _ right: String) -> Bool? {
    let mine = accounts[left] ?? Account()
    let other = accounts[right] ?? Account()
    // used / weight of both, without a division.
    let first = (mine.use + mine.inFlight).multipliedFullWidth(by: other.weight)
    let second = (other.use + other.inFlight).multipliedFullWidth(by: mine.weight)
    if first.high != second.high { return first.high < second.high }
    if first.low != second.low { return first.low < second.low }
    if mine.lastServed != other.lastServed { return mine.lastServed < other.lastServed }
    return nil
  }
}
