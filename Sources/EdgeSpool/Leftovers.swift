internal import EdgeJob
internal import EdgeSystem

extension WorkerDesk {
  /// Jobs that an earlier process of this worker had claimed, with their tickets: in `running/`, or
  /// in the outbox, where a receipt may or may not stand beside them.
  package func claimedBefore() throws(SpoolError) -> [Claim] {
    var claims: [Claim] = []
    for folder in [Layout.WorkerFolder.running, .outbox] {
      let names = try Spool.calls { () throws(SystemError) in
        folder == .running ? try running.entries() : try outbox.entries()
      }
      for name in names {
        guard let job = FencedJob(fileName: name) else { continue }
        do throws(SpoolError) {
          let ticket = try spool.ticket(at: "\(Layout.worker(id, folder))/\(name)")
          claims.append(Claim(job: job, ticket: ticket))
        } catch  where error.kind == .notFound {
          // The coordinator has just settled it.
        }
      }
    }
    return claims
  }

  /// The envelopes that wait in this worker's own outbox.
  package func waitingEnvelopes() throws(SpoolError) -> [[UInt8]] {
    var envelopes: [[UInt8]] = []
    for path in try spool.outboxItems(of: id) {
      do throws(SpoolError) {
        envelopes += try spool.takeOutbox(path, of: id).attempts.map(\.envelope)
      } catch  where error.kind == .notFound || error.kind == .badInput {
        // Settled meanwhile, or for the coordinator to put aside.
      }
    }
    return envelopes
  }
}
