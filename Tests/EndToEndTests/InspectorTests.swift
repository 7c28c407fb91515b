import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

extension EndToEnd {
  /// Hostile archives meet a process of their own: whatever happens to it, the coordinator goes on.
  @Suite struct InspectorTests {}
}

extension EndToEnd.InspectorTests {
  /// The child that reads an archive for this coordinator or worker, once its filter is in force:
  /// its parent is the process that takes the orders, and that one's is who asked.
  private func inspector(of asking: Int32) throws -> Int32? {
    var parents: [Int32: Int32] = [:]
    var confined: [Int32] = []
    for name in try Directory(path: "/proc").entries() {
      guard let process = Int32(name),
        let bytes = try? Directory(path: "/proc/\(name)").read("status", atMost: 1 << 16)
      else { continue }
      let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
      let parent = lines.first { $0.hasPrefix("PPid:\t") }.flatMap { Int32($0.dropFirst(6)) }
      parents[process] = parent
      // A worker's jails are confined as well.
      if lines.contains("Seccomp:\t2"), lines.contains("Name:\tedgecoder") {
        confined.append(process)
      }
    }
    return confined.first { parents[$0].flatMap { parents[$0] } == asking }
  }

  /// The reasons in the quarantine.
  private func reasons(_ place: Workplace) throws -> [String] {
    try place.names("spool/quarantine").filter { $0.hasSuffix(".json") }.map { name in
      let bytes = try place.folder.read("spool/quarantine/\(name)")
      return try JSON.parse(bytes)["reason"]?.text ?? ""
    }
  }

  /// How the inspector is made to crash.
  enum Crash: CaseIterable, Sendable {
    /// Its code becomes something that reads wild memory, or no instruction at all.
    case wildMemory, noInstruction
    case killed
  }

  private func plant(_ crash: Crash, in process: Int32) throws {
    switch crash {
    case .wildMemory: try overwriteCode(of: process, with: [0, 0])
    case .noInstruction: try overwriteCode(of: process, with: [0x0F, 0x0B])
    case .killed: kill(process, SIGKILL)
    }
  }

  /// Overwrites the program's code in the memory of a running process, so that its very next steps
  /// are a crash of its own; a signal that was sent could be caught.
  private func overwriteCode(of process: Int32, with instruction: [UInt8]) throws {
    let folder = try Directory(path: "/proc/\(process)")
    let maps = String(decoding: try folder.read("maps", atMost: 1 << 22), as: UTF8.self)
    let memory = try folder.open("mem", O_WRONLY)
    let code = Array(repeating: instruction, count: 1 << 16).flatMap { $0 }
    var isDone = false
    for line in maps.split(separator: "\n") where line.hasSuffix("/edgecoder") {
      let words = line.split(separator: " ")
      guard words.count > 1, words[1].hasPrefix("r-x") else { continue }
      let ends = words[0].split(separator: "-").compactMap { Int64($0, radix: 16) }
      guard ends.count == 2 else { throw Unexpected("a strange line: \(line)") }
      var place = ends[0]
      while place < ends[1] {
        let count = min(code.count, Int(ends[1] - place))
        // It may be dead before the last byte.
        if pwrite(memory.raw, code, count, off_t(place)) <= 0 { break }
        place += Int64(count)
      }
      guard place > ends[0] else { throw Unexpected("the memory cannot be written") }
      isDone = true
    }
    guard isDone else { throw Unexpected("no code of edgecoder in \(maps.prefix(2000))") }
  }

