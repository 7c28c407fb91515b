package import EdgeJob
package import EdgeSystem

/// What happened in one sandbox, as measured from outside.
package struct RunReport: Sendable {
  /// How the program itself ended.
  package var termination: Termination
  /// Every limit that was met, with counters; several may be true at once.
  package var limitsHit = LimitsHit()
  /// True where the launch's `cancel` descriptor ended it.
  package var cancelled = false
  /// What the tree used.
  package var usage = Usage()
  /// Calls that the filter refused without ending the run, in their order; explicit errors of the
  /// profile are not among them.
  package var denied: [NotedCall] = []
  /// Calls of a launch with `learning` that were let through, in their order.
  package var seen: [NotedCall] = []
  /// Calls of such a launch for which there was no place; where there are any, nothing can be said.
  package var lostCalls: Int64 = 0
  /// What the program and all whom it waited for read and wrote, and how often they waited.
  package var activity = Activity()
  /// What held, by which mechanism.
  package var enforced: Enforced = [:]
  /// The first bytes of standard output, up to the limit.
  package var stdout: [UInt8] = []
  /// The first bytes of standard error, up to the limit.
  package var stderr: [UInt8] = []
  /// What came through descriptor 3.
  package var report: [UInt8] = []
  package var profileDigest: Digest
  /// From the call until the program was let go.
  package var setupNanoseconds: Int64 = 0

  /// Of the reaped tree, getrusage(2).
  package struct Activity: Hashable, Sendable {
    /// Bytes that a device had to read.
    package var bytesRead: Int64 = 0
    /// Bytes that were written to a device.
    package var bytesWritten: Int64 = 0
    /// Switches to another process because it waited.
    package var voluntarySwitches: Int64 = 0
    /// Switches because its time was over.
    package var involuntarySwitches: Int64 = 0

    package init() {}
  }

  package init(termination: Termination, profileDigest: Digest) {
    self.termination = termination
    self.profileDigest = profileDigest
  }

  /// What was met of the limits.
  package struct LimitsHit: Hashable, Sendable {
    /// The tree used all of its CPU time.
    package var cpu = false
    /// The time on the wall was over.
    package var wall = false
    /// Processes that the kernel killed because the memory of the tree was used up.
    package var outOfMemoryKills: Int64 = 0
    /// Processes that the kernel refused to start.
    package var processRefusals: Int64 = 0
    /// Standard output or error went so far beyond its limit that the program was stopped.
    package var output = false
    /// More came through the report channel than is kept.
    package var report = false
    /// Bytes written beyond what is kept.
    package var outputBytesDropped: Int64 = 0
    /// The workspace had no free byte or no free inode when it was last looked at.
    package var workspaceFull = false
    /// More of the workspace was used than is allowed, where that is watched and not prevented.
    package var workspaceExceeded = false
    /// The forbidden system call that ended it, by name.
    package var violation: String?

    package init() {}
  }

  /// The verdict on a plain command: from the counters first, from the way it ended last. A status
  /// such as 137 that the program chose itself is never taken for a signal.
  package func verdict() -> Verdict {
    if let syscall = limitsHit.violation { return .violation(syscall: syscall) }
    if limitsHit.outOfMemoryKills > 0 { return .outOfMemory }
    if limitsHit.cpu { return .timedOut(.cpu) }
    if limitsHit.wall { return .timedOut(.wall) }
    if limitsHit.output { return .outputTooLarge }
    if limitsHit.workspaceExceeded { return .workspaceFull }
    if termination == .exited(0) { return .passed }
    if limitsHit.processRefusals > 0 { return .tooManyProcesses }
    if limitsHit.workspaceFull { return .workspaceFull }
    switch termination {
    case .exited(let status): return .failed(exit: status)
    case .signalled(let signal): return .signalled(signal)
    }
  }
}
