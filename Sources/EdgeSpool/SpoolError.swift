package import EdgeSystem

/// Why the spool cannot do what was asked.
package struct SpoolError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of failure, which decides the exit code.
  package let kind: Kind
  /// What and where, in words.
  package let what: String
  /// What to do about it, or empty.
  package let hint: String

  /// What kind of failure it is.
  package enum Kind: Hashable, Sendable {
    /// There is no spool here, or it cannot be used now.
    case unavailable
    /// The spool or the name belongs to somebody who may not be trusted, or we may not do this.
    case notPermitted
    /// The spool's format or a feature is unknown to this version.
    case unknownFormat
    /// A job with that id and other content exists.
    case conflict
    /// What was to be published is not what it claims to be.
    case badInput
    /// It could not be made durable.
    case notDurable
    /// The file system is full, or may only be read; that can end by itself.
    case full
    /// There is no such job.
    case notFound
  }

  package init(_ kind: Kind, _ what: String, hint: String = "") {
    self.kind = kind
    self.what = what
    self.hint = hint
  }

  /// A system call failed on the way.
  package init(_ error: SystemError) {
    let kind: Kind =
      switch error.call {
      case _ where error.isFull || error.isReadOnly: .full
      case "fsync", "syncfs", "write": .notDurable
      default: error.errno == 13 || error.errno == 1 ? .notPermitted : .unavailable
      }
    self.init(
      kind, error.description,
      hint: error.isFull
        ? "free some space, then repeat it"
        : error.isReadOnly ? "mount it for writing, then repeat it" : "")
  }

  package var description: String { hint.isEmpty ? what : "\(what); \(hint)" }
}

/// Runs a body of system calls and turns their failure into one of the spool.
func spoolCalls<Result: ~Copyable>(_ body: () throws(SystemError) -> Result) throws(SpoolError)
  -> Result
{
  do { return try body() } catch { throw SpoolError(error) }
}
