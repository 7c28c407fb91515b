/// Reads the members of a JSON object one by one and refuses those that nobody asked for.
package struct Fields {
  private var values: [String: JSON] = [:]
  private let subject: String

  /// - Parameter subject: what the object is, for messages.
  package init(_ json: JSON, of subject: String) throws(JSONError) {
    guard let members = json.members else { throw JSONError("\(subject) is no object") }
    self.subject = subject
    for member in members {
      // Swift compares texts, not bytes: two spellings of one name would hide one another.
      guard values.updateValue(member.value, forKey: member.name) == nil else {
        throw JSONError("\(subject) has \"\(member.name)\" in two spellings")
      }
    }
  }

  /// The member as it is, taken out; nil where absent.
  package mutating func take(_ name: String) -> JSON? { values.removeValue(forKey: name) }

  /// The member as it is, taken out.
  /// - Throws: where it is absent.
  package mutating func value(_ name: String) throws(JSONError) -> JSON {
    guard let value = take(name) else { throw JSONError("\(subject) lacks \"\(name)\"") }
    return value
  }

  /// A member that is text.
  package mutating func text(_ name: String) throws(JSONError) -> String {
    guard let text = try value(name).text else { throw wrong(name, "text") }
    return text
  }

  /// A member that is text, nil where absent.
  package mutating func optionalText(_ name: String) throws(JSONError) -> String? {
    guard let value = take(name) else { return nil }
    guard let text = value.text else { throw wrong(name, "text") }
    return text
  }

  /// A member that is one of a few words, nil where absent.
  package mutating func optionalChoice<Choice: RawRepresentable<String> & CaseIterable>(
    _ name: String
  ) throws(JSONError) -> Choice? {
    guard let text = try optionalText(name) else { return nil }
    guard let choice = Choice(rawValue: text) else {
      throw wrong(name, "one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return choice
  }

  /// A member that is an integer, ±(2^53 − 1) at most.
  package mutating func integer(_ name: String) throws(JSONError) -> Int64 {
    try integer(try value(name), name)
  }

  /// A member that is an integer, ±(2^53 − 1) at most; nil where absent.
  package mutating func optionalInteger(_ name: String) throws(JSONError) -> Int64? {
    guard let value = take(name) else { return nil }
    return try integer(value, name)
  }

  /// An integer that has canonical bytes of its own, RFC 8785 §3.2.2.3: ±(2^53 − 1) at most.
  private func integer(_ value: JSON, _ name: String) throws(JSONError) -> Int64 {
    guard let integer = value.integer, integer.magnitude < 1 << 53 else {
      throw wrong(name, "an integer up to 2^53 - 1")
    }
    return integer
  }

  /// A member that is true or false.
  package mutating func flag(_ name: String) throws(JSONError) -> Bool {
    guard let flag = try value(name).flag else { throw wrong(name, "true or false") }
    return flag
  }

  /// A member that is a list.
  package mutating func elements(_ name: String) throws(JSONError) -> [JSON] {
    guard let elements = try value(name).elements else { throw wrong(name, "a list") }
    return elements
  }

  /// A member that is a list of texts.
  package mutating func texts(_ name: String) throws(JSONError) -> [String] {
    var texts: [String] = []
    for element in try elements(name) {
      guard let text = element.text else { throw wrong(name, "a list of texts") }
      texts.append(text)
    }
    return texts
  }

  /// Names and texts in canonical order.
  package mutating func table(_ name: String) throws(JSONError) -> [String: String] {
    guard let members = try value(name).members else { throw wrong(name, "an object") }
    var table: [String: String] = [:]
    for member in members {
      guard let text = member.value.text else { throw wrong(name, "an object of texts") }
      guard table.updateValue(text, forKey: member.name) == nil else {
        throw wrong(name, "free of names in two spellings")
      }
    }
    return table
  }

  /// A member that is a SHA-256 digest, 64 hexadecimal digits.
  package mutating func digest(_ name: String) throws(JSONError) -> Digest {
    guard let digest = Digest(hex: try text(name)) else { throw wrong(name, "a SHA-256 digest") }
    return digest
  }

  /// A member that is a job id.
  package mutating func job(_ name: String) throws(JSONError) -> JobID {
    guard let job = JobID(try text(name)) else { throw wrong(name, "a job id") }
    return job
  }

  /// Micro-credits, written as decimal text.
  package mutating func credits(_ name: String) throws(JSONError) -> Credits {
    guard let credits = Credits(microText: try text(name)) else {
      throw wrong(name, "micro-credits as decimal text")
    }
    return credits
  }

  /// Checks that the member `schema` is this one.
  package mutating func schema(_ expected: String) throws(JSONError) {
    let found = try text("schema")
    if found != expected { throw JSONError("schema is \"\(found)\", expected \"\(expected)\"") }
  }

  /// The names of what was not taken, sorted.
  package var left: [String] { values.keys.sorted() }

  /// Refuses what was not taken.
  package func end() throws(JSONError) {
    if let name = left.first {
      throw JSONError("\(subject) has an unknown member \"\(name)\"")
    }
  }

  private func wrong(_ name: String, _ expected: String) -> JSONError {
    JSONError("\"\(name)\" of \(subject) is not \(expected)")
  }
}

extension JSON {
  /// A table of texts, sorted by name.
  package static func table(_ table: [String: String]) -> JSON {
    .object(table.sorted { $0.key < $1.key }.map { Member($0.key, .string($0.value)) })
  }

  /// A list of texts.
  package static func texts(_ texts: [String]) -> JSON { .array(texts.map { .string($0) }) }
}
