import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

extension EndToEnd {
  /// A worker that spares its machine.
  @Suite struct PowerTests {}
}

extension EndToEnd.PowerTests {
  /// An hour of the day that is not now, and will not be soon.
  private var otherHours: String {
    let hour = Clocks.milliseconds() / 3_600_000
    return ([2, 3] as [Int64]).map { more in
      let hour = (hour + more) % 24
      return (hour < 10 ? "0\(hour)" : "\(hour)") + ":00"
    }.joined(separator: "-")
  }

  private func announced(_ place: Workplace) throws -> JSON {
    try JSON.parse(place.folder.read("spool/workers/local/worker.json"))
  }

  /// Puts every job of a spool into the inbox of its worker, wherever the coordinator left it.
  private func assign(_ place: Workplace) throws {
    expect(
      try place.shell(
        """
        fence=4294967396
        for ticket in $(find spool/ready spool/held -type f); do
          name=$(basename "$ticket" | cut -c 1-26).$(printf %016x $fence)
          mv "$ticket" "spool/workers/local/inbox/$name"
          fence=$((fence + 1))
        done
        """), 0)
  }

  @Test func outsideItsHoursAWorkerLeavesItsInboxAlone() throws {
    let place = try Workplace()
    try place.task("ok", "true")
    let closed = try place.start("closed", "worker", "--slots", "1", "--hours", otherHours)
    try eventually("the worker lives") { place.exists("spool/workers/local/worker.json") }
    #expect(try announced(place)["accepts"]?.text == "none")
    #expect(try announced(place)["why"]?.text == "outside_hours")
    #expect(try announced(place)["mode"] == nil)
    let job = try place.submitOne(place.folder.path("ok"))
    expect(try place.edgecoder("schedule", "--once"), 0)
    try assign(place)
    // Longer than it may wait between two looks at its inbox.
    _ = Poll.readable([], milliseconds: 3_000)
    #expect(closed.isRunning)
    let inbox = try place.names("spool/workers/local/inbox")
    #expect(inbox.count == 1 && inbox[0].hasPrefix(job))
    #expect(try place.names("spool/workers/local/running").isEmpty)
    #expect(try place.names("spool/workers/local/outbox").isEmpty)
    closed.signal(SIGTERM)
    expectEnd(of: closed, .exited(0), within: 10)

    // Its twin: without the hours the same job is claimed from the same inbox.
    _ = try place.start("open", "worker", "--slots", "1")
    try eventually("the job has run") {
      try place.names("spool/workers/local/outbox").contains { $0.hasSuffix(".item") }
    }
    #expect(try place.names("spool/workers/local/inbox").isEmpty)
    let open = try announced(place)
    #expect(open["accepts"] == nil && open["why"] == nil && open["mode"] == nil, "\(open)")
    place.stopServices()
  }

  /// The worker sees a battery: in a mount namespace of its own a made tree lies over the real one.
  @Test(
    .program("unshare"),
    .enabled(
      if: geteuid() == 0 && access("/sys/class/power_supply", F_OK) == 0,
      "needs root and a kernel that knows of power supplies"))
  func aBatteryDecides() throws {
    let place = try Workplace()
    try place.task("big", "true")
    let small = try place.task("small", "true")
    expect(try place.shell("sed -i 's/wall = .*/wall = \"10\"/' small/task.toml"), 0)
    for path in ["power", "power/BAT0"] { try place.folder.open().makeDirectory(path) }
    let battery = { (capacity: Int, status: String) in
      for (name, text) in [("type", "Battery"), ("capacity", "\(capacity)"), ("status", status)] {
        try place.folder.write("power/BAT0/\(name)", text: text + "\n")
      }
    }
    try battery(30, "Discharging")
    let script = """
      cd "$0" && mount --bind power /sys/class/power_supply &&
      exec '\(Workplace.program)' worker --slots 1 2>log/worker
      """
    let worker = try RunningProgram(
      "unshare", ["--mount", "--propagation", "private", "bash", "-c", script, place.path],
      environment: place.environment)
    try eventually("the worker lives") { place.exists("spool/workers/local/worker.json") }
    let first = try announced(place)
    #expect(first["accepts"]?.text == "small", "\(first)")
    #expect(first["why"]?.text == "laptop_battery_low", "\(first)")
    let bigJob = try place.submitOne(place.folder.path("big"))
    let smallJob = try place.submitOne(small)
    expect(try place.edgecoder("schedule", "--once"), 0)
    try assign(place)
    let outbox = "spool/workers/local/outbox"
    try eventually("the small job has run") {
      try place.names(outbox).contains { $0.hasPrefix(smallJob) && $0.hasSuffix(".item") }
    }
    let left = try place.names("spool/workers/local/inbox")
    #expect(left.count == 1 && left[0].hasPrefix(bigJob), "\(left)")

    try battery(10, "Discharging")
    try eventually("it says that it takes nothing") {
      try announced(place)["why"]?.text == "laptop_battery_critical"
    }
    #expect(try announced(place)["accepts"]?.text == "none")
    #expect(try place.names("spool/workers/local/inbox") == left)
    try battery(10, "Charging")
    try eventually("the big job has run") {
      try place.names(outbox).contains { $0.hasPrefix(bigJob) && $0.hasSuffix(".item") }
    }
    #expect(try announced(place)["accepts"] == nil)
    worker.signal(SIGTERM)
    expectEnd(of: worker, .exited(0), within: 10)
  }

