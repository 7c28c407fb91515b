internal import ArgumentParser
internal import EdgeJob
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// What `drain` and `undrain` share: all workers, or one.
struct DrainOptions: ParsableArguments {
  @Argument(help: "A worker; else all of them.")
  var worker: String?

  @OptionGroup var place: SpoolOptions

  /// The spool, whose owner we are, with a worker of that name.
  func site() throws -> Site {
    let site = try Site(place)
    try site.requireOwner()
    if let worker {
      guard Name.isValid(worker), try site.spool.workerIDs().contains(worker) else {
        throw CommandFailure(
          .notFound, "there is no worker \(worker)", place: site.spool.path,
          next: "edgecoder workers lists them")
      }
    }
    return site
  }
}

/// `edgecoder drain`.
struct DrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drain",
    abstract: "Lets what runs finish and nothing start, until undrain.",
    discussion: "Example: edgecoder drain --deadline 30m --reason 'new kernel'")

  @Option(help: "What still runs after this time is stopped and put back; no fault is counted.")
  var deadline: String?

  @Option(help: "Why; status and workers show it.")
  var reason = ""

  @OptionGroup var options: DrainOptions

  func run() throws {
    let site = try options.site()
    let now = site.now()
    let until = try deadline.map { now + (try milliseconds($0)) }
    try site.spool.put(Drain(since: now, deadline: until, reason: reason), on: options.worker)
    let running = try site.spool.workerItems().count {
      $0.state == .running && (options.worker == nil || $0.worker == options.worker)
    }
    let undrain = ["edgecoder undrain", options.worker].compactMap(\.self).joined(separator: " ")
    Console.note(
      "\(Amount.count(running, "job")) may finish; nothing starts before: \(undrain)")
  }
}

/// `edgecoder undrain`.
struct Undrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "undrain",
    abstract: "Lets jobs start again after drain.",
    discussion: "Example: edgecoder undrain")

  @OptionGroup var options: DrainOptions

  func run() throws {
    try options.site().spool.endDrain(on: options.worker)
  }
}
