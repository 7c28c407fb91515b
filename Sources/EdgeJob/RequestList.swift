/// The requests of one submission, in order: each written out, or one that stands for many.
package struct RequestList: Hashable, Sendable, RandomAccessCollection {
  /// How they are written.
  package enum Form: Hashable, Sendable {
    case each([Request])
    /// As many jobs as the axes have combinations; without axes `count` times the same.
    case array(Request, axes: [Axis], count: Int)
  }

  /// A parameter of an array and its values; the last axis changes fastest.
  package struct Axis: Hashable, Sendable {
    package let name: String
    package let values: [String]

    package init(name: String, values: [String]) {
      self.name = name
      self.values = values
    }
  }

  package let form: Form
  /// The idempotency key of the whole batch.
  package let key: String?

  /// The most requests in one list.
  package static let countMax = 10_000
  /// The schema of requests that are written out.
  package static let eachSchema = "edgecoder.requests/1"
  /// The schema of one request that stands for many.
  package static let arraySchema = "edgecoder.array/1"

  /// Each written out; at least one.
  package init(_ requests: [Request], key: String? = nil) {
    precondition((1...RequestList.countMax).contains(requests.count), "1 … 10000 requests")
    form = .each(requests)
    self.key = requests.count == 1 ? requests[0].key : key
  }

  /// `count` times the same; a key of the request is the key of the batch.
  package init(_ request: Request, count: Int) {
    precondition((1...RequestList.countMax).contains(count), "1 … 10000 requests")
    self.init(array: request, axes: [], count: count)
  }

  /// One for each combination of the axes' values.
  /// - Throws: where an axis is empty or the combinations are too many.
  package init(_ request: Request, axes: [Axis]) throws(JSONError) {
    var count = 1
    for axis in axes {
      try Parameters.check(name: axis.name)
      for value in axis.values { try Parameters.check(value: value) }
      let (product, isTooLarge) = count.multipliedReportingOverflow(by: axis.values.count)
      guard !isTooLarge, (1...RequestList.countMax).contains(product) else {
        throw JSONError("an array has 1 … \(RequestList.countMax) jobs")
      }
      count = product
    }
    guard Set(axes.map(\.name)).count == axes.count else {
      throw JSONError("two axes have the same name")
    }
    self.init(array: request, axes: axes, count: count)
  }

  private init(array request: Request, axes: [Axis], count: Int) {
    key = request.key
    if count == 1, axes.isEmpty {
      form = .each([request])
    } else {
      var request = request
      request.key = nil
      form = .array(request, axes: axes, count: count)
    }
  }

  /// Always 0.
  package var startIndex: Int { 0 }

  /// How many jobs there are.
  package var endIndex: Int {
    switch form {
    case .each(let requests): requests.count
    case .array(_, _, let count): count
    }
  }

  /// The request of one job, with its own parameters.
  package subscript(position: Int) -> Request {
    switch form {
    case .each(let requests): return requests[position]
    case .array(let request, let axes, let count):
      precondition((0..<count).contains(position), "a request beyond the array's end")
      var request = request
      var rest = position
      for axis in axes.reversed() {
        request.parameters[axis.name] = axis.values[rest % axis.values.count]
        rest /= axis.values.count
      }
      return request
    }
  }

  /// True where some job may have an id of its own, by a key.
  package var hasKeys: Bool {
    guard case .each(let requests) = form, requests.count > 1 else { return false }
    return requests.contains { $0.key != nil }
  }

  /// True where the other list asks for the same jobs: what `Request.compared` leaves of each.
  package func saysTheSame(as other: RequestList) -> Bool {
    count == other.count && zip(self, other).allSatisfy { $0.compared == $1.compared }
  }

  package var json: JSON {
    switch form {
    case .each(let requests) where requests.count == 1: requests[0].json
    case .each(let requests):
      .members([
        ("schema", .string(RequestList.eachSchema)), ("key", key.map { .string($0) }),
        ("requests", .array(requests.map(\.json))),
      ])
    case .array(let request, let axes, let count):
      .members([
        ("schema", .string(RequestList.arraySchema)), ("key", key.map { .string($0) }),
        ("request", request.json), ("count", .int(Int64(count))),
        (
          "axes",
          axes.isEmpty
            ? nil
            : .array(
              axes.map { ["name": .string($0.name), "values": .texts($0.values)] })
        ),
      ])
    }
  }

  package init(json: JSON) throws(JSONError) {
    switch json["schema"]?.text {
    case RequestList.eachSchema:
      var fields = try Fields(json, of: "batch")
      _ = try fields.text("schema")
      let key = try fields.optionalText("key")
      try Request.check(key: key)
      var requests: [Request] = []
      for element in try fields.elements("requests") { requests.append(try Request(json: element)) }
      try fields.end()
      guard (1...RequestList.countMax).contains(requests.count) else {
        throw JSONError("a batch has 1 … \(RequestList.countMax) requests")
      }
      self.init(requests, key: key)
    case RequestList.arraySchema:
      var fields = try Fields(json, of: "array")
      _ = try fields.text("schema")
      var request = try Request(json: try fields.value("request"))
      request.key = try fields.optionalText("key")
      try Request.check(key: request.key)
      let count = try fields.integer("count")
      var axes: [Axis] = []
      for element in fields.take("axes")?.elements ?? [] {
        var axis = try Fields(element, of: "axis")
        axes.append(Axis(name: try axis.text("name"), values: try axis.texts("values")))
        try axis.end()
      }
      try fields.end()
      guard (1...Int64(RequestList.countMax)).contains(count) else {
        throw JSONError("an array has 1 … \(RequestList.countMax) jobs")
      }
      try self.init(request, axes: axes, declared: Int(count))
    default:
      self.init([try Request(json: json)])
    }
  }

  private init(_ request: Request, axes: [Axis], declared count: Int) throws(JSONError) {
    if axes.isEmpty {
      self.init(request, count: count)
      return
    }
    try self.init(request, axes: axes)
    guard self.count == count else { throw JSONError("\"count\" is not what the axes make") }
  }
}

extension RequestList: ExpressibleByArrayLiteral {
  package init(arrayLiteral requests: Request...) { self.init(requests) }
}

/// The parameters of a request: names and values that its command finds in its environment as
/// `EDGECODER_NAME`.
package enum Parameters {
  /// The most that one request has.
  package static let countMax = 16

  static func check(_ parameters: [String: String]) throws(JSONError) {
    guard parameters.count <= countMax else { throw JSONError("more than 16 parameters") }
    for (name, value) in parameters {
      try check(name: name)
      try check(value: value)
    }
  }

  static func check(name: String) throws(JSONError) {
    let isGood =
      (1...64).contains(name.utf8.count)
      && name.utf8.allSatisfy {
        (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F
      }
    guard isGood else { throw JSONError("a parameter's name is A-Z, 0-9 and _, not \"\(name)\"") }
  }

  static func check(value: String) throws(JSONError) {
    guard value.utf8.count <= 1000, !value.utf8.contains(0) else {
      throw JSONError("a parameter's value is longer than 1000 bytes or holds a zero byte")
    }
  }
}
