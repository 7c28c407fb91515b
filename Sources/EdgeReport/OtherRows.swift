package import EdgeJob

/// A worker as `workers` shows it.
package struct WorkerRow: Row, Hashable {
  package var id: String
  /// Such as `idle`, `busy`, `draining` or `lost`.
  package var state: String
  /// Jobs that it runs at once, at most.
  package var slots: Int64
  /// Jobs that it runs now.
  package var running: Int64
  package var profiles: [String]
  /// When it last gave a sign, milliseconds UTC.
  package var seen: Int64?
  /// Why it does not take every job, where it does not.
  package var why: String?

  package init(
    id: String, state: String, slots: Int64, running: Int64, profiles: [String],
    seen: Int64? = nil, why: String? = nil
  ) {
    self.id = id
    self.state = state
    self.slots = slots
    self.running = running
    self.profiles = profiles
    self.seen = seen
    self.why = why
  }

  /// What a line of the table shows.
  package static let columns = [
    Column("WORKER"), Column("STATE"), Column("SLOTS", .right), Column("RUNNING", .right),
    Column("PROFILES", canShrink: true), Column("SEEN"), Column("WHY", canShrink: true),
  ]

  /// The line of the table.
  package var cells: [Cell] {
    [
      Cell(id), Cell(state), Cell(slots), Cell(running),
      Cell(profiles.joined(separator: ", ")),
      seen.map { Cell(UTCTime.text(milliseconds: $0)) } ?? .none,
      why.map { Cell($0, .warning) } ?? .none,
    ]
  }

  /// The name of the worker.
  package var plain: String { id }

  package var json: JSON {
    .members([
      ("worker", .string(id)), ("state", .string(state)), ("slots", .int(slots)),
      ("running", .int(running)), ("profiles", .texts(profiles)), ("seen", seen.map { .int($0) }),
      ("why", why.map { .string($0) }),
    ])
  }
}

/// An account as `balance` shows it.
package struct AccountRow: Row, Hashable {
  package var account: String
  /// What is posted.
  package var balance: Credits
  /// What live jobs hold back of it.
  package var reserved: Credits

  package init(account: String, balance: Credits, reserved: Credits) {
    self.account = account
    self.balance = balance
    self.reserved = reserved
  }

  /// What a line of the table shows.
  package static let columns = [
    Column("ACCOUNT"), Column("BALANCE", .right), Column("RESERVED", .right),
    Column("AVAILABLE", .right),
  ]

  private var available: Credits { balance - reserved }

  /// The line of the table.
  package var cells: [Cell] {
    [
      Cell(account), Cell(Amount.credits(balance)), Cell(Amount.credits(reserved)),
      Cell(Amount.credits(available), available.micro > 0 ? .normal : .warning),
    ]
  }

  /// The name of the account.
  package var plain: String { account }

  package var json: JSON {
    [
      "account": .string(account), "balance": .string(String(balance.micro)),
      "reserved": .string(String(reserved.micro)),
      "available": .string(String(available.micro)),
    ]
  }
}

/// A line of an account's statement.
package struct StatementRow: Row, Hashable {
  /// The number of the ledger entry.
  package var sequence: Int64
  /// Milliseconds UTC.
  package var time: Int64
  /// `earn`, `spend`, `adjust`, `reserve` or `void`.
  package var kind: String
  /// Positive where the account received.
  package var amount: Credits
  /// After this line.
  package var balance: Credits
  package var job: JobID?
  package var reason: String

  package init(
    sequence: Int64, time: Int64, kind: String, amount: Credits, balance: Credits,
    job: JobID? = nil, reason: String = ""
  ) {
    self.sequence = sequence
    self.time = time
    self.kind = kind
    self.amount = amount
    self.balance = balance
    self.job = job
    self.reason = reason
  }

  /// What a line of the table shows.
  package static let columns = [
    Column("ENTRY", .right), Column("TIME"), Column("KIND"), Column("AMOUNT", .right),
    Column("BALANCE", .right), Column("JOB"), Column("REASON", canShrink: true),
  ]

  /// The line of the table.
  package var cells: [Cell] {
    [
      Cell(sequence), Cell(UTCTime.text(milliseconds: time)), Cell(kind),
      Cell(Amount.credits(amount)), Cell(Amount.credits(balance)),
      job.map { Cell($0.description) } ?? .none, Cell(reason),
    ]
  }

  /// The number of the entry.
  package var plain: String { String(sequence) }

  package var json: JSON {
    .members([
      ("seq", .int(sequence)), ("ts", .int(time)), ("kind", .string(kind)),
      ("amount", .string(String(amount.micro))), ("balance", .string(String(balance.micro))),
      ("job", job.map { .string($0.description) }), ("reason", .string(reason)),
    ])
  }
}

/// One thing that `doctor` or `fsck` looked at.
package struct CheckRow: Row, Hashable {
  package var name: String
  package var result: Result
  /// What was found.
  package var found: String
  /// What to do about it.
  package var next: String?

  /// How a check went.
  package enum Result: String, Sendable { case ok, warning, failed }

  package init(_ name: String, _ result: Result, found: String, next: String? = nil) {
    self.name = name
    self.result = result
    self.found = found
    self.next = next
  }

  /// What a line of the table shows.
  package static let columns = [
    Column("CHECK"), Column("RESULT"), Column("FOUND", canShrink: true),
    Column("NEXT", canShrink: true),
  ]

  /// The line of the table.
  package var cells: [Cell] {
    let tone: Tone =
      switch result {
      case .ok: .good
      case .warning: .warning
      case .failed: .bad
      }
    return [Cell(name), Cell(result.rawValue, tone), Cell(found), Cell(next ?? "")]
  }

  /// The name and how it went, tab between.
  package var plain: String { "\(name)\t\(result.rawValue)" }

  package var json: JSON {
    .members([
      ("check", .string(name)), ("result", .string(result.rawValue)), ("found", .string(found)),
      ("next", next.map { .string($0) }),
    ])
  }
}
