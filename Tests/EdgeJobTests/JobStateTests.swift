import EdgeJob
import EdgeTestSupport
import Testing

/// The state machine against a second table, written here by hand from the picture of the queue.
struct JobStateTests {
  /// state → event → next state.
  static let expected: [JobState: [JobEvent: JobState]] = [
    .incoming: [.admit: .ready, .reject: .quarantine, .hold: .held, .cancel: .cancelled],
    .ready: [.assign: .inbox, .hold: .held, .expire: .done, .cancel: .cancelled],
    .inbox: [.claim: .running, .hold: .held, .requeue: .ready, .cancel: .cancelled],
    .running: [.finish: .outbox, .requeue: .ready, .exhaust: .dead],
    .outbox: [.settle: .done, .requeue: .ready, .exhaust: .dead, .cancel: .cancelled],
    .held: [.release: .ready, .exhaust: .dead, .expire: .done, .cancel: .cancelled],
    .dead: [.retry: .ready],
    .cancelled: [.retry: .ready],
    .done: [.retry: .ready],
    .quarantine: [:],
  ]

  @Test(arguments: JobState.allCases, JobEvent.allCases)
  func knowsEveryTransition(state: JobState, event: JobEvent) throws {
    if let next = Self.expected[state]?[event] {
      #expect(try state.after(event) == next)
    } else {
      #expect(throws: IllegalTransition.self) { try state.after(event) }
    }
  }

  @Test
  func everyStateCanBeReached() {
    var reached: Set<JobState> = [.incoming]
    var frontier: [JobState] = [.incoming]
    while let state = frontier.popLast() {
      for event in JobEvent.allCases {
        if let next = try? state.after(event), reached.insert(next).inserted {
          frontier.append(next)
        }
      }
    }
    #expect(reached == Set(JobState.allCases))
  }

  @Test
  func finalStatesEndUnlessSomebodyRetries() {
    for state in JobState.allCases where state.isFinal {
      for event in JobEvent.allCases where event != .retry {
        #expect(throws: IllegalTransition.self) { try state.after(event) }
      }
    }
    // From every other state something can happen without a user.
    let byUsers: Set<JobEvent> = [.hold, .release, .cancel, .retry]
    for state in JobState.allCases where !state.isFinal && state != .held {
      #expect(JobEvent.allCases.contains { !byUsers.contains($0) && (try? state.after($0)) != nil })
    }
  }

  @Test(arguments: Seed.some(100))
  func walksKeepTheirPromises(seed: Seed) {
    var random = SplitMix64(seed)
    var state = JobState.incoming
    var claims = 0
    var finishes = 0
    for _ in 0..<200 {
      let event = random.one(of: JobEvent.allCases)
      guard let next = try? state.after(event) else { continue }
      if event == .claim { claims += 1 }
      if event == .finish { finishes += 1 }
      // Nothing reaches a result without having run, and nothing runs without a claim.
      if next == .running { #expect(event == .claim) }
      if next == .outbox { #expect(event == .finish) }
      if next == .done { #expect(event == .settle || event == .expire) }
      #expect(finishes <= claims)
      // A job never comes back to where it was not admitted yet.
      #expect(next != .incoming)
      state = next
      if state == .done || state == .quarantine { break }
    }
  }
}

struct ExitCodeTests {
  @Test
  func theWorstWins() {
    let order: [ExitCode] = [
      .tampered, .splitHistory, .internal, .notDurable, .unavailable, .temporary, .badInput,
      .interrupted, .notPassed, .done,
    ]
    #expect(order.map(\.rawValue) == [3, 4, 70, 74, 69, 75, 65, 130, 1, 0])
    for (place, code) in order.enumerated() {
      #expect(ExitCode.worst(of: order[place...].reversed()) == code)
      #expect(ExitCode.worst(of: [code]) == code)
    }
    #expect(ExitCode.worst(of: []) == .done)
  }

  @Test
  func successHidesNothing() {
    for code in ExitCode.allCases {
      #expect(ExitCode.worst(of: [.done, code]) == code)
      #expect(ExitCode.worst(of: [code, .done]) == code)
    }
  }

  @Test(
    arguments: [
      (Ending.verdict(.passed), 0), (.verdict(.failed(exit: 3)), 1), (.verdict(.outOfMemory), 1),
      (.expired, 1), (.dependencyFailed, 1), (.cancelled, 130), (.rejected(reason: "x"), 65),
      (.dead(.workerLost), 69),
    ] as [(Ending, Int32)])
  func endingsHaveTheirCode(ending: Ending, code: Int32) {
    #expect(ExitCode(ending).rawValue == code)
  }

  @Test
  func theTableIsComplete() {
    let codes = ExitCode.allCases.map(\.rawValue)
    #expect(codes == [0, 1, 2, 3, 4, 64, 65, 66, 69, 70, 73, 74, 75, 77, 78, 124, 130, 143])
    #expect(Set(ExitCode.allCases.map(\.meaning)).count == codes.count)
  }
}
