internal import Glibc
internal import Synchronization

/// Places in the way of a job where a crash leaves something else behind than a moment before.
///
/// A campaign ends the process at one of them, as `kill -9` or a stop would: with
/// `EDGECODER_CRASH=POINT:N` a process sends itself SIGKILL when it comes by `POINT` for the Nth
/// time, with `EDGECODER_CRASH=POINT:N:stop` SIGSTOP. Nobody else can set that, and without it a
/// point costs one comparison. What is found after a crash at each stands in `queue/README.md`.
package enum CrashPoint: String, CaseIterable, Sendable {
  // A submitter.
  /// The submission is written and not flushed.
  case submitWritten
  /// It is flushed and has no name.
  case submitFlushed
  /// It has its name, which is not flushed.
  case submitNamed
  /// It is durable, and nobody was told.
  case submitDurable
  /// A request in `control/` is durable, and nobody was told.
  case controlAsked

  // The coordinator.
  /// It leads, and has not committed its epoch.
  case leadTaken
  /// Its epoch is committed, and nothing was read yet.
  case epochTaken
  /// A submission is copied; its blob is not flushed.
  case admitTaken
  /// A batch has its file in `batches/`, not flushed; its submission stands.
  case batchPut
  /// Archives and submissions are flushed; nothing is reserved.
  case admitFlushed
  /// Credits are reserved; there is no ticket.
  case admitReserved
  /// A ticket stands in `ready/`, not flushed; others of its round do not.
  case admitPlaced
  /// All tickets of a round are durable; submissions and batches stand as before.
  case admitDurable
  /// A batch's name says that a slice has its tickets.
  case batchAdvanced
  /// One submission is removed.
  case admitRemoved
  /// A ticket is in a worker's inbox.
  case assigned
  /// A ticket was taken back from an inbox.
  case takenBack
  /// Receipts were read and verified; nothing is paid.
  case settleVerified
  /// Receipts are paid; there is no result.
  case settlePosted
  /// One result stands in `done/`, not flushed.
  case settleWritten
  /// All results are durable; tickets and receipts stand.
  case settleDurable
  /// A ticket was removed; its receipt stands.
  case settleTicketRemoved
  /// A receipt was removed.
  case settleRemoved
  /// A fault of a lost worker is recorded; its job stands where it was.
  case sweepRecorded
  /// A job is in `ready/` again; the lost worker's ticket stands.
  case sweepPlaced
  /// The reservation of a job without a result is void; its ticket stands.
  case endVoided
  /// The file of a job without a result is durable; its ticket stands.
  case endWritten
  /// A ticket of a job that is held is durable; its old one stands.
  case holdWritten
  /// Credits are reserved for jobs that start anew; they stand where they ended.
  case retryReserved
  /// Their tickets are durable; they stand where they ended as well.
  case retryPlaced
  /// A request in `control/` was taken and not yet obeyed.
  case controlTaken
  /// An order for a batch is durable, and none of its jobs was touched.
  case orderPut

  // A worker.
  /// A ticket is claimed; nothing was started.
  case claimed
  /// The job's program is about to start.
  case runStarting
  /// The program has ended, its sandbox is gone; there is no receipt.
  case runEnded
  /// A ticket is in the outbox, and its receipt is not.
  case finishMoved
  /// Receipts are written and flushed, without a name.
  case finishWritten
  /// Receipts have their name, which is not flushed.
  case finishNamed
  /// Receipts are durable.
  case finishDurable

  /// Ends or stops the process where it was asked to die here.
  @inline(__always)
  package func reached() {
    if let plan = Plan.ofThisProcess { plan.reached(self) }
  }

  /// What this process was asked to do.
  private final class Plan: Sendable {
    static let ofThisProcess = getenv("EDGECODER_CRASH").flatMap { Plan(String(cString: $0)) }

    private let point: CrashPoint
    private let signal: Int32
    private let left: Atomic<Int>

    init?(_ text: String) {
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard (2...3).contains(parts.count), let point = CrashPoint(rawValue: String(parts[0])),
        let times = Int(parts[1]), times > 0, parts.count == 2 || parts[2] == "stop"
      else { return nil }
      self.point = point
      signal = parts.count == 2 ? SIGKILL : SIGSTOP
      left = Atomic(times)
    }

    func reached(_ here: CrashPoint) {
      guard here == point else { return }
      // Other threads may come by at the same time; one of them is the Nth.
      if left.subtract(1, ordering: .relaxed).newValue == 0 { kill(getpid(), signal) }
    }
  }
}
