internal import EdgeArchive
internal import EdgeCoordinator
internal import EdgeImport
internal import EdgeJob
internal import EdgeLedger
internal import EdgeReport
internal import EdgeSandbox
internal import EdgeSpool
internal import EdgeSystem
internal import EdgeTrust

/// Why a command ends without success: what, where, why, what to do next, and the exit code.
struct CommandFailure: Error {
  let code: EdgeJob.ExitCode
  let text: ErrorText

  init(
    _ code: EdgeJob.ExitCode, _ what: String, place: String? = nil, why: String? = nil,
    next: String? = nil
  ) {
    self.code = code
    text = ErrorText(what, place: place, why: why, next: next)
  }

  /// From any error of our modules; nil for one of the argument parser.
  init?(any error: any Error) {
    switch error {
    case let failure as CommandFailure: self = failure
    case let error as SpoolError: self.init(error)
    case let error as LedgerError: self.init(error.exitCode, error.summary, next: error.hint)
    case let error as CoordinatorError: self.init(error)
    case let error as SystemError: self.init(error)
    case let error as Refusal: self.init(.badInput, "the archive is refused", why: error.reason)
    case let error as ArchiveError:
      self.init(
        error.errno == 0 ? .badInput : .cannotCreate, "cannot \(error.what)", why: error.why,
        next: error.hint)
    case let error as UnpackError:
      self.init(.badInput, "the archive cannot be unpacked", why: error.description)
    case let error as ManifestError:
      self.init(.badInput, "the manifest is refused", why: "\(error)")
    case let error as LaunchFailure: self.init(error)
    case let error as TrustError:
      self.init(.notPermitted, error.what, place: error.subject, why: error.why, next: error.hint)
    case let error as ImportError:
      self.init(.badInput, "the collection cannot be imported", why: "\(error)")
    case let error as ReportError:
      let text = error.errorText
      self.init(.usage, text.what, place: text.place, why: text.why, next: text.next)
    case let error as JSONError: self.init(.badInput, "a document is wrong", why: "\(error)")
    default: return nil
    }
  }

  private init(_ error: SpoolError) {
    let code: EdgeJob.ExitCode =
      switch error.kind {
      case .unavailable: .unavailable
      case .notPermitted: .notPermitted
      case .unknownFormat: .configuration
      case .conflict, .badInput: .badInput
      case .notDurable, .full: .notDurable
      case .notFound: .notFound
      }
    self.init(code, error.what, next: error.hint)
  }

  private init(_ error: CoordinatorError) {
    switch error {
    case .spool(let error): self.init(error)
    case .ledger(let error): self.init(error.exitCode, error.summary, next: error.hint)
    case .mismatch(let what):
      self.init(.tampered, what, next: "restore the ledger that belongs to this spool")
    }
  }

  private init(_ error: LaunchFailure) {
    self.init(
      .unavailable, "the sandbox does not start", place: error.stage,
      why: error.errno == 0
        ? error.subject
        : SystemError(error.stage, errno: error.errno, subject: error.subject)
          .description, next: error.hint ?? "edgecoder doctor shows what this machine lacks")
  }

  init(_ error: SystemError) {
    let code: EdgeJob.ExitCode =
      switch error.errno {
      case 2: .notFound
      case 1, 13: .notPermitted
      case 17: .cannotCreate
      case _ where error.isFull || error.isReadOnly: .notDurable
      default: error.call == "fsync" || error.call == "write" ? .notDurable : .unavailable
      }
    self.init(code, error.description)
  }
}
