internal import ArgumentParser
internal import EdgeJob
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// `status --watch`: on a terminal the table, drawn anew when something moves; elsewhere one line
/// for each change. Ends when all jobs have.
struct StatusWatch {
  let site: Site
  let ids: [JobID]
  let limit: Int?
  let output: OutputOptions

  /// An event may be lost, milliseconds.
  private static let slowest: Int32 = 2000
  /// Between two drawings at least, milliseconds: what moves in between is one of them.
  private static let pause: Int32 = 100

  func run(_ signals: SignalSource) throws {
    let watch = try Watch()
    var shown: [JobID: String] = [:]
    var known: [JobID] = []
    while true {
      // Folders come with new workers; to watch one twice changes nothing.
      JobFolders.watch(site.spool, watch)
      let rows = try rows(known)
      known = rows.map(\.job)
      try show(rows, &shown)
      if rows.allSatisfy({ $0.ending != nil }) { return }
      watch.wait(milliseconds: StatusWatch.slowest, others: [signals.descriptor])
      if let signal = signals.take() { throw ArgumentParser.ExitCode(128 + signal) }
      _ = Poll.readable([signals.descriptor], milliseconds: StatusWatch.pause)
      if let signal = signals.take() { throw ArgumentParser.ExitCode(128 + signal) }
    }
  }

  /// The named jobs; or those that have not ended, and those that were shown and have.
  private func rows(_ known: [JobID]) throws -> [JobRow] {
    let view = JobView(site)
    if !ids.isEmpty {
      return try ids.map { job in
        guard let row = try view.row(job) else {
          throw CommandFailure(
            .notFound, "there is no job \(job)", place: site.spool.path,
            next: "edgecoder status --all lists the jobs")
        }
        return row
      }
    }
    let open: Set<JobState> = [.incoming, .ready, .inbox, .running, .outbox, .held]
    let list = try JobList(view, states: open, most: limit ?? 200).rows
    let here = Set(list.map(\.job))
    return try known.filter { !here.contains($0) }.compactMap { try view.row($0) } + list
  }

  private func show(_ rows: [JobRow], _ shown: inout [JobID: String]) throws {
    if Standard.isTerminal(1), output.isTable {
      // Home, and everything behind it cleared.
      Console.write("\u{1B}[H\u{1B}[2J")
      try output.render(.jobs(rows))
      return
    }
    let changed = rows.filter { row in
      let text = "\(row.state.rawValue) \(row.worker ?? "") \(row.ending?.summary ?? "")"
      return shown.updateValue(text, forKey: row.job) != text
    }
    for row in changed where !output.json {
      let parts = [row.job.description, row.state.rawValue, row.ending?.summary ?? ""]
      Console.write(Untrusted.line(parts.filter { !$0.isEmpty }.joined(separator: " ")) + "\n")
    }
    if output.json, !changed.isEmpty { try output.render(.jobs(changed)) }
  }
}

/// The directories in which tickets come and go.
enum JobFolders {
  /// Watches those that we may list.
  static func watch(_ spool: Spool, _ watch: borrowing Watch) {
    _ = FinalDirectories.watch(spool, watch)
    for name in [Layout.incoming, Layout.held, Layout.workers, Layout.batches] {
      if let folder = try? spool.directory(name) { try? watch.add(folder) }
    }
    for worker in (try? spool.workerIDs()) ?? [] {
      for folder in Layout.WorkerFolder.allCases {
        let path = Layout.worker(worker, folder)
        if let found = try? spool.root.directory(path) { try? watch.add(found) }
      }
    }
  }
}
