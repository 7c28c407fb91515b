internal import EdgeArchive
internal import EdgeJob
internal import EdgeSandbox
internal import EdgeSpool
internal import EdgeSystem

/// What one attempt has gathered on its way to the receipt.
struct Attempt: Sendable {
  var outcome: Outcome
  var usage = Usage()
  var enforced: Enforced = [:]
  var profileDigest: Digest?
  var phases: [Phase] = []
  var tests: [TestResult] = []
  var members: [ResultMember] = []
  /// What could not be kept, for people.
  var notices: [String] = []
  var budget = Budget()

  /// One sandbox that was used.
  struct Phase: Sendable {
    /// `run` or `verify`.
    var name: String
    var verdict: Verdict
    var usage: Usage
    var limitsHit: RunReport.LimitsHit
    var denied: [NotedCall]
    var activity: RunReport.Activity
    var stdout: [UInt8]
    var stderr: [UInt8]
  }

  /// Takes over what a sandbox reported.
  mutating func add(_ name: String, _ report: RunReport, verdict: Verdict) {
    usage = usage + report.usage
    for (property, value) in report.enforced { enforced[property] = value }
    profileDigest = report.profileDigest
    phases.append(
      Phase(
        name: name, verdict: verdict, usage: report.usage,
        limitsHit: report.limitsHit, denied: report.denied, activity: report.activity,
        stdout: report.stdout, stderr: report.stderr))
  }
}

/// Where an attempt's parts are sent while its archive is unpacked.
struct Parts {
  /// The snapshot; nil leaves it out.
  var source: Int32?
  var tests: Int32?
  var attachments: Int32?
  /// Where the candidate is laid over the snapshot.
  var candidate: Int32?
  /// Paths that the candidate may not replace.
  var protected: [PathPattern] = []

  func target(_ part: ArchivePart, _ path: String) -> UnpackTarget? {
    switch part {
    case .source: source.map { UnpackTarget(directory: $0) }
    case .tests: tests.map { UnpackTarget(directory: $0) }
    case .attachments: attachments.map { UnpackTarget(directory: $0) }
    case .candidate:
      protected.contains { $0.matches(path) }
        ? nil : candidate.map { UnpackTarget(directory: $0, layer: 1) }
    case .solution, .environment: nil
    }
  }
}
