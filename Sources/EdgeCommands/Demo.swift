internal import ArgumentParser
internal import EdgeCoordinator
internal import EdgeJob
internal import EdgeLedger
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// `edgecoder demo`: the main job on real tasks, in a spool that is thrown away.
struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Runs example tasks end to end: some pass, one fails, one attacks.",
    discussion: "Example: edgecoder demo --examples queue/examples")

  @Option(help: "The folder with the example tasks.")
  var examples: String

  func run() throws {
    let signals = try Signals()
    let scratch = try ScratchSpool()
    let site = try scratch.site()
    let names = try Directory(path: examples).entries().filter { name in
      (try? Directory(path: "\(examples)/\(name)"))?.contains("task.toml") == true
    }
    let session = RunSession(
      site: site, options: try WaitOptions.parse([]), slots: Machine.processors,
      isSharing: false)
    var jobs: [SubmittedJob] = []
    var request = try RequestOptions.parse([])
    step(1, "submit", "\(names.count) tasks with their solutions, one without")
    for name in names {
      let task = "\(examples)/\(name)"
      let hasSolution = try Directory(path: task).contains("solution")
      request.candidate = hasSolution ? "\(task)/solution" : nil
      jobs += try submit(task, request, site, session)
      if hasSolution, jobs.count < 3 {
        request.candidate = nil
        jobs += try submit(task, request, site, session, note: " (untouched)")
      }
    }
    step(2, "run", "in the sandbox: no network, read-only system, limits on everything")
    let endings = try session.run(jobs, signals: signals)
    let passed = jobs.count { endings.ended[$0.job] == .verdict(.passed) }
    Console.write("   \(passed) of \(jobs.count) passed; the others, as they should:\n")
    for job in jobs {
      guard let ending = endings.ended[job.job], ending != .verdict(.passed) else { continue }
      Console.write("   \(job.name): \(ending.summary)\n")
    }
    step(3, "settle", "every receipt verified, paid once")
    let verification = try site.ledger().verify()
    step(4, "verify", "\(verification.entries) ledger entries, head \(verification.head.hash.hex)")
    guard verification.isClean else {
      throw CommandFailure(.tampered, "the demo's own ledger does not verify")
    }
    step(5, "statement", "of the account that paid")
    let lines = try site.ledger().statement(account: "user:local", limit: 12)
    let document = Document(
      schema: "edgecoder.statement/1", list: "lines",
      rows: lines.map {
        StatementRow(
          sequence: $0.seq, time: $0.ts, kind: $0.kind.rawValue, amount: $0.change,
          balance: $0.balance, job: $0.job, reason: $0.reason)
      })
    Console.write(try render(document, as: .table, style: Console.style(1)))
  }

  private func submit(
    _ task: String, _ request: RequestOptions, _ site: Site, _ session: RunSession,
    note: String = ""
  ) throws -> [SubmittedJob] {
    try Submitter(site: site, request: request, session: session.id).submit([task], copies: 1)
      .map { job in
        let name = job.name.split(separator: "/").last.map(String.init) ?? job.name
        return SubmittedJob(job: job.job, name: name + note)
      }
  }

  private func step(_ number: Int, _ verb: String, _ text: String) {
    Console.write("\(number)  \(verb)  \(text)\n")
  }
}
