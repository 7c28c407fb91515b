/// What an account is for. All but equity keep debits, also pending ones, within their credits.
package enum AccountKind: String, Hashable, Sendable, CaseIterable {
  /// Where credits come from; the only account that may go below zero.
  case equity
  /// Issued credits that nobody owns yet.
  case treasury
  /// Somebody who pays for jobs.
  case user
  /// Clearing between those who pay and those who work; zero after every entry.
  case pool
  /// A worker that earns.
  case worker

  /// The one account of kind `equity`.
  package static let issuance = "equity:issuance"
  /// The one account of kind `treasury`.
  package static let treasuryName = "treasury"
  /// The one account of kind `pool`.
  package static let jobs = "pool:jobs"

  /// The accounts of a new ledger.
  static let chart = [
    ChartAccount(name: issuance, kind: .equity), ChartAccount(name: treasuryName, kind: .treasury),
    ChartAccount(name: jobs, kind: .pool),
  ]

  /// True where an account of this kind may have this name: one of the chart, or `user:NAME` and
  /// `worker:ID` with 1 … 100 letters, digits and `. _ : -`, the first one a letter or digit.
  package func allows(name: String) -> Bool {
    switch self {
    case .user, .worker: AccountKind.isRest(name.dropFirstPrefix("\(rawValue):"))
    default: AccountKind.chart.contains { $0.name == name && $0.kind == self }
    }
  }

  private static func isRest(_ rest: Substring?) -> Bool {
    guard let rest, (1...100).contains(rest.utf8.count), let first = rest.utf8.first else {
      return false
    }
    return isAlphanumeric(first)
      && rest.utf8.allSatisfy { isAlphanumeric($0) || ".:_-".utf8.contains($0) }
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: false
    }
  }
}

extension String {
  /// What follows the prefix, or nil.
  fileprivate func dropFirstPrefix(_ prefix: String) -> Substring? {
    hasPrefix(prefix) ? dropFirst(prefix.count) : nil
  }
}
