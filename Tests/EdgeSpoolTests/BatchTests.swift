import EdgeJob
import EdgeSpool
import EdgeSystem
import EdgeTestSupport
import Testing

/// Batches: one file for many jobs.
struct BatchTests {
  private let site: Site

  init() throws { site = try Site() }

  private func batch(_ requests: RequestList) -> BatchFile {
    BatchFile(
      id: JobID.new().batch, submitter: 7, blob: .of([1]), task: .of([2]), count: requests.count,
      admitted: 5)
  }

  private func all(_ batch: BatchRequests, _ place: BatchPlace, atMost most: Int) throws
    -> [Request]
  {
    var found: [Request] = []
    while found.count < batch.batch.count {
      let next = try site.spool.requests(of: batch, at: place, from: found.count, atMost: most)
      #expect((1...most).contains(next.count))
      found += next
    }
    return found
  }

  @Test(arguments: [2, 255, 256, 257, 1000]) func `requests come back in order`(count: Int) throws {
    let each = RequestList((0..<count).map { Request(key: "k\($0)", priority: Int64($0 % 100)) })
    let array = RequestList(Request(key: "k", hold: "h"), count: count)
    let axes = try RequestList(
      Request(),
      axes: [.init(name: "A", values: ["x", "y"]), .init(name: "B", values: ["1", "2"])])
    for requests in [each, array, axes] {
      let file = batch(requests)
      try site.spool.putBatch(file, requests)
      let place = try #require(site.spool.place(ofBatch: file.id))
      #expect(place.next == 0)
      let read = try site.spool.batch(at: place)
      #expect(read.batch == file)
      #expect(try all(read, place, atMost: 100) == Array(requests))
      #expect(throws: SpoolError.self) { try site.spool.putBatch(file, requests) }
    }
  }

  @Test func `the last axis changes fastest`() throws {
    let list = try RequestList(
      Request(key: "k"),
      axes: [.init(name: "A", values: ["x", "y"]), .init(name: "B", values: ["1", "2"])])
    #expect(list.map { $0.parameters["A"]! + $0.parameters["B"]! } == ["x1", "x2", "y1", "y2"])
    #expect(list.key == "k" && list[0].key == nil)
    #expect(try RequestList(json: list.json) == list)
    #expect(throws: JSONError.self) {
      try RequestList(
        Request(), axes: .init(repeating: .init(name: "A", values: ["x", "y"]), count: 2))
    }
    let many = (0..<101).map(String.init)
    #expect(throws: JSONError.self) {
      try RequestList(
        Request(), axes: [.init(name: "A", values: many), .init(name: "B", values: many)])
    }
  }

  @Test func `a batch moves on by its name`() throws {
    let requests = RequestList(Request(), count: 300)
    let file = batch(requests)
    try site.spool.putBatch(file, requests)
    try site.spool.advanceBatch(file, from: 0, to: 256)
    #expect(try site.spool.openBatches().map(\.next) == [256])
    let waiting = file.id.job(at: 256)
    #expect(try site.spool.locate(waiting)?.state == .incoming)
    #expect(try site.spool.locate(file.id.job(at: 255)) == nil)
    try site.spool.advanceBatch(file, from: 256, to: 300)
    #expect(try site.spool.openBatches().isEmpty)
    #expect(site.spool.place(ofBatch: file.id)?.next == nil)
    #expect(try site.spool.locate(waiting) == nil)
  }

  @Test(arguments: Seed.some(3)) func `a damaged batch is refused`(seed: Seed) throws {
    var random = SplitMix64(seed)
    for _ in 0..<200 {
      let requests = RequestList((0..<random.number(2...9)).map { Request(key: "k\($0)") })
      let file = batch(requests)
      try site.spool.putBatch(file, requests)
      let place = try #require(site.spool.place(ofBatch: file.id))
      let whole = try site.bytes(place.path)
      try site.spool.root.remove(place.path)
      let bytes = random.damaged(whole)
      try site.write(place.path, bytes)
      do throws(SpoolError) {
        let read = try site.spool.batch(at: place)
        let found = try site.spool.requests(of: read, at: place, from: 0, atMost: 100)
        // Bytes beyond its frames change nothing.
        #expect(read.batch == file && found == Array(requests))
      } catch {
        #expect(error.kind == .badInput)
      }
    }
  }
}