  /// A crash is planted while the inspector reads a big archive: the coordinator is another
  /// process, the file is put aside, and what came with it is admitted.
  @Test(
    .enabled(if: geteuid() == 0, "only root may write into another process"),
    arguments: Crash.allCases)
  func aCrashHurtsNobodyElse(crash: Crash) throws {
    let place = try Workplace()
    try place.task("ok", "true")
    try place.task("big", "true")
    let made = try place.shell(
      "head -c 100M /dev/urandom >big/source/data && edgecoder pack big -o big.tar.zst -q >&2")
    expect(made, 0)
    // Dropped as a bare archive, by a rename in the same file system; its name comes first.
    expect(
      try place.shell("cp big.tar.zst spool/tmp/big && mv spool/tmp/big spool/incoming/00-big"), 0)
    let job = try place.submitOne(place.folder.path("ok"))
    let coordinator = try place.start("schedule", "schedule", "--once")
    var victim: Int32?
    try eventually("an inspector is at work") {
      victim = try inspector(of: coordinator.process)
      return victim != nil
    }
    try plant(crash, in: #require(victim))
    #expect(coordinator.wait() == .exited(0))
    #expect(try place.state(job) == "ready")
    let reasons = try reasons(place)
    #expect(reasons.count == 1 && reasons[0].contains("the inspector died"), "\(reasons)")
    #expect(try place.names("spool/incoming").isEmpty)
    // The file itself is kept for who wants to know.
    #expect(try place.names("spool/quarantine").count == 2)
    #expect(try place.ledgerIsClean())
  }

  /// A worker reads no archive itself either: whoever does it there is confined, and its death ends
  /// one attempt, not the worker.
  @Test(.enabled(if: geteuid() == 0, "only root sees the processes of others"))
  func aCrashInAWorkerIsAFaultOfOneAttempt() throws {
    let place = try Workplace()
    try place.task("big", "true")
    try place.task("ok", "true")
    expect(try place.shell("head -c 100M /dev/urandom >big/source/data"), 0)
    let big = try place.submitOne(place.folder.path("big"))
    let worker = try place.start("worker", "worker", "--slots", "1", "--until-idle", "30s")
    try eventually("the worker lives") { place.exists("spool/workers/local/worker.json") }
    expect(try place.edgecoder("schedule", "--once"), 0)
    var victim: Int32?
    try eventually("somebody reads the archive") {
      victim = try inspector(of: worker.process)
      return victim != nil
    }
    kill(try #require(victim), SIGKILL)
    let ok = try place.submitOne(place.folder.path("ok"))
    try eventually("the other job is done") {
      expect(try place.edgecoder("schedule", "--once"), 0)
      return try place.state(ok) == "done"
    }
    // The attempt was a fault, which is tried again and costs nothing.
    let attempt = try place.row(big)["attempt"]?.integer ?? 0
    #expect(attempt == 2)
    #expect(try place.ledgerIsClean())
  }

  /// The same archive without the crash is admitted, so that it was the crash that stopped it.
  @Test func withoutTheCrashItIsAdmitted() throws {
    let place = try Workplace()
    try place.task("big", "true")
    expect(try place.shell("head -c 100M /dev/urandom >big/source/data; chmod 644 big/source/*"), 0)
    expect(try place.shell("edgecoder pack big -o spool/incoming/b -q"), 0)
    expect(try place.edgecoder("schedule", "--once"), 0)
    #expect(try place.rows().map { $0["state"]?.text } == ["ready"])
  }

  @Test func garbageAndBombsArePutAside() throws {
    let place = try Workplace()
    try place.task("ok", "true")
    let bombs = """
      mkdir -p bomb/source && cp ok/task.toml ok/instruction.md bomb
      truncate -s 300M bomb/source/zeros
      tar -C bomb -cf - task.toml instruction.md source | gzip -1 >spool/incoming/bomb
      head -c 1M /dev/urandom >spool/incoming/garbage
      : >spool/incoming/empty
      edgecoder pack ok -o - | head -c 200 >spool/incoming/torn
      (head -c 100 /dev/zero; edgecoder pack ok -o -) >spool/incoming/shifted
      ln -s /etc/passwd spool/incoming/link
      mkfifo spool/incoming/fifo
      mkdir spool/incoming/folder && : >spool/incoming/folder/file
      edgecoder pack ok -o spool/incoming/good -q
      ln spool/incoming/garbage spool/tmp/second
      """
    expect(try place.shell(bombs), 0)
    let result = expect(try place.edgecoder("schedule", "--once"), 0)
    #expect(try place.names("spool/incoming").isEmpty)
    let found = try reasons(place)
    #expect(found.count == 8, "\(found) \(result)")
    #expect(try reasons(place).allSatisfy { !$0.isEmpty && !$0.contains("the inspector died") })
    let ready = try place.rows().filter { $0["state"]?.text == "ready" }
    #expect(ready.map { $0["task"]?.text } == ["ok"])
    expect(try place.edgecoder("schedule", "--once"), 0)
    #expect(try place.ledgerIsClean())
  }
}
