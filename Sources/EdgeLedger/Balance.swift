package import EdgeJob

/// What an account holds.
package struct Balance: Hashable, Sendable {
  package let account: String
  package let kind: AccountKind
  /// Everything that came in: granted, earned, returned.
  package let credited: Credits
  /// Everything that went out.
  package let spent: Credits
  /// What open reservations hold back.
  package let reserved: Credits
  package let isClosed: Bool

  /// What may be reserved or moved; below zero only for equity.
  package var available: Credits { credited - spent - reserved }
}

/// A row of the account table.
struct AccountRow: Hashable {
  let id: Int64
  let name: String
  let kind: AccountKind
  let opened: Int64
  let closed: Int64?
  var sums: Sums
  /// The last transfer that moved it.
  var moved: Place

  /// The four running sums, µcr.
  struct Sums: Hashable {
    var drPend: Int64 = 0
    var drPost: Int64 = 0
    var crPend: Int64 = 0
    var crPost: Int64 = 0
  }

  /// An entry and a leg in it; −1 before the first.
  struct Place: Hashable {
    var seq: Int64 = -1
    var leg: Int64 = -1
  }

  var isClosed: Bool { closed != nil }
  var pendingSum: Int64 { sums.drPend + sums.crPend }

  var balance: Balance {
    Balance(
      account: name, kind: kind, credited: Credits(micro: sums.crPost),
      spent: Credits(micro: sums.drPost), reserved: Credits(micro: sums.drPend),
      isClosed: isClosed)
  }
}
