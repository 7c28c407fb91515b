internal import ArgumentParser
internal import EdgeCoordinator
internal import EdgeJob
internal import EdgeLedger
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem
internal import Glibc

/// How a task is to be run, from flags.
struct RequestOptions: ParsableArguments {
  @Option(help: "The account that pays; else your default one.")
  var account: String?

  @Option(help: "Idempotency key: the same key names the same job. With several tasks -N is added.")
  var key: String?

  @Option(help: "The lane.")
  var queue = "default"

  @Option(parsing: .unconditional, help: "-100 to 100; higher runs first.")
  var priority: Int64 = 0

  @Option(help: "Starts no earlier than this from now: 90s, 15m, 2h.")
  var delay: String?

  @Option(help: "Starts no later than this from now; expires otherwise.")
  var within: String?

  @Option(
    name: [.long, .customLong("after-ok")], parsing: .upToNextOption,
    help: "Jobs that must have passed before; batch:JOB is the whole batch of one.")
  var after: [String] = []

  @Option(parsing: .upToNextOption, help: "Jobs that must have ended before, however.")
  var afterAny: [String] = []

  @Option(parsing: .upToNextOption, help: "Jobs that must have ended before, and not passed.")
  var afterNotOk: [String] = []

  @Option(
    help: "Where one of these did not end as it had to: fail, or hold for somebody to decide.")
  var onDependencyFailed = OnDependencyFailed.fail

  @Option(help: "Attempts after a fault of ours, at most.")
  var retries: Int64 = 3

  @Option(
    help: "Where its worker is lost: rerun; wait for one elsewhere that fell silent; fail.")
  var onLost = OnLost.rerun

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
    let request = Request(
      account: account, key: key.map { count == 1 ? $0 : "\($0)-\(index)" }, queue: queue,
      priority: priority, notBefore: try delay.map { now + (try milliseconds($0)) },
      notAfter: try within.map { now + (try milliseconds($0)) },
      after: try JobArguments.parents(after),
      retries: retries,
      creditsMax: credits, hold: hold, session: session, onLost: onLost,
      afterAny: try JobArguments.parents(afterAny),
      afterNotOk: try JobArguments.parents(afterNotOk),
      onDependencyFailed: onDependencyFailed)
    do { try request.check() } catch { throw CommandFailure(.usage, error.problem) }
    return request
  }
}

