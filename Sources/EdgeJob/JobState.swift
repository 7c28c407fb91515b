/// Where a job is. Every state is a directory of the spool, and a job is in exactly one.
package enum JobState: String, CaseIterable, Sendable {
  case incoming, ready, inbox, running, outbox, done, held, dead, cancelled, quarantine

  /// True where no further event can happen by itself.
  package var isFinal: Bool {
    switch self {
    case .done, .dead, .cancelled, .quarantine: true
    default: false
    }
  }
}

/// What can happen to a job.
package enum JobEvent: String, CaseIterable, Sendable {
  case admit, reject, hold, release, assign, claim, finish, settle, requeue, exhaust, expire,
    cancel, retry
}

/// An event that the state does not know.
package struct IllegalTransition: Error, Hashable, Sendable {
  package let state: JobState
  package let event: JobEvent
}

extension JobState {
  /// The state after `event`. The only place where transitions are written.
  ///
  /// `requeue` puts a job back whose worker died or reported a fault; `exhaust` ends one whose
  /// faults used up their budget; `settle` accepts an outbox item with a verdict; `retry` of one in
  /// `done` is for what fell with another job.
  package func after(_ event: JobEvent) throws(IllegalTransition) -> JobState {
    switch (self, event) {
    case (.incoming, .admit), (.held, .release): .ready
    case (.incoming, .reject): .quarantine
    case (.incoming, .hold), (.ready, .hold), (.inbox, .hold): .held
    case (.ready, .assign): .inbox
    case (.inbox, .claim): .running
    case (.running, .finish): .outbox
    case (.outbox, .settle): .done
    case (.inbox, .requeue), (.running, .requeue), (.outbox, .requeue): .ready
    case (.running, .exhaust), (.outbox, .exhaust), (.held, .exhaust): .dead
    case (.ready, .expire), (.held, .expire): .done
    case (.incoming, .cancel), (.ready, .cancel), (.inbox, .cancel), (.held, .cancel),
      (.outbox, .cancel):
      .cancelled
    case (.dead, .retry), (.cancelled, .retry), (.done, .retry): .ready
    default: throw IllegalTransition(state: self, event: event)
    }
  }
}
