import EdgeJob
import EdgeSpool
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// What is flushed before what, and what a crash between two steps leaves.
@Suite(.program("strace")) struct DurabilityTests {
  let site: Site
  private let trace: String

  init() throws {
    site = try Site()
    trace = site.temporary.path("trace")
    try site.spool.makeWorkerFolders("w")
  }

  /// The names of the calls that touch the spool and did not fail, repeated ones once.
  private func steps() throws -> [String] {
    var steps: [String] = []
    for call in try TracedCall.read(trace, about: site.path) where !call.failed {
      let name = String(call.name)
      if name != steps.last { steps.append(name) }
    }
    return steps
  }

  private static func submit(_ spool: Spool, synced: Bool = true) throws {
    let file = try Descriptor.memory("archive", .init(repeating: 1, count: 100_000))
    let isNew =
      synced
      ? try spool.submit([Request()], as: .number(1), archive: file.raw)
      : try spool.submitUnsynced([Request()], as: .number(1), archive: file.raw)
    try #require(isNew)
  }

  @Test func `a submission is flushed, then named, then its name is flushed`() async throws {
    let (path, trace) = (site.path, trace)
    await #expect(processExitsWith: .success) { [path = path as String, trace = trace as String] in
      let spool = try Spool(path: path)
      let tracer = try Tracer(trace)
      try Self.submit(spool)
      tracer.end()
    }
    let steps = try steps().filter { $0 != "openat" && $0 != "copy_file_range" }
    #expect(steps == ["write", "fsync", "linkat", "fsync"])
    let flushed = try TracedCall.read(trace, about: site.path).filter { $0.name == "fsync" }
    try #require(flushed.count == 2)
    // First the file without a name, then the folder.
    #expect(flushed[0].description.contains("(deleted)"), "\(flushed[0])")
    #expect(flushed[1].description.contains("\(site.path("incoming"))>"), "\(flushed[1])")
  }

  /// The twin: without its flushes the same publication shows none.
  @Test func `an unsynced submission is not flushed`() async throws {
    let (path, trace) = (site.path, trace)
    await #expect(processExitsWith: .success) { [path = path as String, trace = trace as String] in
      let spool = try Spool(path: path)
      let tracer = try Tracer(trace)
      try Self.submit(spool, synced: false)
      try spool.syncSubmissions()
      tracer.end()
    }
    let steps = try steps().filter { $0 != "openat" && $0 != "copy_file_range" }
    #expect(steps == ["write", "linkat", "syncfs"])
  }

  @Test func `a ticket has moved before its receipt is named, and both are flushed`() async throws {
    let job = try site.assigned(to: "w")
    let (path, trace, name) = (site.path, trace, job.description)
    await #expect(processExitsWith: .success) {
      [path = path as String, trace = trace as String, name = name as String] in
      let desk = try WorkerDesk(try Spool(path: path), id: "w")
      let job = try #require(FencedJob(fileName: name))
      _ = try desk.claim(job)
      let tracer = try Tracer(trace)
      try desk.finish([FinishedAttempt(job: job, envelope: [1], result: [2])])
      tracer.end()
    }
    let steps = try steps().filter { $0 != "openat" }
    #expect(steps == ["renameat2", "write", "fsync", "linkat", "fsync"])
  }

  @Test func `a new spool is flushed with the folders that were made for it`() async throws {
    let (path, trace) = (site.temporary.path("a/b"), trace)
    await #expect(processExitsWith: .success) { [path = path as String, trace = trace as String] in
      let tracer = try Tracer(trace)
      _ = try Spool.create(at: path, sharedWith: nil, testClock: false)
      tracer.end()
    }
    let flushed = try TracedCall.read(trace, about: site.temporary.path)
      .filter { $0.name == "fsync" && !$0.failed }.map(\.description)
    // Both parents, spool.json before it has a name, and at last the spool's own names.
    try #require(flushed.count == 4, "\(flushed)")
    #expect(flushed[0].contains("<\(site.temporary.path)>"))
    #expect(flushed[1].contains("<\(site.temporary.path("a"))>"))
    #expect(flushed[2].contains("(deleted)"))
    #expect(flushed[3].contains("<\(path)>"))
  }

  @Test func `a control request is flushed as a submission is`() async throws {
    let (path, trace) = (site.path, trace)
    await #expect(processExitsWith: .success) { [path = path as String, trace = trace as String] in
      let spool = try Spool(path: path)
      let tracer = try Tracer(trace)
      try spool.askFor(ControlRequest(.cancel, [.number(1)], reason: ""))
      tracer.end()
    }
    #expect(try steps().filter { $0 != "openat" } == ["write", "fsync", "linkat", "fsync"])
  }

  /// Killed as it enters the named call, which then does not happen.
  @Test(arguments: [
    ("copy_file_range:signal=KILL:when=1", 0), ("fsync:signal=KILL:when=1", 0),
    ("linkat:signal=KILL:when=1", 0), ("fsync:signal=KILL:when=2", 1),
  ])
  func `a crash while submitting leaves all or nothing`(fault: String, files: Int) async throws {
    let (path, trace) = (site.path, trace)
    await #expect(processExitsWith: .signal(SIGKILL)) {
      [path = path as String, trace = trace as String, fault = fault as String] in
      let spool = try Spool(path: path)
      let tracer = try Tracer(trace, fault: fault)
      try Self.submit(spool)
      tracer.end()
    }
    let names = try site.names("incoming")
    #expect(names.count == files, "\(names)")
    if files == 1 {
      #expect(try site.spool.take(names[0]).blob == .of(.init(repeating: 1, count: 100_000)))
    }
    for directory in Layout.directories
    where !["incoming", "blobs", "batches"].contains(directory) {
      #expect(try site.names(directory) == (directory == "workers" ? ["w"] : []))
    }
    // It may simply be repeated.
    if files == 0 { try Self.submit(site.spool) }
  }

  /// The ticket first, then the receipts: no receipt is ever seen whose ticket still moves.
  @Test(arguments: [
    ("renameat2:signal=KILL:when=1", 0, JobState.running), ("fsync:signal=KILL:when=1", 0, .outbox),
    ("linkat:signal=KILL:when=1", 0, .outbox), ("fsync:signal=KILL:when=2", 1, .outbox),
  ])
  func `a crash while finishing loses no receipt`(fault: String, items: Int, state: JobState)
    async throws
  {
    let job = try site.assigned(to: "w")
    let (path, trace, name) = (site.path, trace, job.description)
    await #expect(processExitsWith: .signal(SIGKILL)) {
      [
        path = path as String, trace = trace as String, name = name as String,
        fault = fault as String
      ] in
      let desk = try WorkerDesk(try Spool(path: path), id: "w")
      let job = try #require(FencedJob(fileName: name))
      _ = try desk.claim(job)
      let tracer = try Tracer(trace, fault: fault)
      try desk.finish([FinishedAttempt(job: job, envelope: [1], result: [2])])
      tracer.end()
    }
    #expect(try !site.spool.isAlive("w"))
    let paths = try site.spool.outboxItems(of: "w")
    #expect(paths.count == items)
    for path in paths {
      let attempts = try site.spool.takeOutbox(path, of: "w").attempts
      #expect(attempts.map(\.envelope) == [[1]])
      #expect(attempts.map(\.result) == [[2]])
    }
    #expect(try site.spool.locate(job.job)?.state == state)
    // The coordinator can give it to another worker, or settle it from where it is.
    let item = try #require(try site.spool.workerItems(of: "w").first)
    #expect(try site.spool.ticket(at: item.path).job == job.job)
    // Or the next process of this worker finishes it.
    let desk = try WorkerDesk(site.spool, id: "w")
    #expect(try desk.claimedBefore().map(\.job) == [job])
    #expect(try desk.waitingEnvelopes().count == items)
    if items == 0 { try desk.finish([FinishedAttempt(job: job, envelope: [1], result: [2])]) }
    #expect(try site.names("workers/w/outbox") == ["\(job)", "\(job).item"])
    #expect(try site.names("workers/w/running") == [])
  }

  @Test(.enabled(if: Identity.user == 0, "needs root, to act as another user"))
  func `who may not list a drop box flushes the whole file system`() async throws {
    let shared = try Site(sharedWith: 59110)
    chmod(shared.temporary.path, 0o711)
    let (path, trace) = (shared.path, trace)
    await #expect(processExitsWith: .success) { [path = path as String, trace = trace as String] in
      let spool = try Spool(path: path)
      // Attached while we are root, and ended by our own end: who is not root cannot signal it.
      let tracer = try Tracer(trace)
      try Person.submitter.become()
      try Self.submit(spool)
      withExtendedLifetime(tracer) { Standard.exit(0) }
    }
    var steps: [String] = []
    for call in try TracedCall.read(trace, about: shared.path) where !call.failed {
      let name = String(call.name)
      if name != steps.last, name != "openat", name != "copy_file_range" { steps.append(name) }
    }
    #expect(steps == ["write", "fsync", "linkat", "syncfs"])
    #expect(try shared.spool.take("\(JobID.number(1))").submitter == Person.submitter.uid)
  }
}
