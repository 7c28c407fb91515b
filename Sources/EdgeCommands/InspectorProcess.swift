internal import EdgeJob
internal import EdgeSystem

/// Inspects archives in a process of its own: this program again, as `InspectConfined`, with
/// nothing of our environment, one descriptor, rlimits and a system-call filter. Whatever happens
/// to it, we only read a bounded answer.
struct InspectorProcess: ArchiveInspector {
  private static let answerBytesMax = 8 << 20
  private static let millisecondsMax: Int32 = 60_000

  func inspect(_ descriptor: Int32) throws(Refusal) -> Inspection {
    let bytes: [UInt8]
    let end: Termination
    do {
      (bytes, end) = try run(descriptor)
    } catch let refusal as Refusal {
      throw refusal
    } catch {
      throw Refusal("the inspector could not be started: \(error)")
    }
    guard end == .exited(0) || end == .exited(65) else {
      throw Refusal("the inspector died (\(end)); the archive may be an attack on it")
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

  private func run(_ descriptor: Int32) throws -> ([UInt8], Termination) {
    let pipe = try Descriptor.pipe()
    let path = try Executable.path()
    let spawn = Spawn(
      path: path, arguments: InspectConfined.arguments,
      // Nothing but this: the handler of the Swift runtime would catch a crash and then hang, since
      // the confined process can start no program that prints a backtrace.
      environment: ["SWIFT_BACKTRACE=enable=no"],
      descriptors: [0: descriptor, 1: pipe.writing.raw])
    var child = try spawn.start()
    let reading = pipe.closeWriting()
    // It gets CPU seconds of its own; the wait is for one that sleeps.
    let bytes = read(reading, child.descriptor)
    guard let bytes else {
      child.signal(9)
      _ = child.wait()
      throw Refusal("the inspector took longer than \(Self.millisecondsMax / 1000) s")
    }
    return (bytes, child.wait())
  }

  /// The whole answer; nil where it is too long or does not come.
  private func read(_ reading: borrowing Descriptor, _ child: Int32) -> [UInt8]? {
    let deadline = Clocks.bootNanoseconds() + Int64(Self.millisecondsMax) * 1_000_000
    var bytes: [UInt8] = []
    while Clocks.bootNanoseconds() < deadline {
      if Poll.readable([reading.raw], milliseconds: 1000).isEmpty { continue }
      guard let more = reading.readSome(atMost: 1 << 16) else { return nil }
      if more.isEmpty { return bytes }
      bytes += more
      if bytes.count > Self.answerBytesMax { return nil }
    }
    return nil
  }
}
