internal import EdgeJob
internal import EdgeSpool
internal import EdgeSystem
internal import Synchronization

/// What a job writes while it runs, as two files beside its ticket for who follows it. Jobs that
/// are soon over make none; the result archive has everything anyway, and a failure here is
/// nobody's.
final class LiveOutput: Sendable {
  private let desk: WorkerDesk
  private let job: FencedJob
  private let state = Mutex(State())
  /// From the first look to the first file, nanoseconds.
  private static let patience: Int64 = 500_000_000

  private struct State: ~Copyable {
    var started: Int64 = 0
    var written = [0, 0]
  }

  init(_ desk: WorkerDesk, _ job: FencedJob) {
    self.desk = desk
    self.job = job
  }

  /// Takes all that was written so far, and appends what is new.
  func show(stdout: [UInt8], stderr: [UInt8]) {
    state.withLock { state in
      let now = Clocks.bootNanoseconds()
      if state.started == 0 { state.started = now }
      if now - state.started < LiveOutput.patience { return }
      for (index, bytes) in [stdout, stderr].enumerated() where bytes.count > state.written[index] {
        let isFirst = state.written[index] == 0
        let stream = index == 0 ? "stdout" : "stderr"
        try? desk.liveFile(job, stream, isNew: isFirst).write(bytes[state.written[index]...])
        state.written[index] = bytes.count
      }
    }
  }
}
