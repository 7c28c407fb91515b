package import EdgeJob

/// Why the ledger did not do what it was asked; nothing was written.
package enum LedgerError: Error, Hashable, Sendable {
  /// The account's available credits do not cover the amount.
  case notEnoughCredits(account: String, available: Credits, needed: Credits)
  /// This uid may not charge that account.
  case notAllowed(account: String, uid: UInt32)
  case unknownAccount(String)
  case closedAccount(String)
  case unknownKey(String)
  /// An account or key of this name is there already, with other content.
  case exists(what: String)
  /// The job has this phase already, with other content.
  case conflict(job: JobID, phase: String)
  /// The phase cannot come before the one that is missing.
  case outOfOrder(job: JobID, phase: String, missing: String)
  /// The amount to post is above the reservation; the caller caps it.
  case aboveReservation(job: JobID, amount: Credits, reserved: Credits)
  /// Somebody took over leadership; the caller's right has ended.
  case staleEpoch(mine: UInt32, current: UInt32)
  /// The argument is no amount, name or fact that an entry may hold.
  case invalid(what: String, why: String)
  /// The ledger does not say what it must; each finding names the row.
  case tampered([Finding])
  /// The file is no SQLite database, or a broken one.
  case corrupt(what: String, why: String)
  /// The file was made by another program or by a later version.
  case unknownFormat(what: String, found: String)
  /// Another process writes for longer than we wait.
  case busy(what: String)
  /// The ledger cannot be opened or created.
  case unavailable(what: String, why: String)
  /// The device did not take the bytes. This value writes no more; whether the last commit
  /// survives is known after the ledger was opened again.
  case notDurable(what: String, why: String)
  /// The file system is full, or may only be read; nothing was written, and that can end by itself.
  case full(what: String, why: String)
}

extension LedgerError: CustomStringConvertible {
  /// What, where and why, in one line.
  package var summary: String {
    switch self {
    case .notEnoughCredits(let account, let available, let needed):
      "\(account) has \(available) credits available, \(needed) needed"
    case .notAllowed(let account, let uid): "uid \(uid) may not charge \(account)"
    case .unknownAccount(let name): "there is no account \(name)"
    case .closedAccount(let name): "the account \(name) is closed"
    case .unknownKey(let id): "there is no key \(id)"
    case .exists(let what): "\(what) exists already, with other content"
    case .conflict(let job, let phase): "job \(job) has \(phase) already, with other content"
    case .outOfOrder(let job, let phase, let missing):
      "job \(job) cannot have \(phase): \(missing) is missing"
    case .aboveReservation(let job, let amount, let reserved):
      "job \(job) would cost \(amount) credits, only \(reserved) are reserved"
    case .staleEpoch(let mine, let current):
      "this coordinator holds epoch \(mine), the ledger is at \(current)"
    case .invalid(let what, let why): "\(what): \(why)"
    case .tampered(let findings):
      "the ledger was changed: \(findings.first?.description ?? "no detail")"
        + (findings.count > 1 ? " (and \(findings.count - 1) more)" : "")
    case .corrupt(let what, let why): "\(what) is damaged: \(why)"
    case .unknownFormat(let what, let found): "\(what) has an unknown format: \(found)"
    case .busy(let what): "\(what) is being written by another process"
    case .unavailable(let what, let why): "\(what) cannot be used: \(why)"
    case .notDurable(let what, let why): "\(what) could not be made durable: \(why)"
    case .full(let what, let why): "\(what) takes nothing: \(why)"
    }
  }

  /// What to do next, or nil where the summary says it.
  package var hint: String? {
    switch self {
    case .notEnoughCredits: "wait for running jobs to settle, or have credits granted"
    case .notAllowed: "ask whoever runs this spool to allow it"
    case .unknownAccount: "open the account first"
    case .conflict: "the first content stands; use another key for other content"
    case .staleEpoch: "another coordinator took over; let this one end"
    case .tampered, .corrupt: "stop settling, keep the file, and compare it with a backup"
    case .unknownFormat: "use the version of the program that wrote it, or a later one"
    case .busy: "try again"
    case .notDurable: "check the device and its free space, then start again"
    case .full: "free some space, or mount it for writing, then repeat it"
    default: nil
    }
  }

  package var description: String { hint.map { "\(summary)\n\($0)" } ?? summary }

  /// The exit code of a program that ends with this error.
  package var exitCode: ExitCode {
    switch self {
    case .notEnoughCredits, .notAllowed: .notPermitted
    case .unknownAccount, .unknownKey: .notFound
    case .closedAccount: .notPermitted
    case .exists, .conflict, .invalid: .badInput
    case .outOfOrder, .aboveReservation: .internal
    case .staleEpoch, .busy: .temporary
    case .tampered: .tampered
    case .corrupt, .unavailable: .unavailable
    case .unknownFormat: .configuration
    case .notDurable, .full: .notDurable
    }
  }
}
