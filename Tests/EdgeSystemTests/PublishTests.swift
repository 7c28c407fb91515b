import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

struct PublishTests {
  let temporary = TemporaryDirectory()

  @Test
  func neverReplaces() throws {
    let directory = try temporary.open()
    try directory.publish("file", [1])
    let error = #expect(throws: SystemError.self) {
      try temporary.open().publish("file", [2])
    }
    #expect(error?.exists == true)
    #expect(try directory.read("file", atMost: 10) == [1])
    // The unnamed file of the refused one is gone with its descriptor.
    #expect(try directory.names().count == 1)
    try directory.makeDirectory("other")
    let renamed = #expect(throws: SystemError.self) {
      let directory = try temporary.open()
      try directory.rename("file", to: directory, "other")
    }
    #expect(renamed?.exists == true)
  }

  @Test
  func oneOfManyWins() throws {
    let path = temporary.path
    let threads = (0..<8).map { number in
      WorkThread.start {
        for round in 0..<50 {
          try? Directory(path: path).publish("\(round)", [UInt8(number)], durable: false)
          try? Directory(path: path).publish("\(number).\(round)", [], durable: false)
        }
      }
    }
    for thread in threads { thread.join() }
    for round in 0..<50 {
      #expect(try temporary.read("\(round)", atMost: 10).count == 1)
    }
    #expect(try temporary.open().names().count == 50 + 8 * 50)
  }

  @Test
  func anUnnamedFileHasNoNameBeforeItsLink() throws {
    let directory = try temporary.open()
    let file = try directory.unnamedFile(mode: 0o640)
    try file.write([1, 2, 3])
    #expect(try directory.names().isEmpty)
    #expect(try file.status().links == 0)
    try directory.link(file, as: "file")
    #expect(try directory.status("file").links == 1)
    #expect(try directory.status("file").mode == 0o640)
    #expect(try directory.read("file", atMost: 3) == [1, 2, 3])
  }

  @Test
  func aReaderSeesTheOldOrTheNew() throws {
    let path = temporary.path
    let old = [UInt8](repeating: 1, count: 100_000)
    let new = [UInt8](repeating: 2, count: 50_000)
    try temporary.open().publish("file", old)
    let writer = WorkThread.start {
      for round in 0..<100 {
        try? Directory(path: path).overwrite("file", round.isMultiple(of: 2) ? new : old)
      }
    }
    for _ in 0..<300 {
      let seen = try temporary.read("file")
      #expect(seen == old || seen == new)
    }
    writer.join()
    // Nothing temporary is left.
    #expect(try temporary.open().names().count == 1)
  }

  @Test
  func leavesNothingBehindWhereItFails() throws {
    let directory = try temporary.open()
    try directory.makeDirectory("taken")
    try directory.publish("taken/x", [])
    #expect(throws: SystemError.self) { try temporary.open().overwrite("taken", [1]) }
    #expect(try directory.names().count == 1)
  }
}
