internal import ArgumentParser
internal import EdgeJob
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// Which spool, and where its secrets are.
struct SpoolOptions: ParsableArguments {
  @Option(help: "The spool; else EDGECODER_SPOOL, else one in your state directory.")
  var spool: String?

  @Option(help: "Where signing keys lie; else EDGECODER_KEYS, else in your configuration.")
  var keys: String?

  @Option(help: ArgumentHelp("Milliseconds UTC instead of the clock.", visibility: .hidden))
  var now: Int64?

  /// The path of the spool.
  var path: String { spool ?? Identity.environment("EDGECODER_SPOOL") ?? SpoolOptions.standard }

  /// True where nobody named a spool.
  var isStandard: Bool { spool == nil && Identity.environment("EDGECODER_SPOOL") == nil }

  private static var home: String { Identity.environment("HOME") ?? "/nonexistent" }

  /// `$XDG_STATE_HOME/edgecoder/spool`, XDG Base Directory Specification.
  static var standard: String {
    (Identity.environment("XDG_STATE_HOME") ?? home + "/.local/state") + "/edgecoder/spool"
  }

  func open() throws -> Spool { try Spool(path: path) }

  /// The folder of the keys of a spool.
  func keyFolder(_ spool: Spool) -> String {
    let base =
      keys ?? Identity.environment("EDGECODER_KEYS")
      ?? (Identity.environment("XDG_CONFIG_HOME")
        ?? SpoolOptions.home + "/.config") + "/edgecoder/keys"
    return "\(base)/\(spool.id)"
  }

  /// The clock that counts: `--now` only on a spool that was made with `--test-clock`.
  func clock(_ spool: Spool) throws -> () -> Int64 {
    guard let now else { return Clocks.milliseconds }
    guard spool.hasTestClock else {
      throw CommandFailure(
        .usage, "--now works only on a spool made with init --test-clock", place: spool.path)
    }
    return { now }
  }
}

/// The form of the answer.
struct OutputOptions: ParsableArguments {
  @Flag(help: "One JSON object with a versioned schema.")
  var json = false

  @Option(help: "table, plain, json, jsonl, junit or markdown.")
  var format: String?

  @Flag(name: [.short, .long], help: "Ids or values alone.")
  var quiet = false

  /// True where the answer is for people.
  var isTable: Bool { !json && !quiet && (format ?? "table") == "table" }

  func render(_ document: Document) throws {
    var form = OutputFormat.table
    if json { form = .json }
    if quiet { form = .plain }
    if let format {
      guard let named = OutputFormat(rawValue: format) else {
        throw CommandFailure(
          .usage, "unknown format \(format)",
          next: "choose one of \(OutputFormat.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      form = named
    }
    Console.write(try EdgeReport.render(document, as: form, style: Console.style(1)))
  }
}

/// Jobs by their full ids, or a prefix that only one has.
struct JobArguments: ParsableArguments {
  @Argument(help: "Job ids.")
  var jobs: [String]

  func ids() throws -> [JobID] { try JobArguments.ids(jobs) }

  /// Jobs that somebody waits for: ids, and `batch:JOB` for the whole batch of one.
  static func parents(_ texts: [String]) throws -> [JobID] {
    try texts.map { text in
      guard text.hasPrefix("batch:") else { return try ids([text])[0] }
      return try ids([String(text.dropFirst("batch:".count))])[0].batch
    }
  }

  static func ids(_ jobs: [String]) throws -> [JobID] {
    try jobs.map { text in
      guard let job = JobID(text) else {
        throw CommandFailure(
          .usage, "\(text) is no job id", why: "an id has 26 characters of 0-9 and a-z",
          next: "edgecoder status --quiet lists them")
      }
      return job
    }
  }
}

/// Milliseconds from `90`, `90s`, `15m`, `2h` or `7d`.
func milliseconds(_ text: String) throws -> Int64 {
  let units: [Character: Int64] = ["s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
  let unit = text.last.flatMap { units[$0] }
  guard let number = Int64(unit == nil ? text[...] : text.dropLast()), number >= 0,
    number < 1 << 40
  else {
    throw CommandFailure(.usage, "\(text) is no duration", next: "write 90s, 15m, 2h or 7d")
  }
  return number * (unit ?? 1000)
}
