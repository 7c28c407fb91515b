package import EdgeJob
internal import EdgeSystem
internal import Glibc

extension Spool {
  /// The longest ticket file, bytes.
  static let ticketBytesMax = 4 << 20

  /// Puts a new ticket into `ready/`. Not flushed: the caller flushes once for many.
  /// - Throws: `conflict` where the job is there already.
  package func putReady(_ ticket: Ticket) throws(SpoolError) {
    let shard = "\(Layout.ready)/\(ticket.request.queue)/\(ticket.job.shard)"
    do throws(SystemError) {
      if !root.contains(shard) {
        try root.ensureDirectory("\(Layout.ready)/\(ticket.request.queue)")
        try root.ensureDirectory(shard)
      }
      let directory = try root.directory(shard)
      try directory.publish(
        ticket.job.description, ticket.json.canonical, mode: 0o440, durable: false)
    } catch  where error.exists {
      throw SpoolError(.conflict, "job \(ticket.job) is in ready/ already")
    } catch {
      throw SpoolError(error)
    }
  }

  /// Puts a ticket into one of the flat directories `held`, `dead` or `cancelled`; what it says is
  /// readable by who submitted it. Not flushed.
  package func put(_ ticket: Ticket, _ state: JobState, receipts: [[UInt8]] = [])
    throws(SpoolError)
  {
    let frames =
      [Frame(.ticket, ticket.json.canonical)] + receipts.map { Frame(.receipt, $0) }
    try putFile(frames.flatMap(\.bytes), state, ticket)
  }

  /// Writes the file of an ended or held job, over what an interrupted earlier try left.
  func putFile(_ bytes: [UInt8], _ state: JobState, _ ticket: Ticket) throws(SpoolError) {
    do throws(SystemError) {
      let directory = try root.directory(state.rawValue)
      let name = ticket.job.description
      // Not for our group, which may be the one that the spool is shared with.
      let file = try directory.unnamedFile(mode: 0o400)
      try file.write(bytes)
      if ticket.submitter != owner { try file.grantRead(to: ticket.submitter) }
      do { try directory.link(file, as: name) } catch  where error.exists {
        try directory.linkOver(file, name)
      }
    } catch {
      throw SpoolError(error)
    }
  }

  /// The ticket in a plain ticket file (`ready/`, `inbox/`, `running/`, `outbox/`).
  ///
  /// Only the coordinator writes tickets: one that a worker wrote into its folder is refused.
  package func ticket(at path: String) throws(SpoolError) -> Ticket {
    let bytes: [UInt8]
    do throws(SystemError) {
      let file = try root.open(path, O_RDONLY | O_NONBLOCK)
      let status = try file.status()
      guard status.kind == .file, status.owner == owner || status.owner == 0 else {
        throw SystemError(
          "take", errno: EPERM, subject: "\(path) was not written by the coordinator")
      }
      bytes = try file.read(atMost: Spool.ticketBytesMax)
    } catch  where error.isNotFound {
      throw SpoolError(.notFound, "\(path) is not there")
    } catch  where error.call == "take" || [ELOOP, EFBIG, ENXIO].contains(error.errno) {
      throw SpoolError(.badInput, error.subject)
    } catch {
      throw SpoolError(error)
    }
    do { return try Ticket(json: try JSON.parse(bytes)) } catch {
      throw SpoolError(
        .badInput, "\(path) is no ticket: \(error.problem)",
        hint: "it was changed by hand or written by another version")
    }
  }

  /// The record of a job in one of the flat directories.
  package func record(_ state: JobState, _ job: JobID) throws(SpoolError) -> JobRecord {
    let path = Layout.path(state, job)
    let bytes: [UInt8]
    do { bytes = try root.read(path, atMost: Frame.lengthMax * 2) } catch  where error.isNotFound {
      throw SpoolError(.notFound, "\(path) is not there")
    } catch {
      throw SpoolError(error)
    }
    return try JobRecord(bytes: bytes, path: path)
  }
}

/// The file of a job that ended or is held: its ticket, its receipts, and its result.
package struct JobRecord: Hashable, Sendable {
  package let ticket: Ticket
  /// DSSE envelopes, oldest first; the last one is the accepted one of a done job.
  package let receipts: [[UInt8]]
  /// The result archive, tar.zst.
  package let result: [UInt8]?

  init(bytes: [UInt8], path: String) throws(SpoolError) {
    var ticket: Ticket?
    var receipts: [[UInt8]] = []
    var result: [UInt8]?
    for frame in try Frame.all(in: bytes) {
      switch frame.kind {
      case .ticket:
        do { ticket = try Ticket(json: try JSON.parse(frame.body)) } catch {
          throw SpoolError(.badInput, "\(path): \(error.problem)")
        }
      case .receipt: receipts.append(frame.body)
      case .result: result = frame.body
      case .request, .archive, .batch: throw SpoolError(.badInput, "\(path) holds a \(frame.kind)")
      }
    }
    guard let ticket else { throw SpoolError(.badInput, "\(path) holds no ticket") }
    self.ticket = ticket
    self.receipts = receipts
    self.result = result
  }
}
