internal import EdgeJob
internal import EdgeSandbox

extension RunnerPlan {
  /// Judges a finished verify sandbox.
  func judge(_ report: RunReport, reward: [UInt8]?) -> Judgement {
    judge(report.limitsHit.report ? [] : report.report, ended: report.verdict(), reward: reward)
  }
}