extension OnLost: ExpressibleByArgument {}
extension OnDependencyFailed: ExpressibleByArgument {}

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

  /// Publishes every task so many times.
  func submit(_ tasks: [String], copies: Int) throws -> [SubmittedJob] {
    try submit(tasks) { BatchDraft(RequestList($0, count: copies)) }
  }

  /// Publishes every task; when this returns all of them survive a power cut.
  /// - Parameter list: the requests of a task, made of one.
  func submit(_ tasks: [String], list: (Request) throws -> BatchDraft) throws -> [SubmittedJob] {
    try checkAccount()
    var submitted: [SubmittedJob] = []
    let naming = JobNaming(spool: site.spool, uid: Identity.user)
    let isSingle = tasks.count == 1
    for (index, task) in tasks.enumerated() {
      let (raw, _) = try TaskSource.open(task, candidate: request.candidate)
      let archive = Descriptor(owning: raw)
      let one = try request.request(
        index: index, count: tasks.count, session: session, now: site.now())
      let draft = try list(one)
      let copies = draft.requests.count
      let file = naming.file(of: draft.requests)
      let jobs = draft.requests.enumerated().map { copy, request in
        naming.id(of: request, index: copy, file: file, count: copies)
      }
      let requests = draft.resolved(jobs)
      try checkParents(of: requests, among: jobs)
      submitted += draft.asWritten(jobs).map { SubmittedJob(job: $0, name: task) }
      if request.key != nil, try areKnown(copies == 1 ? jobs : [file], archive.raw) {
        if copies > 1 { try checkSameRequests(file, requests) }
        continue
      }
      let isNew =
        isSingle
        ? try site.spool.submit(requests, as: file, archive: archive.raw)
        : try site.spool.submitUnsynced(requests, as: file, archive: archive.raw)
      // Somebody was faster with the same key.
      if !isNew { _ = try areKnown([file], archive.raw) }
    }
    if !isSingle { try site.spool.syncSubmissions() }
    return submitted
  }

  /// Refuses jobs that wait for somebody whom the spool does not know. Only its owner may look;
  /// others hear it from the end of their job.
  private func checkParents(of requests: RequestList, among jobs: [JobID]) throws {
    var asked = Set(jobs)
    guard site.isOurs else { return }
    for request in requests {
      for one in request.dependencies where asked.insert(one.job).inserted {
        if try site.spool.locate(one.job) != nil || JobView(site.spool).isInBatch(one.job)
          || one.job.isBatch && site.spool.place(ofBatch: one.job) != nil
          || site.ledger().lastRound(job: one.job) > 0
        {
          continue
        }
        throw CommandFailure(
          .notFound, "there is no job \(one.job) to wait for", place: site.spool.path,
          next: "edgecoder status --all lists the jobs")
      }
    }
  }

  /// The owner of the ledger hears at once that he may not charge an account; others hear it from
  /// the coordinator.
  private func checkAccount() throws {
    guard site.isOurs, let account = request.account else { return }
    let full = AccountName.full(account)
    guard try site.ledger().mayCharge(uid: Identity.user, account: full) else {
      throw CommandFailure(
        .notPermitted, "uid \(Identity.user) may not charge \(full)", place: site.spool.path,
        next: "edgecoder account allow \(account) --uid \(Identity.user)")
    }
  }

  /// Whether the spool has all these jobs already, as far as we may look. A known id must name the
  /// same content: 65 otherwise.
  private func areKnown(_ jobs: [JobID], _ archive: Int32) throws -> Bool {
    var blob: Digest?
    for job in jobs {
      guard let known = try knownBlob(job) else { return false }
      let ours = try blob ?? Digest(bytes: Hash.sha256(file: archive))
      blob = ours
      if ours != known {
        throw CommandFailure(
          .badInput, "the key names job \(job) already, with another task",
          why: "its archive is sha256:\(known)", next: "use another --key")
      }
    }
    return true
  }

  /// Refuses a batch whose key names one with other requests, as far as we may look: 65.
  private func checkSameRequests(_ file: JobID, _ requests: RequestList) throws {
    let isSame: Bool
    if let place = site.spool.place(ofBatch: file) {
      isSame = try site.spool.hasSameRequests(place, as: requests)
    } else {
      guard
        let known = try? site.spool.root.open(
          Layout.path(.incoming, file), O_RDONLY | O_NONBLOCK),
        let waiting = try? Submission(head: known.raw).requests
      else { return }
      isSame = waiting.saysTheSame(as: requests)
    }
    if isSame { return }
    throw CommandFailure(
      .badInput, "the key names batch \(file) already, with other requests",
      place: site.spool.path,
      why: "its jobs, their parameters, or what they wait for are others",
      next: "use another --key")
  }

  /// The archive of a job that has a place in the spool; nil where there is none that we may read.
  private func knownBlob(_ job: JobID) throws -> Digest? {
    if job.isBatch, let place = site.spool.place(ofBatch: job) {
      return try? site.spool.batch(at: place).batch.blob
    }
    guard let place = try site.spool.locate(job), place.state != .quarantine else { return nil }
    guard place.state == .incoming else {
      return try? JobView(site.spool).ticket(at: place, job).blob
    }
    guard let file = try? site.spool.root.open(place.path, O_RDONLY | O_NONBLOCK),
      let submission = try? Submission(head: file.raw)
    else { return nil }
    lseek(file.raw, off_t(submission.archiveOffset), SEEK_SET)
    var hash = SHA256Stream()
    while let bytes = file.readSome(atMost: 1 << 20), !bytes.isEmpty { hash.update(bytes) }
    return Digest(bytes: hash.digest())
  }
}

/// `edgecoder submit`.
struct Submit: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "submit",
    abstract: "Hands tasks over; prints the ids of their jobs.",
    discussion: "Example: edgecoder submit hello.tar.zst --key nightly-17 --wait")

  @Argument(help: "Task directories or archives.")
  var tasks: [String]

  @OptionGroup var place: SpoolOptions
  @OptionGroup var request: RequestOptions
  @OptionGroup var batch: BatchOptions
  @OptionGroup var output: OutputOptions

  @Flag(help: "Waits until all have ended.")
  var wait = false

  @OptionGroup var waiting: WaitOptions

  func run() throws {
    try waiting.check()
    let signals = wait ? try SignalSource() : nil
    let site = try Site(place, making: true)
    let jobs = try Submitter(site: site, request: request, session: nil)
      .submit(tasks, list: batch.requests)
    if let signals {
      // Their ids are in what is printed at the end, too; a batch would only fill the screen.
      if jobs.count <= 20 {
        for job in jobs { Console.note("submitted \(job.job)") }
      } else {
        Console.note("submitted \(Amount.count(jobs.count, "job"))")
      }
      let waiter = Waiter(site: site, options: waiting)
      try waiter.wait(for: jobs.map(\.job), signals: signals, output: output)
    } else {
      Console.write(jobs.map { "\($0.job)\n" }.joined())
    }
  }
}
