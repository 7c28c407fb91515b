package import EdgeJob

/// A job as `status`, `wait` and `list` show it.
package struct JobRow: Row, Hashable {
  package var job: JobID
  /// The name of the task.
  package var task: String
  package var queue: String
  package var account: String
  package var state: JobState
  /// The number of the attempt, from 1.
  package var attempt: Int64
  /// Higher runs first.
  package var priority: Int64
  package var worker: String?
  package var ending: Ending?
  /// Why it is not running, where it waits or is held.
  package var why: String?
  package var usage: Usage?
  package var charged: Credits?
  /// Milliseconds UTC.
  package var admitted: Int64?
  /// Milliseconds UTC.
  package var finished: Int64?
  /// SHA-256 of the receipt's envelope.
  package var receipt: Digest?

  package init(
    job: JobID, task: String, queue: String = "default", account: String = "", state: JobState,
    attempt: Int64 = 1, priority: Int64 = 0, worker: String? = nil, ending: Ending? = nil,
    why: String? = nil, usage: Usage? = nil, charged: Credits? = nil, admitted: Int64? = nil,
    finished: Int64? = nil, receipt: Digest? = nil
  ) {
    self.job = job
    self.task = task
    self.queue = queue
    self.account = account
    self.state = state
    self.attempt = attempt
    self.priority = priority
    self.worker = worker
    self.ending = ending
    self.why = why
    self.usage = usage
    self.charged = charged
    self.admitted = admitted
    self.finished = finished
    self.receipt = receipt
  }

  /// What a line of the table shows.
  package static let columns = [
    Column("JOB"), Column("STATE"), Column("RESULT", canShrink: true),
    Column("TASK", canShrink: true), Column("QUEUE"), Column("CPU", .right),
    Column("CREDITS", .right),
  ]

  /// The line of the table.
  package var cells: [Cell] {
    [
      Cell(job.description), Cell(state.rawValue), result, Cell(task), Cell(queue),
      usage.map { Cell(Amount.duration($0.cpuMilliseconds)) } ?? .none,
      charged.map { Cell(Amount.credits($0)) } ?? .none,
    ]
  }

  private var result: Cell {
    guard let ending else { return why.map { Cell($0, .warning) } ?? .none }
    let reason = if case .dead = ending { why.map { ": \($0)" } ?? "" } else { "" }
    return Cell(ending.summary + reason, ending.tone)
  }

  /// The job id.
  package var plain: String { job.description }

  package var json: JSON {
    .members([
      ("job", .string(job.description)), ("task", .string(task)), ("queue", .string(queue)),
      ("account", .string(account)), ("state", .string(state.rawValue)),
      ("attempt", .int(attempt)), ("priority", .int(priority)),
      ("worker", worker.map { .string($0) }), ("ending", ending?.json),
      ("why", why.map { .string($0) }), ("usage", usage?.json),
      ("charged", charged.map { .string(String($0.micro)) }),
      ("admitted", admitted.map { .int($0) }), ("finished", finished.map { .int($0) }),
      ("receipt", receipt.map { .string($0.hex) }),
    ])
  }

  /// The same as a test case. `output` and `errors` are what the task wrote.
  package func testCase(output: [UInt8] = [], errors: [UInt8] = []) -> JUnitCase {
    JUnitCase(
      name: task, className: queue, milliseconds: usage?.wallMilliseconds ?? 0,
      result: ending.map { .ended($0) } ?? .unfinished(why ?? state.rawValue), job: job,
      attempt: attempt, receipt: receipt, output: output, errors: errors)
  }
}

extension Ending {
  /// Green only where everything passed.
  var tone: Tone {
    switch self {
    case .verdict(.passed): .good
    case .verdict, .rejected, .dead: .bad
    case .cancelled, .expired, .dependencyFailed: .warning
    }
  }
}

extension Document {
  /// A list of jobs.
  /// - Parameter schema: such as `edgecoder.status/1`.
  package static func jobs(
    _ rows: [JobRow], schema: String = "edgecoder.status/1", suite: JUnitSuite? = nil
  ) -> Document {
    let cases = rows.map { $0.testCase() }
    return Document(
      schema: schema, list: "jobs", rows: rows, suite: suite ?? JUnitSuite(cases: cases))
  }
}
