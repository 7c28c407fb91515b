import EdgeJob
import EdgeLedger
import EdgeTestSupport
import Testing

/// A bank of dictionaries: what the books must say, told in another way.
struct Shadow {
  var posted: [String: Int64] = [:]
  var reserved: [String: Int64] = [:]
  var jobs: [Int: (account: String, amount: Int64, round: Int)] = [:]
  var rounds: [Int: Int] = [:]
  var finished: Set<Int> = []
}

/// Seeded walks through everything that a writer can do.
struct Walk {
  let books: Books
  var shadow = Shadow()
  var random: SplitMix64
  var users = [Books.ann]
  var now = Books.start

  init(seed: Seed) throws {
    books = try Books(credits: 50)
    random = SplitMix64(seed)
    shadow.posted = [
      "equity:issuance": -1_050_000_000, "treasury": 1_000_000_000, Books.ann: 50_000_000,
    ]
  }

  mutating func run(steps: Int) throws {
    for _ in 0..<steps {
      now += random.number(-500...1000 as ClosedRange<Int64>)
      try step()
    }
  }

  private mutating func write(_ body: (borrowing LedgerWriter) throws(LedgerError) -> Void)
    throws(LedgerError) -> Bool
  {
    do {
      try books.write(now: now, body)
      return true
    } catch .notEnoughCredits, .conflict, .outOfOrder, .aboveReservation {
      return false
    }
  }

  mutating func step() throws {
    switch random.number(0...11) {
    case 0: try openUser()
    case 1, 2: try move()
    case 3, 4, 5: try reserve()
    case 6, 7, 8: try post()
    case 9: try void()
    case 10: try rights()
    default:
      let text = random.text(atMost: 20)
      _ = try write { writer throws(LedgerError) in
        try writer.record("note", facts: ["text": .string(text)], reason: text)
      }
    }
  }

  private mutating func openUser() throws {
    let name = "user:u\(users.count)"
    #expect(try write { writer throws(LedgerError) in try writer.openAccount(name, kind: .user) })
    users.append(name)
  }

  private mutating func move() throws {
    let amount = random.number(1...40_000_000 as ClosedRange<Int64>)
    let account = random.one(of: users)
    let back = random.once(in: 3)
    let (from, to) = back ? (account, "treasury") : ("treasury", account)
    let covered = shadow.posted[from, default: 0] - shadow.reserved[from, default: 0] >= amount
    let done = try write { writer throws(LedgerError) in
      if back {
        try writer.reclaim(account, Credits(micro: amount), reason: "back")
      } else {
        try writer.grant(account, Credits(micro: amount), reason: "more")
      }
    }
    #expect(done == covered)
    guard done else { return }
    shadow.posted[from, default: 0] -= amount
    shadow.posted[to, default: 0] += amount
  }

  private mutating func reserve() throws {
    let job = random.number(1...60)
    let amount = random.number(1...20_000_000 as ClosedRange<Int64>)
    let account = random.one(of: users)
    if shadow.jobs[job] != nil || shadow.finished.contains(job) { return }
    let round = shadow.rounds[job, default: 0] + 1
    let available = shadow.posted[account, default: 0] - shadow.reserved[account, default: 0]
    let done = try write { writer throws(LedgerError) in
      try writer.reserve(
        job: .number(job), round: round, account: account, amount: Credits(micro: amount))
    }
    #expect(done == (available >= amount))
    guard done else { return }
    shadow.jobs[job] = (account, amount, round)
    shadow.rounds[job] = round
    shadow.reserved[account, default: 0] += amount
  }

  private mutating func post() throws {
    guard let (number, job) = shadow.jobs.min(by: { $0.key < $1.key }) else { return }
    let amount = random.number(1...job.amount + job.amount / 8)
    let done = try write { writer throws(LedgerError) in
      try writer.post(
        job: .number(number), round: job.round, amount: Credits(micro: amount), worker: "w1",
        fence: .first, attempt: 1, receipt: .number(number))
    }
    #expect(done == (amount <= job.amount))
    guard done else { return }
    end(number, job)
    shadow.finished.insert(number)
    shadow.posted[job.account, default: 0] -= amount
    shadow.posted[Books.worker, default: 0] += amount
  }

  private mutating func void() throws {
    guard let (number, job) = shadow.jobs.max(by: { $0.key < $1.key }) else { return }
    #expect(
      try write { writer throws(LedgerError) in
        try writer.void(job: .number(number), round: job.round, reason: "cancelled")
      })
    end(number, job)
  }

  private mutating func end(_ number: Int, _ job: (account: String, amount: Int64, round: Int)) {
    shadow.jobs[number] = nil
    shadow.reserved[job.account, default: 0] -= job.amount
  }

  private mutating func rights() throws {
    let uid = UInt32(random.number(1000...1003))
    let account = random.one(of: users)
    let key = "k\(random.number(1...6))"
    let choice = random.number(0...4)
    let before = Set(try books.ledger.keys().map(\.id))
    _ = try write { writer throws(LedgerError) in
      switch choice {
      case 0: try writer.revoke(uid: uid, account: account)
      case 1, 2: try writer.allow(uid: uid, account: account, makeDefault: choice == 1)
      case 3:
        if !before.contains(key) {
          try writer.addKey(
            id: key, algorithm: "ed25519", publicKey: Array(key.utf8), purpose: "worker",
            holder: "w1")
        }
      default: if before.contains(key) { try writer.retireKey(id: key, reason: "rotated") }
      }
    }
  }

  /// Compares all balances, and the sums.
  func check() throws {
    let accounts = try books.ledger.accounts()
    for account in accounts {
      #expect(
        account.credited.micro - account.spent.micro == shadow.posted[account.account, default: 0])
      #expect(account.reserved.micro == shadow.reserved[account.account, default: 0])
    }
    #expect(accounts.reduce(0) { $0 + $1.credited.micro - $1.spent.micro } == 0)
    let open = try books.ledger.openReservations()
    #expect(Set(open.map(\.job)) == Set(shadow.jobs.keys.map { JobID.number($0) }))
    #expect(open.reduce(0) { $0 + $1.amount.micro } == shadow.reserved.values.reduce(0, +))
  }
}

@Suite struct RandomWalkTests {
  @Test(arguments: Seed.some(12))
  func `the books agree with a plain model after every step`(seed: Seed) throws {
    var walk = try Walk(seed: seed)
    var heads: [Head] = []
    for _ in 0..<120 {
      try walk.run(steps: 1)
      try walk.check()
      heads.append(try walk.books.ledger.head())
    }
    let verification = try walk.books.ledger.verify(against: heads)
    #expect(verification.findings == [])
    #expect(verification.head == heads.last)
    let times = try walk.books.ledger.entries(from: 0, limit: .max).map(\.ts)
    #expect(times == times.sorted())
  }
}
