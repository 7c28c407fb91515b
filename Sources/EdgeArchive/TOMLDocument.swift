package import EdgeJob
internal import TOMLKit

/// Reads any TOML document, such as a `task.toml` of another format, as a JSON value: tables become
/// objects with their names sorted, dates and times become text, and so do `inf` and `nan`.
/// - Parameter file: the name for messages.
/// - Throws: where it is no TOML, larger than 256 KiB, or nested deeper than 16.
package func readTOML(_ bytes: [UInt8], file: String) throws(ManifestError) -> JSON {
  try TOMLDocument(bytes, file: file, most: ArchiveLimits.task.manifestBytes).root.json
}

/// A value of a TOML document.
indirect enum TOMLNode {
  case text(String)
  case integer(Int64)
  /// A number with a fraction or an exponent: as it is written, and as JSON.
  case decimal(String, JSON)
  case flag(Bool)
  /// A date or a time, as it is written.
  case moment(String)
  case list([TOMLNode])
  case table([(key: String, value: TOMLNode)])

  /// What it is, for messages.
  var word: String {
    switch self {
    case .text: "a text"
    case .integer: "an integer"
    case .decimal: "a number with a fraction"
    case .flag: "a truth value"
    case .moment: "a time"
    case .list: "a list"
    case .table: "a table"
    }
  }

  var json: JSON {
    switch self {
    case .text(let text), .moment(let text): .string(text)
    case .integer(let integer): .int(integer)
    case .decimal(_, let json): json
    case .flag(let flag): .bool(flag)
    case .list(let nodes): .array(nodes.map(\.json))
    case .table(let pairs): .object(pairs.map { JSON.Member($0.key, $0.value.json) })
    }
  }
}

/// A TOML document, with the line of every key.
struct TOMLDocument {
  let file: String
  let root: TOMLNode
  private let places: [[String]: TOMLScan.Place]

  init(_ bytes: [UInt8], file: String, most: Int64) throws(ManifestError) {
    let error = { (line: Int, problem: String) in
      ManifestError(file: file, line: line, problem: problem)
    }
    if bytes.count > most { throw error(1, "larger than \(most) bytes") }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw error(TOMLDocument.lineNotUTF8(bytes), "not UTF-8")
    }
    let scan: TOMLScan
    do { scan = try TOMLScan(bytes) } catch {
      throw ManifestError(
        file: file, line: error.line, problem: error.problem)
    }
    self.file = file
    places = scan.places
    do {
      root = TOMLDocument.node(try TOMLTable(string: text), [], scan.places)
    } catch let failure as TOMLParseError {
      throw error(max(1, failure.source.begin.line), MemberName.shown(failure.description))
    } catch {
      throw ManifestError(file: file, line: 1, problem: "not TOML")
    }
  }

  /// The line of a key, or of the nearest one above it.
  func line(_ path: [String]) -> Int {
    var path = path
    while !path.isEmpty {
      if let place = places[path] { return place.line }
      path.removeLast()
    }
    return 1
  }

  private static func lineNotUTF8(_ bytes: [UInt8]) -> Int {
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    let index = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil }
    return (index ?? 0) + 1
  }

  private static func node(
    _ table: TOMLTable, _ path: [String], _ places: [[String]: TOMLScan.Place]
  ) -> TOMLNode {
    .table(
      table.keys.compactMap { key in
        table[key].map { (key, node($0.tomlValue, path + [key], places)) }
      })
  }

  private static func node(
    _ value: TOMLValue, _ path: [String], _ places: [[String]: TOMLScan.Place]
  ) -> TOMLNode {
    switch value.type {
    case .string: return .text(value.string ?? "")
    case .int: return .integer(Int64(value.int ?? 0))
    case .bool: return .flag(value.bool ?? false)
    case .double:
      let raw = places[path]?.raw ?? value.debugDescription
      guard let number = value.double, number.isFinite else { return .decimal(raw, .string(raw)) }
      return .decimal(raw, .number(number))
    case .table:
      guard let table = value.table else { return .table([]) }
      return node(table, path, places)
    case .array:
      guard let array = value.array, let name = path.last else { return .list([]) }
      return .list(
        (0..<array.count).map { index in
          node(array[index].tomlValue, path.dropLast() + ["\(name)[\(index)]"], places)
        })
    case .date, .time, .dateTime: return .moment(value.debugDescription)
    }
  }
}
