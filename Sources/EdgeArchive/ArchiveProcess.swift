package import EdgeJob
package import EdgeSystem
internal import Synchronization

/// A process of its own in which archives are parsed: nothing of our environment, no right on any
/// file, and one confined child for each archive. Whatever happens to such a child, we only read a
/// bounded answer. Started with the first archive; for several threads.
package final class ArchiveProcess: ArchiveInspector {
  private let spawn: Spawn
  private let running = Mutex<Running?>(nil)

  private static let answerBytesMax = 8 << 20
  private static let millisecondsMax: Int64 = 60_000

  /// What the process is asked for, one message with the archive and where the answer goes.
  package enum Order: UInt8, Sendable {
    /// One JSON document: an inspection or a refusal.
    case inspect = 1
    /// The members, as `streamMembers` writes them.
    case members = 2
  }

  private struct Running: ~Copyable {
    let socket: MessageSocket
    let child: Child
  }

  /// - Parameter spawn: how it is started; it finds its orders at descriptor 3.
  package init(_ spawn: Spawn) { self.spawn = spawn }

  /// Sends an order to the process, which is started where it is not there.
  /// - Returns: what the answer is read from; it ends when the child does.
  private func ask(_ order: Order, _ file: Int32) throws(SystemError) -> Descriptor {
    let answer = try Descriptor.pipe()
    let descriptors = [file, answer.writing.raw]
    try running.withLock { running throws(SystemError) in
      for isLast in [false, true] {
        if running == nil { running = try start() }
        do throws(SystemError) {
          try running?.socket.send([order.rawValue], descriptors)
          return
        } catch {
          // It has died, and that says nothing about this archive.
          running = nil
          if isLast { throw error }
        }
      }
    }
    return answer.closeWriting()
  }

  private func start() throws(SystemError) -> Running {
    let ends = try MessageSocket.pair()
    let near = MessageSocket(owning: Descriptor(owning: ends.near))
    let far = Descriptor(owning: ends.far)
    var spawn = spawn
    spawn.descriptors[3] = far.raw
    return Running(socket: near, child: try spawn.start())
  }

  /// One archive, inspected there.
  /// - Throws: also where the child died, answered nonsense or took longer than a minute.
  package func inspect(_ descriptor: Int32) throws(Refusal) -> Inspection {
    let answer: Descriptor
    do { answer = try ask(.inspect, descriptor) } catch {
      throw Refusal("the inspector could not be started: \(error)")
    }
    guard let bytes = ArchiveProcess.read(answer) else {
      // Its children die with it.
      running.withLock { $0 = nil }
      throw Refusal("the inspector took longer than \(Self.millisecondsMax / 1000) s")
    }
    guard !bytes.isEmpty else {
      throw Refusal("the inspector died; the archive may be an attack on it")
    }
    let json: JSON
    do throws(JSONError) {
      json = try JSON.parse(bytes)
      if json["schema"]?.text != Refusal.schema { return try Inspection(json: json) }
    } catch {
      throw Refusal("the inspector's answer is wrong: \(error)")
    }
    throw Refusal(json["reason"]?.text ?? "no reason given")
  }

  /// The members of an archive, parsed there.
  func members(_ file: Int32, _ limits: ArchiveLimits) throws(UnpackError) -> any MemberReader {
    do throws(SystemError) {
      return MemberStream(
        try ask(.members, file), limits, milliseconds: ArchiveProcess.millisecondsMax)
    } catch {
      throw .system(error)
    }
  }

  /// The whole answer; nil where it is too long or does not come.
  private static func read(_ answer: borrowing Descriptor) -> [UInt8]? {
    let deadline = Clocks.bootNanoseconds() + millisecondsMax * 1_000_000
    var bytes: [UInt8] = []
    while Clocks.bootNanoseconds() < deadline {
      if Poll.readable([answer.raw], milliseconds: 1000).isEmpty { continue }
      guard let more = answer.readSome(atMost: 1 << 16) else { return nil }
      if more.isEmpty { return bytes }
      bytes += more
      if bytes.count > answerBytesMax { return nil }
    }
    return nil
  }
}
