internal import EdgeJob
internal import EdgeSystem

/// One line of a JSON-lines file, decoded.
struct JSONRecord {
  let json: JSON
  /// `FILE:LINE`, for messages.
  let place: String

  /// The text of a member.
  func text(_ name: String) throws(ImportError) -> String {
    guard let text = json[name]?.text else {
      throw ImportError("the member \"\(name)\" is not text", at: place)
    }
    return text
  }

  /// The texts of a list; an absent list is empty.
  func texts(_ name: String) throws(ImportError) -> [String] {
    guard let value = json[name] else { return [] }
    guard let elements = value.elements else {
      throw ImportError("the member \"\(name)\" is not a list", at: place)
    }
    var texts: [String] = []
    for element in elements {
      guard let text = element.text else {
        throw ImportError("the member \"\(name)\" is not a list of texts", at: place)
      }
      texts.append(text)
    }
    return texts
  }
}

/// Reads a file of one JSON object for each line.
enum JSONLines {
  /// The largest file that is read, bytes.
  static let fileBytesMax = 256 << 20
  /// The longest line that is read, bytes.
  static let lineBytesMax = 1 << 20
  /// The most lines that are read.
  static let linesMax = 100_000

  /// All records, in the order of the file; empty lines are skipped.
  static func read(_ path: String) throws(ImportError) -> [JSONRecord] {
    try records(of: try bytes(path), named: lastComponent(path))
  }

  /// The records of bytes that are already read.
  static func records(of bytes: [UInt8], named name: String) throws(ImportError) -> [JSONRecord] {
    var records: [JSONRecord] = []
    var start = 0
    var number = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
      number += 1
      let place = "\(name):\(number)"
      if number > linesMax { throw ImportError("more than \(linesMax) lines", at: place) }
      if end - start > lineBytesMax {
        throw ImportError("a line of more than \(lineBytesMax) bytes", at: place)
      }
      let line = bytes[start..<end]
      start = end + 1
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
      do {
        let json = try JSON.parse(line)
        guard json.members != nil else { throw JSONError("no object") }
        records.append(JSONRecord(json: json, place: place))
      } catch {
        throw ImportError("\(error)", at: place, hint: "Expected one JSON object for each line.")
      }
    }
    if records.isEmpty { throw ImportError("no records", at: name) }
    return records
  }

  private static func bytes(_ path: String) throws(ImportError) -> [UInt8] {
    do {
      let directory = try Directory(path: parent(path))
      return try directory.read(lastComponent(path), atMost: fileBytesMax)
    } catch {
      throw ImportError(
        "cannot be read: \(error)", at: path, hint: "Name the collection's .jsonl file.")
    }
  }
}

/// The directory part of a path, `.` where there is none.
func parent(_ path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// The last part of a path, without slashes at its end.
func lastComponent(_ path: String) -> String {
  path.split(separator: "/").last.map(String.init) ?? path
}
