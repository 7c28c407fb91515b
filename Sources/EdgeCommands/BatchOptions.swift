internal import ArgumentParser
internal import EdgeJob
internal import EdgeSystem
internal import Glibc

/// How many jobs a task becomes, and what tells them apart.
struct BatchOptions: ParsableArguments {
  @Option(help: "Jobs of each task, as one batch.")
  var count: Int?

  @Option(help: "One job for each number: 1-1000, 0-90:10, 1,2,5; with %50 at most 50 at a time.")
  var array: String?

  @Option(
    parsing: .upToNextOption,
    help: "One job for each combination: NAME=value,value … The command finds EDGECODER_NAME.")
  var matrix: [String] = []

  @Option(help: "One job for each line of this file of JSON objects; - is standard input.")
  var from: String?

  @Option(help: "At most so many of them at the same time.")
  var maxRunning: Int?

  /// The requests of a task, made of one that the other flags say.
  func requests(_ request: Request) throws -> BatchDraft {
    let given = [count != nil, array != nil, !matrix.isEmpty, from != nil]
    guard given.filter({ $0 }).count <= 1 else {
      throw CommandFailure(.usage, "--count, --array, --matrix and --from exclude one another")
    }
    var request = request
    var most = maxRunning
    var axes: [RequestList.Axis] = try matrix.map(Self.axis)
    if let array {
      let (numbers, limit) = try Self.numbers(array)
      most = most ?? limit
      axes = [RequestList.Axis(name: "ARRAY_INDEX", values: numbers.map(String.init))]
    }
    if let most {
      try NumberRange.check("--max-running", most, 1...10_000)
      request.group = JobGroup(name: "batch-\(Hex16.random())", most: most)
    }
    do {
      if let from { return try Self.lines(from, request) }
      if !axes.isEmpty { return BatchDraft(try RequestList(request, axes: axes)) }
    } catch let error as JSONError {
      throw CommandFailure(.usage, error.problem)
    }
    try NumberRange.check("--count", count, 1...RequestList.countMax)
    return BatchDraft(RequestList(request, count: count ?? 1))
  }

  /// `NAME=a,b,c`.
  private static func axis(_ text: String) throws -> RequestList.Axis {
    guard let cut = text.firstIndex(of: "=") else {
      throw CommandFailure(.usage, "\(text) is not NAME=value,value")
    }
    let values = text[text.index(after: cut)...].split(
      separator: ",", omittingEmptySubsequences: false)
    return RequestList.Axis(name: String(text[..<cut]), values: values.map(String.init))
  }

  /// `1-1000`, `0-90:10`, `1,2,5` and lists of those; `%50` behind it limits how many run at once.
  static func numbers(_ text: String) throws -> (numbers: [Int], most: Int?) {
    let wrong = CommandFailure(
      .usage, "\(text) is no array", next: "write 1-1000, 0-90:10, 1,2,5 or 1-1000%50")
    let halves = text.split(separator: "%", omittingEmptySubsequences: false)
    guard halves.count <= 2, let list = halves.first else { throw wrong }
    var numbers: [Int] = []
    for part in list.split(separator: ",", omittingEmptySubsequences: false) {
      let steps = part.split(separator: ":", omittingEmptySubsequences: false)
      let ends = steps[0].split(separator: "-", omittingEmptySubsequences: false)
        .map { Int($0) }
      let step = steps.count == 2 ? Int(steps[1]) : 1
      guard (1...2).contains(steps.count), (1...2).contains(ends.count), let first = ends[0],
        let last = ends[ends.count - 1], let step, step > 0, first >= 0, first <= last,
        (last - first) / step < RequestList.countMax,
        numbers.count < RequestList.countMax
      else { throw wrong }
      numbers += stride(from: first, through: last, by: step)
    }
    if halves.count == 1 { return (numbers, nil) }
    guard let most = Int(halves[1]), most > 0 else { throw wrong }
    return (numbers, most)
  }

  /// One JSON object on each line; what it says counts before the flags.
  private static func lines(_ path: String, _ request: Request) throws -> BatchDraft {
    let bytes: [UInt8]
    if path == "-" {
      bytes = try EdgeSystem.read(0, atMost: 16 << 20)
    } else {
      let raw = Glibc.open(path, O_RDONLY | O_CLOEXEC)
      guard raw >= 0 else { throw CommandFailure(SystemError("open", path)) }
      let file = Descriptor(owning: raw)
      bytes = try file.read(atMost: 16 << 20)
    }
    var requests: [Request] = []
    var references = LineReferences()
    for (number, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
      .enumerated()
    where !line.allSatisfy({ $0 == 0x20 || $0 == 0x0D }) {
      do throws(JSONError) {
        let index = requests.count
        requests.append(
          try request.overlaid(with: try JSON.parse(Array(line))) {
            references.note($0, $1, by: index)
          })
        references.lines.append(number + 1)
      } catch {
        throw CommandFailure(
          .badInput, "line \(number + 1) is no request", place: path, why: error.problem)
      }
    }
    guard (1...RequestList.countMax).contains(requests.count) else {
      throw CommandFailure(
        .badInput, "\(requests.count) requests; a batch has 1 to \(RequestList.countMax)",
        place: path)
    }
    let edges = try references.resolve(requests, place: path)
    return BatchDraft(requests, key: request.key, edges: edges)
  }
}
