package import EdgeJob
package import EdgeSpool
internal import EdgeSystem

/// The ids of jobs, as submitter and coordinator both work them out.
///
/// The scope of a key is the account that the request names, or `uid:N` where it names none.
package struct JobNaming: Sendable {
  private let spool: Spool
  private let uid: UInt32

  package init(spool: Spool, uid: UInt32) {
    self.spool = spool
    self.uid = uid
  }

  private func scope(_ request: Request) -> String { request.account ?? "uid:\(uid)" }

  /// The name of the file in `incoming/`: the id of its one job, or of the batch.
  package func file(of requests: RequestList) -> JobID {
    let name = spool.jobID(account: scope(requests[0]), key: requests.key)
    return requests.count == 1 ? name : name.batch
  }

  /// The id of request number `index` in a file that holds `count` of them.
  package func id(of request: Request, index: Int, file: JobID, count: Int) -> JobID {
    if let key = request.key { return spool.jobID(account: scope(request), key: key) }
    if count == 1 { return file }
    if file.isBatch { return file.job(at: index) }
    // As the first version named the jobs of its batches.
    return spool.jobID(account: scope(request), key: "batch:\(file):\(index)")
  }

  /// A job of a batch by its request.
  package struct Member {
    package let job: JobID
    let index: Int
    let request: Request
  }

  /// The jobs of a batch from an index on, in order.
  package func members(of batch: BatchRequests, at place: BatchPlace, from start: Int)
    throws(SpoolError) -> [Member]
  {
    let file = batch.batch
    var members: [Member] = []
    while start + members.count < file.count {
      let index = start + members.count
      let requests = try spool.requests(of: batch, at: place, from: index, atMost: file.count)
      members += requests.enumerated().map { offset, request in
        let index = index + offset
        let job = id(of: request, index: index, file: file.id, count: max(2, file.count))
        return Member(job: job, index: index, request: request)
      }
    }
    return members
  }

  /// The id of a bare archive that somebody dropped: the same file gives the same job.
  func id(ofDropped name: String, blob: Digest, modified: Int64) -> JobID {
    let clean = String(decoding: name.utf8.filter { $0 != 0 }, as: UTF8.self)
    return spool.jobID(account: "uid:\(uid)", key: "drop:\(clean):\(blob.hex):\(modified)")
  }
}
