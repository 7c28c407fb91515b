package import EdgeJob
internal import EdgeSystem
internal import Glibc

/// An outbox file as the coordinator took it: the envelopes of finished attempts and their results.
package struct OutboxItem: Hashable, Sendable {
  package let worker: String
  /// Relative to the spool.
  package let path: String
  package let attempts: [Attempt]

  /// One receipt, not yet verified, with the result that it should sign.
  package struct Attempt: Hashable, Sendable {
    package let envelope: [UInt8]
    package let result: [UInt8]?
  }
}

extension Spool {
  /// The longest outbox file, bytes.
  static let outboxBytesMax = 256 << 20

  /// The outbox files of a worker, sorted by name.
  package func outboxItems(of worker: String) throws(SpoolError) -> [String] {
    let path = Layout.worker(worker, .outbox)
    return ((try? root.directory(path).entries()) ?? []).filter { $0.hasSuffix(".item") }
      .map { "\(path)/\($0)" }
  }

  /// Reads an outbox file into memory of ours; what the worker does to it afterwards changes
  /// nothing.
  /// - Throws: `badInput` where it is no regular file with one link, or torn.
  package func takeOutbox(_ path: String, of worker: String) throws(SpoolError) -> OutboxItem {
    let bytes: [UInt8]
    do throws(SystemError) {
      let file = try openForeign(root, path)
      let status = try file.status()
      guard status.kind == .file, status.links == 1 else {
        throw SystemError("take", errno: EINVAL, subject: "\(path): no regular file with one link")
      }
      bytes = try file.read(atMost: Spool.outboxBytesMax)
    } catch  where error.isNotFound {
      throw SpoolError(.notFound, "\(path) is not there")
    } catch  where error.call == "take" || error.errno == EFBIG {
      throw SpoolError(.badInput, error.subject)
    } catch {
      throw SpoolError(error)
    }
    var attempts: [OutboxItem.Attempt] = []
    for frame in try Frame.all(in: bytes) {
      switch frame.kind {
      case .receipt: attempts.append(.init(envelope: frame.body, result: nil))
      case .result:
        guard let last = attempts.popLast(), last.result == nil else {
          throw SpoolError(.badInput, "\(path): a result without its receipt")
        }
        // What is settled must be readable in `done/`.
        guard frame.body.count <= Frame.lengthMax else {
          throw SpoolError(.badInput, "\(path): a result of more than \(Frame.lengthMax) bytes")
        }
        attempts.append(.init(envelope: last.envelope, result: frame.body))
      case .request, .ticket, .archive, .batch:
        throw SpoolError(.badInput, "\(path) holds a \(frame.kind)")
      }
    }
    return OutboxItem(worker: worker, path: path, attempts: attempts)
  }

  /// Makes the names in a worker's outbox durable. A worker flushes them too, but an item can be
  /// seen before that.
  package func syncOutbox(of worker: String) throws(SpoolError) {
    let outbox = try directory(Layout.worker(worker, .outbox))
    try Spool.calls { () throws(SystemError) in try outbox.sync() }
  }

  /// Writes the file of a job that is done. Not flushed: the caller flushes once for many.
  package func putDone(_ ticket: Ticket, receipts: [[UInt8]], result: [UInt8]?)
    throws(SpoolError)
  {
    var frames = [Frame(.ticket, ticket.json.canonical)]
    frames += receipts.map { Frame(.receipt, $0) }
    if let result { frames.append(Frame(.result, result)) }
    try putFile(frames.flatMap(\.bytes), .done, ticket)
  }

  /// Makes everything written so far durable with one flush of the file system.
  package func syncAll() throws(SpoolError) {
    try Spool.calls { () throws(SystemError) in try root.syncFileSystem() }
  }
}
