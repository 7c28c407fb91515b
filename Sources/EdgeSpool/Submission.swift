package import EdgeJob
internal import EdgeSystem

/// One file in `incoming/`: how to run it, then what to run. A batch is several requests that share
/// one archive.
package struct Submission: Hashable, Sendable {
  /// The jobs, in order. Nil without a request (a bare archive).
  package let requests: RequestList?
  /// Where the archive's bytes begin in the file.
  package let archiveOffset: Int64

  /// The most bytes of requests in one file.
  package static let requestBytesMax = 16 << 20

  /// The frame that stands before the archive.
  package static func head(_ requests: RequestList) -> [UInt8] {
    Frame(.request, requests.json.canonical).bytes
  }

  /// Reads the head of a file; one that does not begin with a request frame is a bare archive.
  /// - Throws: `badInput` where a request is torn or wrong.
  package init(head file: Int32) throws(SpoolError) {
    let start = readRange(file, at: 0, count: Frame.headerLength)
    guard let header = Frame.parse(header: start[...]), header.kind == .request else {
      self.init(requests: nil, archiveOffset: 0)
      return
    }
    guard header.length <= Submission.requestBytesMax else {
      throw SpoolError(.badInput, "a request of more than \(Submission.requestBytesMax) bytes")
    }
    let body = readRange(file, at: Int64(Frame.headerLength), count: header.length)
    guard body.count == header.length, CRC32.of(body) == header.check else {
      throw SpoolError(.badInput, "a torn request")
    }
    do throws(JSONError) {
      self.init(
        requests: try RequestList(json: try JSON.parse(body)),
        archiveOffset: Int64(Frame.headerLength + header.length))
    } catch {
      throw SpoolError(.badInput, "the request: \(error.problem)")
    }
  }

  private init(requests: RequestList?, archiveOffset: Int64) {
    self.requests = requests
    self.archiveOffset = archiveOffset
  }
}
