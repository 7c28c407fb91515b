internal import EdgeJob
internal import EdgeLedger
internal import EdgeScheduler
package import EdgeSpool
internal import EdgeSystem

/// `ledger/policy.json`, beside the ledger where only the coordinator's owner gets.
package enum PolicyFile {
  /// Relative to the spool.
  package static let path = "\(Layout.ledger)/policy.json"
  /// Held while the file is changed.
  private static let lock = "policy.lock"

  /// The policy; where there is no file, that of a new spool.
  /// - Throws: `unknownFormat` where it says something that we do not know, `notPermitted` where
  ///   others could have written it.
  package static func read(_ spool: Spool) throws(SpoolError) -> SitePolicy {
    let bytes: [UInt8]
    do throws(SystemError) {
      let file = try spool.root.open(path, 0)
      let status = try file.status()
      guard status.kind == .file, status.mode & 0o022 == 0,
        status.owner == spool.owner || status.owner == 0
      else {
        throw SystemError("take", errno: 1, subject: path)
      }
      bytes = try file.read(atMost: 1 << 20)
    } catch  where error.isNotFound {
      return SitePolicy()
    } catch  where error.call == "take" {
      throw SpoolError(
        .notPermitted, "\(path) is not the owner's alone",
        hint: "chmod it to 600 once you know who wrote there")
    } catch {
      throw SpoolError(error)
    }
    do throws(JSONError) { return try SitePolicy(json: try JSON.parse(bytes)) } catch {
      throw SpoolError(
        .unknownFormat, "\(path): \(error.problem)",
        hint: "mend it, or remove it to start from none: edgecoder policy set")
    }
  }

  /// Changes the policy: one whole file in place of the other, durable when this returns. A running
  /// coordinator reads it in its next round.
  package static func change(_ spool: Spool, _ body: (inout SitePolicy) -> Void)
    throws(SpoolError) -> SitePolicy
  {
    let ledger = try spool.directory(Layout.ledger)
    let held: FileLock
    do { held = try FileLock.wait(ledger, lock) } catch { throw SpoolError(error) }
    return try change(spool, ledger, holding: held, body)
  }

  /// - Parameter held: so that nobody else changes the file between our reading and our writing.
  private static func change(
    _ spool: Spool, _ ledger: borrowing Directory, holding held: borrowing FileLock,
    _ body: (inout SitePolicy) -> Void
  ) throws(SpoolError) -> SitePolicy {
    var policy = try read(spool)
    body(&policy)
    do throws(SystemError) {
      try ledger.overwrite("policy.json", policy.json.canonical + [0x0A])
      try ledger.sync()
    } catch {
      throw SpoolError(error)
    }
    return policy
  }
}

extension Coordinator {
  /// Reads the policy at the start, when there is no earlier one to go on with.
  func readPolicy() throws(CoordinatorError) {
    policyStatus = try? spool.root.status(PolicyFile.path)
    site = try onSpool { () throws(SpoolError) in try PolicyFile.read(spool) }
    applyPolicy()
  }

  /// Reads the policy again where its file has changed. One that cannot be read changes nothing,
  /// and is told about once.
  func refreshPolicy() {
    let status = try? spool.root.status(PolicyFile.path)
    if status == policyStatus { return }
    policyStatus = status
    do throws(SpoolError) {
      site = try PolicyFile.read(spool)
      applyPolicy()
    } catch {
      events.append(.notice("\(error.what); the policy before it stays in force"))
    }
  }

  func applyPolicy() {
    ready.caps = site.caps
    ready.shares.set(weights: site.weights)
    isReadyNew = true
  }

  /// Takes the use of the last hours over from the ledger, before the first job is chosen: who only
  /// cancels or settles needs none of it.
  func restoreShares() throws(CoordinatorError) {
    if hasShares { return }
    hasShares = true
    ready.shares = try Coordinator.shares(ledger, now: now())
    ready.shares.set(weights: site.weights)
    for job in inherited where live[job.job] != nil { ready.adopt(job) }
    inherited = []
  }

  /// Use that is older has faded to less than a thousandth, milliseconds.
  private static let useMilliseconds: Int64 = 12 * 3_600_000

  /// What the accounts have used of late, as the ledger knows it.
  static func shares(_ ledger: Ledger, now: Int64) throws(CoordinatorError) -> Shares {
    var shares = Shares()
    let sums = try onLedger { () throws(LedgerError) in
      try ledger.postedSums(of: "price.cpuMs", least: 1, since: now - useMilliseconds)
    }
    for sum in sums {
      // Nobody can use a hundred thousand years within a minute; a ledger is only data.
      shares.replay(
        use: min(sum.sum, 1 << 50) * 1000, jobs: sum.jobs, of: sum.account, minute: sum.minute)
    }
    shares.fade(now: now)
    return shares
  }
}
