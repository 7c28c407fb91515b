import EdgeSystem
import EdgeTestSupport
import EdgeWorker
import Glibc
import Testing

struct SlotLeaseTests {
  private let temporary = TemporaryDirectory()

  @Test func numbersAreTakenOnce() throws {
    let first = try SlotLease.take(in: temporary.path, "slots")
    do {
      let second = try SlotLease.take(in: temporary.path, "slots")
      #expect([first.number, second.number] == [0, 1])
    }
    // The second one is free again.
    let third = try SlotLease.take(in: temporary.path, "slots")
    #expect(third.number == 1)
    #expect(first.number == 0)
  }

  @Test func aFolderOfSomebodyElseIsRefused() throws {
    guard getuid() == 0 else { return }
    try temporary.open().makeDirectory("slots")
    #expect(chown("\(temporary.path)/slots", 12345, 12345) == 0)
    #expect(throws: SystemError.self) { _ = try SlotLease.take(in: temporary.path, "slots").number }
  }

  @Test func aLinkIsNotFollowed() throws {
    try temporary.open().makeDirectory("real")
    #expect(symlink("real", "\(temporary.path)/slots") == 0)
    #expect(throws: SystemError.self) { _ = try SlotLease.take(in: temporary.path, "slots").number }
  }
}
