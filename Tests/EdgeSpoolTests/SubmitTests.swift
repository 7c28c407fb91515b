import EdgeJob
import EdgeSpool
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// The submitter's side: one whole file, or nothing.
struct SubmitTests {
  let site: Site

  init() throws { site = try Site() }

  @Test func `a submission is one file that take gives back`() throws {
    let archive = [UInt8](repeating: 7, count: 300_003)
    let job = try site.submit(.new(), archive)
    #expect(try site.names("incoming") == [job.description])
    let taken = try site.spool.take(job.description)
    #expect(taken.requests == [Request()])
    #expect(taken.submitter == Identity.user)
    #expect(taken.blob == .of(archive))
    #expect(taken.isNewBlob)
    #expect(try site.bytes(Layout.blob(taken.blob)) == archive)
    let status = try site.spool.root.status(Layout.blob(taken.blob))
    #expect(status.mode == 0o440)
    #expect(status.links == 1)
    // Copied, not moved: it waits until the ledger has it.
    #expect(try site.names("incoming") == [job.description])
    try site.spool.removeIncoming(job.description)
    try site.spool.removeIncoming(job.description)
    #expect(try site.names("incoming").isEmpty)
  }

  @Test func `a known id is not published twice`() throws {
    let job = try site.submit(.number(1), [1])
    let before = try site.bytes("incoming/\(job)")
    let other = try Descriptor.memory("archive", [2])
    #expect(try !site.spool.submit([Request(key: "k")], as: job, archive: other.raw))
    #expect(try site.bytes("incoming/\(job)") == before)
    #expect(try site.names("incoming").count == 1)
    let wins = race(8) { [site] _ in
      guard let file = try? Descriptor.memory("archive", [3]) else { return false }
      return (try? site.spool.submit([Request()], as: .number(2), archive: file.raw)) == true
    }
    #expect(wins == 1)
  }

  @Test func `a batch is one file`() throws {
    let requests = (0..<500).map { Request(key: "k\($0)", priority: Int64($0 % 100)) }
    let file = try Descriptor.memory("archive", [9, 9])
    #expect(try site.spool.submit(RequestList(requests), as: .number(1), archive: file.raw))
    let taken = try site.spool.take("\(JobID.number(1))")
    #expect(taken.requests == RequestList(requests))
    #expect(taken.blob == .of([9, 9]))
  }

  @Test func `a bare archive has no request`() throws {
    try site.write("incoming/task.tar", Array("bare".utf8))
    let taken = try site.spool.take("task.tar")
    #expect(taken.requests == nil)
    #expect(taken.blob == .of(Array("bare".utf8)))
    try site.write("incoming/empty", [])
    #expect(try site.spool.take("empty").blob == .of([]))
  }

  @Test func `an archive is read from its beginning and left open`() throws {
    let file = try Descriptor.memory("archive", [1, 2, 3, 4])
    lseek(file.raw, 2, SEEK_SET)
    #expect(try site.spool.submit([Request()], as: .number(1), archive: file.raw))
    #expect(try site.spool.take("\(JobID.number(1))").blob == .of([1, 2, 3, 4]))
    #expect(fcntl(file.raw, F_GETFD) >= 0)
  }

  @Test func `the same archive is stored once`() throws {
    let first = try site.spool.take("\(site.submit(.number(1), [5]))")
    let inode = try site.spool.root.status(Layout.blob(first.blob)).inode
    let second = try site.spool.take("\(site.submit(.number(2), [5]))")
    #expect(first.blob == second.blob)
    #expect(!second.isNewBlob)
    #expect(try site.spool.root.status(Layout.blob(first.blob)).inode == inode)
  }

  /// After a power cut a name may be there whose content never reached the disk.
  @Test func `an emptied archive is stored again`() throws {
    let archive = Array("whole".utf8)
    try site.write(Layout.blob(.of(archive)), [])
    let taken = try site.spool.take("\(site.submit(.number(1), archive))")
    #expect(taken.isNewBlob)
    #expect(try site.bytes(Layout.blob(taken.blob)) == archive)
    #expect(try site.names("blobs").count == 1)
  }

  @Test func `what waits is listed oldest first, hidden names are not`() throws {
    for number: UInt8 in [3, 1, 2] { try site.submit(.number(number)) }
    try site.write("incoming/.half", [1])
    let names = [1, 2, 3].map { JobID.number($0).description }
    #expect(try site.spool.incoming(atMost: 10) == names)
    #expect(try site.spool.incoming(atMost: 2) == Array(names.prefix(2)))
  }

  @Test func `many unsynced submissions are all there`() throws {
    for number: UInt8 in 0..<50 {
      let file = try Descriptor.memory("archive", [number])
      #expect(try site.spool.submitUnsynced([Request()], as: .number(number), archive: file.raw))
    }
    try site.spool.syncSubmissions()
    #expect(try site.spool.incoming(atMost: 100).count == 50)
  }
}
