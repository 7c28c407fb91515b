package import EdgeJob
internal import EdgeSystem
internal import Glibc

/// One file in `incoming/`: how to run it, then what to run. A batch is several requests that share
/// one archive.
package struct Submission: Hashable, Sendable {
  /// The jobs, in order; at least one. Without a request (a bare archive) there are none.
  package let requests: [Request]
  /// Where the archive's bytes begin in the file.
  package let archiveOffset: Int64

  /// The schema of several requests in one head.
  package static let batchSchema = "edgecoder.requests/1"
  /// The most requests in one file.
  package static let requestsMax = 10_000
  /// The most bytes of requests in one file.
  package static let requestBytesMax = 16 << 20

  /// The frame that stands before the archive.
  package static func head(_ requests: [Request]) -> [UInt8] {
    precondition((1...requestsMax).contains(requests.count), "a submission has 1 … 10000 requests")
    let json: JSON =
      requests.count == 1
      ? requests[0].json
      : ["schema": .string(batchSchema), "requests": .array(requests.map(\.json))]
    return Frame(.request, json.canonical).bytes
  }

  /// Reads the head of a file; one that does not begin with a request frame is a bare archive.
  /// - Throws: `badInput` where a request is torn or wrong.
  package init(head file: Int32) throws(SpoolError) {
    let start = Submission.bytes(of: file, at: 0, count: Frame.headerLength)
    guard let header = Frame.parse(header: start[...]), header.kind == .request else {
      self.init(requests: [], archiveOffset: 0)
      return
    }
    guard header.length <= Submission.requestBytesMax else {
      throw SpoolError(.badInput, "a request of more than \(Submission.requestBytesMax) bytes")
    }
    let body = Submission.bytes(of: file, at: Int64(Frame.headerLength), count: header.length)
    guard body.count == header.length, CRC32.of(body) == header.check else {
      throw SpoolError(.badInput, "a torn request")
    }
    do throws(JSONError) {
      let json = try JSON.parse(body)
      var requests: [Request] = []
      if json["schema"]?.text == Submission.batchSchema {
        var fields = try Fields(json, of: "batch")
        _ = try fields.text("schema")
        for element in try fields.elements("requests") {
          requests.append(try Request(json: element))
        }
        try fields.end()
      } else {
        requests = [try Request(json: json)]
      }
      guard (1...Submission.requestsMax).contains(requests.count) else {
        throw JSONError("a batch has 1 … \(Submission.requestsMax) requests")
      }
      self.init(
        requests: requests, archiveOffset: Int64(Frame.headerLength + header.length))
    } catch {
      throw SpoolError(.badInput, "the request: \(error.problem)")
    }
  }

  private init(requests: [Request], archiveOffset: Int64) {
    self.requests = requests
    self.archiveOffset = archiveOffset
  }

  private static func bytes(of file: Int32, at offset: Int64, count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let got = bytes.withUnsafeMutableBytes {
        let rest = UnsafeMutableRawBufferPointer(rebasing: $0[done...])
        return pread(file, rest.baseAddress, rest.count, off_t(offset) + off_t(done))
      }
      if got <= 0 { return Array(bytes[..<done]) }
      done += got
    }
    return bytes
  }
}
