internal import EdgeJob

/// The requests of a batch whose jobs have no ids yet, and which of them wait for one another.
///
/// Each stands behind those that it waits for: tickets are made in this order and a bounded number
/// ahead, so a job in front would keep the one that it waits for from its ticket.
struct BatchDraft {
  let requests: RequestList
  /// A request of the list waits for another one.
  struct Edge: Hashable {
    let child: Int
    let parent: Int
    let condition: Dependency.Condition
  }

  private let edges: [Edge]
  /// Where each one was before; empty where it is where it was.
  private let places: [Int]

  init(_ requests: RequestList) {
    self.requests = requests
    edges = []
    places = []
  }

  /// - Parameter edges: without a circle.
  init(_ requests: [Request], key: String?, edges: [Edge]) {
    let parents = Dictionary(grouping: edges, by: \.child).mapValues { $0.map(\.parent) }
    places = parentsFirst(requests.indices) { parents[$0] ?? [] }
    var position = [Int](repeating: 0, count: requests.count)
    for (new, old) in places.enumerated() { position[old] = new }
    self.requests = RequestList(places.map { requests[$0] }, key: key)
    self.edges = edges.map {
      Edge(child: position[$0.child], parent: position[$0.parent], condition: $0.condition)
    }
  }

  /// The jobs in the order in which somebody wrote their requests.
  func asWritten(_ jobs: [JobID]) -> [JobID] {
    if places.isEmpty { return jobs }
    return zip(places, jobs).sorted { $0.0 < $1.0 }.map(\.1)
  }

  /// The requests with the ids of those that they wait for.
  /// - Parameter jobs: an id for each request.
  func resolved(_ jobs: [JobID]) -> RequestList {
    if edges.isEmpty { return requests }
    var each = Array(requests)
    for edge in edges {
      each[edge.child].wait(for: Dependency(job: jobs[edge.parent], condition: edge.condition))
    }
    return RequestList(each, key: requests.key)
  }
}

/// What the lines of a file say about one another: `#3` is the third request, anything else the key
/// of one.
struct LineReferences {
  /// The line of each request, from 1.
  var lines: [Int] = []
  private var found: [(child: Int, text: String, condition: Dependency.Condition)] = []

  /// Takes note of a name that is no job's id.
  mutating func note(_ text: String, _ condition: Dependency.Condition, by child: Int) {
    found.append((child, text, condition))
  }

  /// Finds out who is meant.
  /// - Throws: a failure with code 65 where nobody is, or some wait for one another in a circle.
  func resolve(_ requests: [Request], place: String) throws -> [BatchDraft.Edge] {
    var keys: [String: Int] = [:]
    for (index, request) in requests.enumerated() {
      guard let key = request.key else { continue }
      if let other = keys.updateValue(index, forKey: key) {
        throw CommandFailure(
          .badInput, "lines \(lines[other]) and \(lines[index]) have the same key \(key)",
          place: place, why: "a key names one job")
      }
    }
    var parents: [Int: [Int]] = [:]
    var edges: [BatchDraft.Edge] = []
    for (child, text, condition) in found {
      let number = text.hasPrefix("#") ? Int(text.dropFirst()).map { $0 &- 1 } : nil
      guard let parent = number ?? keys[text], requests.indices.contains(parent) else {
        throw CommandFailure(
          .badInput, "line \(lines[child]) waits for \(text), which is no job", place: place,
          why: "a job is named by its id, a key of this file, or #3 for its third request")
      }
      parents[child, default: []].append(parent)
      edges.append(BatchDraft.Edge(child: child, parent: parent, condition: condition))
    }
    for (child, others) in parents
    where others.count + requests[child].dependencies.count > Request.dependenciesMax {
      throw CommandFailure(
        .badInput,
        "line \(lines[child]) waits for more than \(Request.dependenciesMax) jobs", place: place,
        next: "let it wait for one that waits for them")
    }
    if let circle = Circle.first(from: parents.keys.sorted(), next: { parents[$0] ?? [] }) {
      let text = circle.map { "\(lines[$0])" }.joined(separator: " → ")
      throw CommandFailure(
        .badInput, "lines wait for one another in a circle", place: place, why: text,
        next: "take one of these dependencies out")
    }
    return edges
  }
}