  @Test func modesAreAnnounced() throws {
    for (mode, accepts) in [("off", "none"), ("offline", nil)] as [(String, String?)] {
      let place = try Workplace()
      let worker = try place.start("worker", "worker", "--slots", "1", "--mode", mode)
      try eventually("the worker lives") { place.exists("spool/workers/local/worker.json") }
      let file = try announced(place)
      #expect(file["mode"]?.text == mode && file["accepts"]?.text == accepts, "\(file)")
      #expect(file["why"]?.text == (accepts == nil ? nil : "mode_off"))
      worker.signal(SIGTERM)
      expectEnd(of: worker, .exited(0), within: 10)
    }
  }

  @Test func offlineWorkersWork() throws {
    let place = try Workplace()
    try place.task("ok", "true")
    _ = try place.start("worker", "worker", "--slots", "1", "--mode", "offline")
    try eventually("the worker lives") { place.exists("spool/workers/local/worker.json") }
    _ = try place.start("schedule", "schedule")
    let job = try place.submitOne(place.folder.path("ok"))
    expect(try place.edgecoder("wait", job), 0)
    place.stopServices()
  }

  @Test func whatIsDecidedHereCanBeDecidedAgain() throws {
    let place = try Workplace(making: false)
    let here = expect(try place.edgecoder("power", "--json"), 0)
    let document = try here.json
    #expect(document["decision"]?["reason"]?.text?.isEmpty == false)
    #expect(document["telemetry"]?["processors"]?.integer == Int64(Processors.ofMachine))
    try place.folder.write("recorded.json", here.stdout)
    let again = expect(try place.shell("edgecoder power --json --telemetry recorded.json"), 0)
    #expect(again.stdout == here.stdout)
    let piped = expect(try place.shell("edgecoder power --json --telemetry - <recorded.json"), 0)
    #expect(piped.stdout == here.stdout)
    let closed = expect(try place.edgecoder("power", "--json", "--hours", otherHours), 0)
    #expect(try closed.json["decision"]?["reason"]?.text == "outside_hours")
    let table = expect(try place.edgecoder("power"), 0)
    #expect(table.lines.contains { $0.hasPrefix("reason ") }, "\(table)")
  }

  @Test func recordings() throws {
    let place = try Workplace(making: false)
    let laptop = """
      {"schema":"edgecoder.power/1",AT"telemetry":{"readAt":1000,"device":"laptop",\
      "externalPower":false,"batteryMilliPercent":30500,"temperatureMilliCelsius":null}}
      """
    for (at, accepts, reason) in [
      ("\"at\":2000,", "small", "laptop_battery_low"),
      ("\"at\":121001,", "none", "telemetry_stale"), ("", "none", "telemetry_stale"),
      ("\"at\":-1,", "none", "telemetry_stale"),
    ] {
      let text = laptop.split(separator: "AT", maxSplits: 1).joined(separator: at)
      try place.folder.write("laptop.json", text: text)
      let result = expect(try place.shell("edgecoder power --json --telemetry laptop.json"), 0)
      #expect(try result.json["decision"]?["accepts"]?.text == accepts, "\(result)")
      #expect(try result.json["decision"]?["reason"]?.text == reason, "\(result)")
    }
    expect(try place.shell("edgecoder power --telemetry laptop.json"), 0)
    try place.folder.write("wrong.json", text: "{\"schema\":\"edgecoder.power/9\"}")
    for (arguments, code) in [
      ("--telemetry wrong.json", 65), ("--telemetry nowhere.json", 66), ("--hours 22-06", 64),
      ("--mode asleep", 64), ("--telemetry /", 65),
    ] as [(String, Int32)] {
      let result = expect(try place.shell("edgecoder power \(arguments)"), code)
      #expect(result.stdout.isEmpty && !result.stderr.isEmpty, "\(result)")
    }
  }
}
