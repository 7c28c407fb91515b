internal import ArgumentParser
internal import EdgeJob
internal import EdgeLedger
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// `edgecoder ledger`.
struct LedgerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger", abstract: "Verifies and reads the ledger.",
    discussion: "Example: edgecoder ledger verify",
    subcommands: [LedgerVerify.self, LedgerBalance.self, LedgerStatement.self])
}

struct LedgerVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Checks every entry, its chain, and every table.",
    discussion: "Example: edgecoder ledger verify --json")

  @OptionGroup var place: SpoolOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let site = try Site(place)
    let verification = try site.ledger().verify()
    let findings = verification.findings.map(\.description)
    try output.render(
      Document(
        schema: "edgecoder.verify/1",
        properties: [
          Property("entries", Cell(verification.entries), .int(verification.entries)),
          Property("head", Cell(verification.head.hash.hex)),
          Property(
            "result", Cell(verification.isClean ? "clean" : "tampered"),
            .string(verification.isClean ? "clean" : "tampered")),
          Property(
            "findings", Cell(Int64(findings.count)), .texts(findings)),
        ], notes: findings))
    if !verification.isClean {
      throw CommandFailure(
        .tampered, "the ledger was changed", place: site.ledgerPath,
        why: findings.first, next: "restore it from a backup and compare the heads")
    }
  }
}

struct LedgerBalance: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "balance", abstract: "Shows what accounts have.",
    discussion: "Example: edgecoder ledger balance --account local")

  @Option(help: "One account; all where none is named.")
  var account: String?

  @OptionGroup var place: SpoolOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let ledger = try Site(place).ledger()
    let balances =
      try account.map { [try ledger.balance(AccountName.full($0))] }
      ?? ledger.accounts()
    try output.render(
      Document(
        schema: "edgecoder.balance/1", list: "accounts",
        rows: balances.map {
          AccountRow(
            account: $0.account, balance: $0.credited - $0.spent, reserved: $0.reserved)
        }))
  }
}

struct LedgerStatement: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "statement", abstract: "Lists what an account earned, spent and reserved.",
    discussion: "Example: edgecoder ledger statement --account local --limit 20")

  @Option(help: "The account.")
  var account = "local"

  @Option(help: "The newest lines.")
  var limit = 50

  @OptionGroup var place: SpoolOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    try NumberRange.check("--limit", limit, 0 ... .max)
    let ledger = try Site(place).ledger()
    let lines = try ledger.statement(account: AccountName.full(account), limit: limit)
    try output.render(
      Document(
        schema: "edgecoder.statement/1", list: "lines",
        rows: lines.map {
          StatementRow(
            sequence: $0.seq, time: $0.ts, kind: $0.kind.rawValue, amount: $0.change,
            balance: $0.balance, job: $0.job, reason: $0.reason)
        }))
  }
}

/// Accounts as people write them: `local` means `user:local`.
enum AccountName {
  static func full(_ name: String) -> String {
    name.contains(":") || name == "treasury" ? name : "user:\(name)"
  }
}

/// `edgecoder account`.
struct AccountCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "account", abstract: "Makes accounts, and decides who may charge them.",
    discussion: "Example: edgecoder account create ci",
    subcommands: [
      AccountList.self, AccountCreate.self, AccountGrant.self, AccountAllow.self,
    ])
}

struct AccountList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists the accounts that you may charge.",
    discussion: "Example: edgecoder account list")

  @Option(help: "Another user's number or name.")
  var uid: String?
  @OptionGroup var place: SpoolOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    var user = Identity.user
    if let uid {
      guard let named = Identity.user(named: uid) else {
        throw CommandFailure(.usage, "there is no user \(uid)")
      }
      user = named
    }
    let ledger = try Site(place).ledger()
    let rows = try ledger.allowedAccounts(uid: user).map { name in
      let balance = try ledger.balance(name)
      return AccountRow(
        account: name, balance: balance.credited - balance.spent, reserved: balance.reserved)
    }
    try output.render(Document(schema: "edgecoder.accounts/1", list: "accounts", rows: rows))
  }
}

struct AccountCreate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create", abstract: "Makes an account.",
    discussion: "Example: edgecoder account create ci")

  @Argument(help: "Its name.")
  var name: String
  @OptionGroup var place: SpoolOptions

  func run() throws {
    let account = AccountName.full(name)
    try Site(place).write { (writer: borrowing LedgerWriter) throws(LedgerError) in
      _ = try writer.openAccount(account, kind: .user, reason: "account create")
    }
  }
}

struct AccountGrant: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "grant", abstract: "Gives credits to an account.",
    discussion: "Example: edgecoder account grant ci 500 --reason 'budget for November'")

  @Argument(help: "The account.")
  var name: String
  @Argument(help: "Credits, such as 500 or 0.25.")
  var credits: String
  @Option(help: "Why; stays in the ledger.")
  var reason: String
  @OptionGroup var place: SpoolOptions

  func run() throws {
    guard let amount = Credits(decimal: credits), amount > .zero else {
      throw CommandFailure(.usage, "\(credits) is no amount", next: "write 500 or 0.25")
    }
    let account = AccountName.full(name)
    let why = reason
    try Site(place).write { (writer: borrowing LedgerWriter) throws(LedgerError) in
      try writer.issue(amount, reason: why)
      try writer.grant(account, amount, reason: why)
    }
  }
}

struct AccountAllow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "allow", abstract: "Lets a user charge an account.",
    discussion: "Example: edgecoder account allow ci --uid 1001 --default")

  @Argument(help: "The account.")
  var name: String
  @Option(help: "The user's number or name.")
  var uid: String
  @Flag(help: "Makes it the account of this user's requests that name none.")
  var `default` = false
  @OptionGroup var place: SpoolOptions

  func run() throws {
    guard let user = Identity.user(named: uid) else {
      throw CommandFailure(.usage, "there is no user \(uid)")
    }
    let account = AccountName.full(name)
    let isDefault = `default`
    try Site(place).write { (writer: borrowing LedgerWriter) throws(LedgerError) in
      _ = try writer.allow(uid: user, account: account, makeDefault: isDefault)
    }
  }
}
