internal import EdgeJob
internal import EdgeSandbox
internal import Synchronization

/// The snapshots of a worker: each is unpacked once, and serves all jobs with the same archive. In
/// memory, and as many as fit.
final class Snapshots: Sendable {
  private struct Entry: Sendable {
    let archive: Digest
    let snapshot: Snapshot
    let isAll: Bool
    let bytes: Int64
  }

  /// The one that was used last is the last.
  private let entries = Mutex<[Entry]>([])

  private static let countMax = 64
  private static let bytesMax: Int64 = 256 << 20

  /// The snapshot of an archive, where it is there.
  /// - Returns: also whether the archive holds nothing that is laid over it.
  func find(_ archive: Digest) -> (snapshot: Snapshot, isAll: Bool)? {
    entries.withLock { entries in
      guard let place = entries.lastIndex(where: { $0.archive == archive }) else { return nil }
      let entry = entries.remove(at: place)
      entries.append(entry)
      return (entry.snapshot, entry.isAll)
    }
  }

  /// Keeps a snapshot whose files are all there. One that is in use stays as long as it is.
  /// - Parameter isAll: true where the archive holds no candidate.
  func keep(_ snapshot: Snapshot, of archive: Digest, isAll: Bool) {
    let entry = Entry(
      archive: archive, snapshot: snapshot, isAll: isAll, bytes: snapshot.bytes)
    entries.withLock { entries in
      entries.removeAll { $0.archive == archive }
      entries.append(entry)
      while entries.count > Snapshots.countMax
        || entries.reduce(0, { $0 + $1.bytes }) > Snapshots.bytesMax
      {
        entries.removeFirst()
        if entries.isEmpty { return }
      }
    }
  }
}
