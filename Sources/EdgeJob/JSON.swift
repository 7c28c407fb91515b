/// A JSON value. Object members keep the order in which they were written or read.
///
/// `number` exists only so that RFC 8785 vectors can be checked; our own documents hold integers
/// and decimal text.
package indirect enum JSON: Hashable, Sendable {
  case null
  case bool(Bool)
  case int(Int64)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([Member])

  /// One name and its value inside an object.
  package struct Member: Hashable, Sendable {
    package let name: String
    package let value: JSON

    package init(_ name: String, _ value: JSON) {
      self.name = name
      self.value = value
    }
  }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int64) { self = .int(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(arrayLiteral elements: JSON...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, JSON)...) {
    self = .object(elements.map { Member($0.0, $0.1) })
  }
}

extension JSON {
  /// An object without the members whose value is nil.
  package static func members(_ members: [(String, JSON?)]) -> JSON {
    .object(members.compactMap { name, value in value.map { Member(name, $0) } })
  }

  /// The member of that name, or nil where this is no object or has no such member.
  package subscript(name: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  /// The text, or nil where this is no string.
  package var text: String? { if case .string(let text) = self { text } else { nil } }

  /// The integer, or nil where this is no integer.
  package var integer: Int64? { if case .int(let integer) = self { integer } else { nil } }

  /// The truth value, or nil where this is none.
  package var flag: Bool? { if case .bool(let flag) = self { flag } else { nil } }

  /// The elements, or nil where this is no array.
  package var elements: [JSON]? { if case .array(let elements) = self { elements } else { nil } }

  /// The members, or nil where this is no object.
  package var members: [Member]? { if case .object(let members) = self { members } else { nil } }
}
