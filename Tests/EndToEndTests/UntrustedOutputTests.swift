import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

extension EndToEnd {
  /// What a task writes is shown, and does nothing.
  @Suite struct UntrustedOutputTests {}
}

extension EndToEnd.UntrustedOutputTests {
  /// Bytes that a terminal would act on.
  private func isHarmless(_ bytes: [UInt8]) -> Bool {
    bytes.allSatisfy { $0 == 0x0A || $0 == 0x09 || $0 >= 0x20 && $0 != 0x7F }
      && !String(decoding: bytes, as: UTF8.self).unicodeScalars.contains {
        (0x80..<0xA0).contains($0.value) || $0.properties.generalCategory == .format
      }
  }

  @Test func controlSequencesAndBinary() throws {
    let place = try Workplace()
    try place.task(
      "evil",
      """
      printf '\\033]0;title\\007\\033[2J\\033[31mred\\033[0m\\rover\\b\\0\\177\\n'
      printf '\\302\\233cursor \\342\\200\\256right to left\\377\\376\\n'
      head -c 3000 /dev/urandom
      printf '\\033]52;c;ZXZpbA==\\007clipboard' >&2
      exit 4
      """)
    let run = expect(try place.shell("edgecoder run evil --junit report.xml -q"), 1)
    let job = try #require(run.lines.first)
    for flag in ["", "--stderr"] {
      let logs = expect(try place.shell("edgecoder logs \(job) \(flag)"), 0)
      #expect(isHarmless(logs.stdout), "\(logs.output)")
      #expect(logs.output.contains(flag.isEmpty ? "red\nover" : "clipboard"), "\(logs.output)")
    }
    let raw = try place.edgecoder("logs", job, "--raw")
    #expect(raw.stdout.contains(0x1B) && raw.stdout.contains(0), "asked for, as it is")
    #expect(isHarmless(try place.folder.read("report.xml")))
    #expect(isHarmless(try place.edgecoder("status", "--all").stdout))
  }

  /// A name is text of the task too.
  @Test func aHostileNameIsRefusedOrHarmless() throws {
    let place = try Workplace()
    try place.task("ok", "true")
    expect(
      try place.shell("sed -i 's/^description.*/description = \"\\\\u001b[31mred\"/' ok/task.toml"),
      0)
    _ = try place.shell("edgecoder run ok")
    for form in ["table", "plain", "markdown", "junit"] {
      #expect(
        isHarmless(try place.edgecoder("status", "--all", "--format", form).stdout), "\(form)")
    }
  }

  @Test func tenMegabytes() throws {
    let place = try Workplace()
    try place.task("loud", "head -c 10000000 /dev/zero | tr '\\0' x")
    let run = expect(try place.shell("edgecoder run loud -q"), 1)
    let job = try #require(run.lines.first)
    #expect(try place.ending(job) == "outputTooLarge")
    let logs = expect(try place.edgecoder("logs", job), 0)
    #expect(logs.stdout.count >= 1 << 19 && logs.stdout.count <= 2 << 20, "\(logs.stdout.count)")
    let usage = try place.row(job)["usage"]
    #expect(usage?["outputBytes"]?.integer ?? 0 >= 1 << 20)
  }
}
