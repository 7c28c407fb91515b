internal import ArgumentParser
internal import EdgeCoordinator
internal import EdgeJob
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// How a task is to be run, from flags.
struct RequestOptions: ParsableArguments {
  @Option(help: "The account that pays; else your default one.")
  var account: String?

  @Option(help: "Idempotency key: the same key names the same job. With several tasks -N is added.")
  var key: String?

  @Option(help: "The lane.")
  var queue = "default"

  @Option(help: "-100 to 100; higher runs first.")
  var priority: Int64 = 0

  @Option(help: "Starts no earlier than this from now: 90s, 15m, 2h.")
  var delay: String?

  @Option(help: "Starts no later than this from now; expires otherwise.")
  var within: String?

  @Option(parsing: .upToNextOption, help: "Jobs that must have passed before.")
  var after: [String] = []

  @Option(help: "Attempts after a fault of ours, at most.")
  var retries: Int64 = 3

  @Option(help: "The most credits that one job may cost.")
  var creditsMax: String?

  @Option(help: "Starts held, with this reason.")
  var hold: String?

  @Option(help: "Files to lay over source/: a directory, a patch, or solution.")
  var candidate: String?

  /// The request of task number `index` of `count`.
  func request(index: Int, count: Int, session: String?, now: Int64) throws -> Request {
    var credits: Credits?
    if let creditsMax {
      credits = Credits(decimal: creditsMax)
      if credits == nil { throw CommandFailure(.usage, "\(creditsMax) is no amount") }
    }
    let parents = try after.map { text in
      guard let job = JobID(text) else { throw CommandFailure(.usage, "\(text) is no job id") }
      return job
    }
    let request = Request(
      account: account, key: key.map { count == 1 ? $0 : "\($0)-\(index)" }, queue: queue,
      priority: priority, notBefore: try delay.map { now + (try milliseconds($0)) },
      notAfter: try within.map { now + (try milliseconds($0)) }, after: parents, retries: retries,
      creditsMax: credits, hold: hold, session: session)
    do { try request.check() } catch { throw CommandFailure(.usage, error.problem) }
    return request
  }
}

/// A job that was handed over by this process.
struct SubmittedJob {
  let job: JobID
  /// The task's path, for people.
  let name: String
}

/// Hands tasks over to the spool.
struct Submitter {
  let site: Site
  let request: RequestOptions
  let session: String?

  /// Publishes every task; when this returns all of them survive a power cut.
  func submit(_ tasks: [String], copies: Int) throws -> [SubmittedJob] {
    var submitted: [SubmittedJob] = []
    let naming = JobNaming(spool: site.spool, uid: Identity.user)
    let isSingle = tasks.count == 1
    for (index, task) in tasks.enumerated() {
      let (raw, _) = try TaskSource.open(task, candidate: request.candidate)
      let archive = Descriptor(owning: raw)
      let total = tasks.count * copies
      let requests = try (0..<copies).map { copy in
        try request.request(
          index: index * copies + copy, count: total, session: session, now: site.now())
      }
      let file = naming.file(of: requests)
      let isNew =
        isSingle
        ? try site.spool.submit(requests, as: file, archive: archive.raw)
        : try site.spool.submitUnsynced(requests, as: file, archive: archive.raw)
      if !isNew { Console.note("\(task): a submission of job \(file) waits already") }
      for (copy, request) in requests.enumerated() {
        let job = naming.id(of: request, index: copy, file: file, count: copies)
        try checkSame(job, archive.raw, request)
        submitted.append(SubmittedJob(job: job, name: task))
      }
    }
    if !isSingle { try site.spool.syncSubmissions() }
    return submitted
  }

  /// A known id must name the same content: 65 otherwise.
  private func checkSame(_ job: JobID, _ archive: Int32, _ request: Request) throws {
    guard request.key != nil, site.isOurs, let place = try site.spool.locate(job),
      let ticket = try? JobView(site.spool).ticket(at: place, job)
    else { return }
    let blob = Digest(bytes: try Hash.sha256(file: archive))
    if blob != ticket.blob {
      throw CommandFailure(
        .badInput, "the key names job \(job) already, with another task",
        why: "its archive is sha256:\(ticket.blob)", next: "use another --key")
    }
  }
}

/// `edgecoder submit`.
struct Submit: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Hands tasks over; prints the ids of their jobs.",
    discussion: "Example: edgecoder submit hello.tar.zst --key nightly-17 --wait")

  @Argument(help: "Task directories or archives.")
  var tasks: [String]

  @OptionGroup var place: SpoolOptions
  @OptionGroup var request: RequestOptions
  @OptionGroup var output: OutputOptions

  @Option(help: "Jobs of each task, as one batch.")
  var count: Int = 1

  @Flag(help: "Waits until all have ended.")
  var wait = false

  @OptionGroup var waiting: WaitOptions

  func run() throws {
    guard (1...Submission.requestsMax).contains(count) else {
      throw CommandFailure(.usage, "--count is 1 to \(Submission.requestsMax)")
    }
    let signals = wait ? try SignalSource() : nil
    let site = try Site(place, making: true)
    let jobs = try Submitter(site: site, request: request, session: nil)
      .submit(tasks, copies: count)
    if let signals {
      for job in jobs { Console.note("submitted \(job.job)") }
      let waiter = Waiter(site: site, options: waiting)
      try waiter.wait(for: jobs.map(\.job), signals: signals, output: output)
    } else {
      Console.write(jobs.map { "\($0.job)\n" }.joined())
    }
  }
}
