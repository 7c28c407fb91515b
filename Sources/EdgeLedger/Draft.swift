internal import EdgeJob

/// An entry that is about to be written: every check that does not need the tables.
struct Draft {
  let reason: String
  let fact: Fact

  /// An actor is 1 … 200 bytes.
  static func check(actor: String) throws(LedgerError) {
    guard (1...200).contains(actor.utf8.count) else {
      throw .invalid(what: "actor", why: "1 … 200 bytes are needed")
    }
  }

  /// An amount is positive, and small enough for every reader of numbers.
  static func check(amount: Credits) throws(LedgerError) {
    guard (1...amountMax).contains(amount.micro) else {
      throw .invalid(what: "amount", why: "\(amount.micro) µcr is not in 1 … \(amountMax)")
    }
  }

  /// 2^53 − 1 µcr, nine milliards of credits.
  static let amountMax: Int64 = 1 << 53 - 1

  static func check(round: Int) throws(LedgerError) {
    guard (1...Phase.roundMax).contains(round) else {
      throw .invalid(what: "round", why: "\(round) is not in 1 … \(Phase.roundMax)")
    }
  }

  /// Facts are an object whose canonical form every reader understands alike: no fractions, no
  /// integers beyond ±(2^53 − 1), no name twice, at most 32 levels.
  static func check(facts: JSON) throws(LedgerError) {
    guard facts.members != nil else { throw .invalid(what: "facts", why: "no object") }
    if let why = problem(of: facts, depth: 0) { throw .invalid(what: "facts", why: why) }
  }

  private static func problem(of json: JSON, depth: Int) -> String? {
    if depth > 32 { return "nested deeper than 32" }
    switch json {
    case .null, .bool, .string: return nil
    case .int(let integer): return integer.magnitude < 1 << 53 ? nil : "\(integer) is too large"
    case .number: return "a number that is no integer"
    case .array(let elements):
      for element in elements {
        if let why = problem(of: element, depth: depth + 1) { return why }
      }
      return nil
    case .object(let members):
      var names: Set<[UInt8]> = []
      for member in members {
        if !names.insert(Array(member.name.utf8)).inserted { return "\(member.name) occurs twice" }
        if let why = problem(of: member.value, depth: depth + 1) { return why }
      }
      return nil
    }
  }

  /// The type of a fact without money: lower-case words joined by `-`, none of the reserved ones.
  static func check(type: String) throws(LedgerError) {
    let isWord = type.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "-") }
    guard (1...40).contains(type.utf8.count), isWord, !Fact.reservedTypes.contains(type) else {
      throw .invalid(what: "type \(type)", why: "reserved, or not lower-case letters and -")
    }
  }
}
