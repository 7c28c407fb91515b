internal import ArgumentParser
internal import EdgeJob
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem
internal import Glibc

/// `logs --follow`: whole lines as a job writes them, then the rest from its result.
struct FollowOutput: ~Copyable {
  private let spool: Spool
  private let job: JobID
  private let stream: String
  private let isRaw: Bool
  private let watch: Watch
  /// Which attempt is shown.
  private var fence: Fence?
  private var attempt: Int64?
  private var file: Descriptor?
  private var isOpen = false
  /// Of this attempt, bytes.
  private var shown = 0
  /// Read, but not a whole line yet.
  private var rest: [UInt8] = []

  /// An event may be lost, milliseconds.
  private static let slowest: Int32 = 1000
  /// A line that is longer is shown in parts, bytes.
  private static let lineMax = 1 << 16

  init(_ spool: Spool, _ job: JobID, stream: String, isRaw: Bool) throws {
    self.spool = spool
    self.job = job
    self.stream = stream
    self.isRaw = isRaw
    watch = try Watch()
  }

  mutating func run(_ signals: SignalSource) throws {
    var state: JobState?
    while true {
      guard let place = try spool.locate(job) else {
        throw CommandFailure(.notFound, "there is no job \(job)", place: spool.path)
      }
      // What it wrote before it moved on is in the file that we have open.
      read()
      if place.state.isFinal { return try finish() }
      if state == nil, place.state != .running {
        Console.note("job \(job) is \(place.state.rawValue)")
      }
      state = place.state
      if place.state == .running { open(place) }
      JobFolders.watch(spool, watch)
      watch.wait(milliseconds: FollowOutput.slowest, others: [signals.descriptor])
      if let signal = signals.take() { throw ArgumentParser.ExitCode(128 + signal) }
    }
  }

  /// Opens the file of the attempt that runs, where there is one and we may.
  private mutating func open(_ place: Place) {
    if fence != place.fence {
      if fence != nil { Console.note("job \(job): another attempt") }
      fence = place.fence
      file = nil
      isOpen = false
      attempt = try? spool.ticket(at: place.path).attempt
      shown = 0
      rest = []
    }
    if isOpen { return }
    let name = "\(place.path).\(stream)"
    guard let opened = try? spool.root.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK),
      (try? opened.status().kind) == .file
    else { return }
    try? watch.add(file: name, in: spool.root)
    file = consume opened
    isOpen = true
    read()
  }

  private mutating func read() {
    while let bytes = file?.readSome(atMost: 1 << 16), !bytes.isEmpty {
      rest += bytes
      shown += bytes.count
    }
    let line = rest.lastIndex(of: 0x0A).map { $0 + 1 }
    let whole = line ?? (rest.count > FollowOutput.lineMax ? rest.count : 0)
    if whole == 0 { return }
    write(Array(rest[..<whole]))
    rest.removeFirst(whole)
  }

  /// The result has everything; what was not shown yet follows.
  private func finish() throws {
    let record = try JobOutput.record(job, spool)
    let isSame = attempt == nil || attempt == record.ticket.attempt
    var bytes = rest
    if let result = record.result {
      if !isSame { Console.note("job \(job): another attempt") }
      bytes += (JobOutput.member(stream, of: result) ?? []).dropFirst(
        isSame ? shown : 0)
    }
    write(bytes)
  }

  private func write(_ bytes: [UInt8]) {
    if isRaw { Console.write(bytes) } else { Console.write(Untrusted.text(bytes)) }
  }
}
