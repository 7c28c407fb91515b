package import EdgeJob
internal import EdgeSystem

/// A batch that was taken from `incoming/`: one file that stands for all its jobs. Until a job has
/// a ticket its place is (batch, index).
///
/// `batches/ID.NEXT` while jobs from index NEXT on have no ticket, then `batches/admitted/ID`.
/// The file: a frame ECBT with the head, then frames ECRQ with the requests, 256 in each, or one
/// with an array that stands for all.
package struct BatchFile: Hashable, Sendable {
  package let id: JobID
  /// The uid that submitted, from fstat.
  package let submitter: UInt32
  /// SHA-256 of the archive that the jobs share.
  package let blob: Digest
  package let task: Digest
  /// Jobs, also those that have a ticket.
  package let count: Int
  /// When it was taken, milliseconds UTC; the time from which its jobs wait.
  package let admitted: Int64

  package init(
    id: JobID, submitter: UInt32, blob: Digest, task: Digest, count: Int, admitted: Int64
  ) {
    self.id = id
    self.submitter = submitter
    self.blob = blob
    self.task = task
    self.count = count
    self.admitted = admitted
  }

  package static let schema = "edgecoder.batch/1"
  /// Requests in one frame.
  static let frameCount = 256

  package var json: JSON {
    [
      "schema": .string(BatchFile.schema), "batch": .string(id.description),
      "submitter": .int(Int64(submitter)), "blob": .string(blob.hex), "task": .string(task.hex),
      "count": .int(Int64(count)), "admitted": .int(admitted),
    ]
  }

  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "batch")
    try fields.schema(BatchFile.schema)
    guard let submitter = UInt32(exactly: try fields.integer("submitter")) else {
      throw JSONError("\"submitter\" is no uid")
    }
    let count = try fields.integer("count")
    guard (1...Int64(RequestList.countMax)).contains(count) else {
      throw JSONError("\"count\" is not 1 … \(RequestList.countMax)")
    }
    self.init(
      id: try fields.job("batch"), submitter: submitter, blob: try fields.digest("blob"),
      task: try fields.digest("task"), count: Int(count), admitted: try fields.integer("admitted"))
    try fields.end()
  }

  /// The whole file.
  func bytes(_ requests: RequestList) -> [UInt8] {
    var bytes = Frame(.batch, json.canonical).bytes
    switch requests.form {
    case .array: bytes += Frame(.request, requests.json.canonical).bytes
    case .each(let each):
      for start in stride(from: 0, to: each.count, by: BatchFile.frameCount) {
        let part = RequestList(Array(each[start..<min(start + BatchFile.frameCount, each.count)]))
        bytes += Frame(.request, part.json.canonical).bytes
      }
    }
    return bytes
  }
}

/// The requests of a batch's file, read a few at a time.
package struct BatchRequests: Sendable {
  package let batch: BatchFile
  /// Where each frame of requests begins.
  private let offsets: [Int64]

  /// Reads the head, and where the frames are.
  init(_ file: Int32, path: String) throws(SpoolError) {
    var offsets: [Int64] = []
    var offset: Int64 = 0
    var head: BatchFile?
    while let header = BatchRequests.header(file, at: offset) {
      if head == nil {
        let body = readRange(
          file, at: offset + Int64(Frame.headerLength), count: header.length)
        guard header.kind == .batch, CRC32.of(body) == header.check,
          let json = try? JSON.parse(body), let batch = try? BatchFile(json: json)
        else { break }
        head = batch
      } else {
        offsets.append(offset)
      }
      offset += Int64(Frame.headerLength + header.length)
    }
    guard let head, !offsets.isEmpty else { throw SpoolError(.badInput, "\(path) is no batch") }
    batch = head
    self.offsets = offsets
  }

  /// False where no job can have a key of its own: one request stands for all.
  package var mayHaveKeys: Bool { offsets.count > 1 || batch.count <= BatchFile.frameCount }

  /// The head of a frame; nil at the file's end, and where it announces more than there may be.
  private static func header(_ file: Int32, at offset: Int64) -> (
    kind: Frame.Kind, length: Int, check: UInt32
  )? {
    let bytes = readRange(file, at: offset, count: Frame.headerLength)
    guard let header = Frame.parse(header: bytes[...]),
      header.length <= Submission.requestBytesMax
    else { return nil }
    return header
  }

  /// The requests from an index to the end of their frame, at most `most`.
  func requests(_ file: Int32, from index: Int, atMost most: Int) throws(SpoolError) -> [Request] {
    precondition((0..<batch.count).contains(index), "an index of the batch")
    let isArray = offsets.count == 1
    let frame = isArray ? 0 : index / BatchFile.frameCount
    let start = offsets[frame]
    let torn = SpoolError(.badInput, "batch \(batch.id): a torn frame at byte \(start)")
    guard let header = BatchRequests.header(file, at: start) else { throw torn }
    let body = readRange(file, at: start + Int64(Frame.headerLength), count: header.length)
    guard header.kind == .request, CRC32.of(body) == header.check, let json = try? JSON.parse(body),
      let list = try? RequestList(json: json)
    else { throw torn }
    let first = isArray ? index : index % BatchFile.frameCount
    guard first < list.count else { throw torn }
    return (first..<first + min(list.count - first, most)).map { list[$0] }
  }
}
