internal import EdgeJob

// The bytes of an entry are evidence: they are hashed and never rewritten. This table is the
// whole format; a change of meaning needs a new value of `schema`.
//
// An entry is one JSON object in canonical form (RFC 8785). Every entry has these members:
//
// | member   | value                                                                             |
// |----------|-----------------------------------------------------------------------------------|
// | `schema` | `edgecoder.entry/1`                                                               |
// | `seq`    | number of the entry, from 0; also the index of its leaf                           |
// | `ts`     | milliseconds since 1970 UTC; never below that of the entry before                 |
// | `epoch`  | the leadership under which it was written; 0 before the first                     |
// | `actor`  | who wrote it                                                                      |
// | `type`   | what it is, see below                                                             |
// | `reason` | why, in words; may be empty                                                       |
//
// and, by type, these and no others:
//
// | type      | members                        | what it does                                     |
// |-----------|--------------------------------|--------------------------------------------------|
// | `genesis` | `spool`, `scale`, `accounts`   | entry 0: opens the chart; µcr = 10^−`scale` cr   |
// | `epoch`   | –                              | takes leadership: `epoch` is one more than before|
// | `account` | `account`, `kind`              | opens an account                                 |
// | `close`   | `account`                      | closes it: no transfer touches it any more       |
// | `allow`   | `account`, `uid`, `default`    | lets a uid charge an account, perhaps by default |
// | `revoke`  | `account`, `uid`               | ends that                                        |
// | `key`     | `key`, `algorithm`, `public`,  | enrols a public key (hexadecimal bytes)          |
// |           | `purpose`, `holder`            |                                                  |
// | `retire`  | `key`                          | from here on the key signs nothing new           |
// | `issue`   | `transfers`                    | equity:issuance → treasury                       |
// | `grant`   | `transfers`                    | treasury → user                                  |
// | `reclaim` | `transfers`                    | user or worker → treasury                        |
// | `reserve` | `job`, `phase`, `submitter`?,  | pending user → pool:jobs; phase `reserve/N` of   |
// |           | `transfers`, `facts`           | round N; `submitter` is the uid that asked       |
// | `post`    | `job`, `phase`, `worker`,      | phases `end/N` and `result`: posts what was used,|
// |           | `attempt`, `fence`, `receipt`, | releases the rest, and pays pool:jobs → worker;  |
// |           | `transfers`, `facts`           | the receipt is the accepted result of the job    |
// | `void`    | `job`, `phase`, `transfers`,   | phase `end/N`: releases everything               |
// |           | `facts`                        |                                                  |
// | any other | `facts`                        | a fact without money: lower-case words and `-`   |
//
// `facts` is an object of the writer's choice: integers within ±(2^53 − 1), text, no fractions.
// `uid`, `submitter`, `attempt` and `scale` are integers, `default` is true or false, `fence` is 16
// and `receipt` 64 hexadecimal digits. `accounts` is a list of {`account`, `kind`}.
//
// A transfer is {`id`, `kind`, `dr`, `cr`, `amount`} and, where it ends a pending one, {`pending`,
// `held`}: the id of that one and its whole amount. Amounts are µcr as decimal text. Its place in
// the list is its leg, and its id is derived (`TransferID`).
//
// leaf = SHA-256(0x00 ‖ body);  hash = SHA-256(hash of the entry before ‖ leaf), where the one
// before entry 0 is 32 zero bytes. The leaves are those of an RFC 9162 tree, and an entry has at
// most 65 535 bytes, so that it fits the tiles of C2SP tlog-tiles.

/// What an entry states, without who, when and why.
enum Fact: Hashable, Sendable {
  case genesis(spool: String, accounts: [ChartAccount])
  case epoch
  case account(ChartAccount)
  case close(account: String)
  case allow(account: String, uid: UInt32, preferred: Bool)
  case revoke(account: String, uid: UInt32)
  case key(EnrolledKey)
  case retire(key: String)
  case credits(CreditsFact)
  case reserve(ReserveFact)
  case post(PostFact)
  case void(VoidFact)
  case other(type: String, facts: JSON)

  /// The value of `type`.
  var type: String {
    switch self {
    case .genesis: "genesis"
    case .epoch: "epoch"
    case .account: "account"
    case .close: "close"
    case .allow: "allow"
    case .revoke: "revoke"
    case .key: "key"
    case .retire: "retire"
    case .credits(let fact): fact.type.rawValue
    case .reserve: "reserve"
    case .post: "post"
    case .void: "void"
    case .other(let type, _): type
    }
  }

  /// The types that have a meaning of their own.
  static let reservedTypes: Set<String> = [
    "genesis", "epoch", "account", "close", "allow", "revoke", "key", "retire", "issue", "grant",
    "reclaim", "reserve", "post", "void",
  ]

  /// The transfers, in the order of their legs.
  var transfers: [Transfer] {
    switch self {
    case .credits(let fact): [fact.transfer]
    case .reserve(let fact): [fact.transfer]
    case .post(let fact): [fact.posting, fact.pay]
    case .void(let fact): [fact.transfer]
    default: []
    }
  }

  /// The phases that no job can have twice, in the order in which they are written.
  var postings: [(job: JobID, phase: String)] {
    switch self {
    case .reserve(let fact): [(fact.job, Phase.reserve(fact.round))]
    case .post(let fact): [(fact.job, Phase.end(fact.round)), (fact.job, Phase.result)]
    case .void(let fact): [(fact.job, Phase.end(fact.round))]
    default: []
    }
  }

  /// The job, where the entry is about one.
  var job: JobID? { postings.first?.job }
}

/// The phases of a job in the ledger; each exists once per job.
enum Phase {
  static let result = "result"

  static func reserve(_ round: Int) -> String { "reserve/\(round)" }
  static func end(_ round: Int) -> String { "end/\(round)" }

  /// The round of a phase with that stem, or nil.
  static func round(_ phase: String, _ stem: String) -> Int? {
    guard phase.hasPrefix("\(stem)/"), let round = Int(phase.dropFirst(stem.utf8.count + 1)),
      (1...roundMax).contains(round), phase == "\(stem)/\(round)"
    else { return nil }
    return round
  }

  static let roundMax = 1_000_000
}

struct ChartAccount: Hashable, Sendable {
  let name: String
  let kind: AccountKind
}

struct EnrolledKey: Hashable, Sendable {
  let id: String
  let algorithm: String
  let publicKey: [UInt8]
  let purpose: String
  let holder: String
}

struct CreditsFact: Hashable, Sendable {
  enum Kind: String { case issue, grant, reclaim }
  let type: Kind
  let transfer: Transfer
}

struct ReserveFact: Hashable, Sendable {
  let job: JobID
  let round: Int
  let submitter: UInt32?
  let transfer: Transfer
  let facts: JSON
}

struct PostFact: Hashable, Sendable {
  let job: JobID
  let round: Int
  let worker: String
  let attempt: Int64
  let fence: Fence
  let receipt: Digest
  let posting: Transfer
  let pay: Transfer
  let facts: JSON
}

struct VoidFact: Hashable, Sendable {
  let job: JobID
  let round: Int
  let transfer: Transfer
  let facts: JSON
}
