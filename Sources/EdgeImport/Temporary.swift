internal import EdgeArchive
internal import EdgeJob

func readTOML(_ bytes: [UInt8], file: String) throws(ManifestError) -> JSON {
  var tables: [(String, [JSON.Member])] = [("", [])]
  for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
    if line.hasPrefix("[") {
      tables.append((String(line.dropFirst().dropLast()), []))
      continue
    }
    guard let eq = line.firstIndex(of: "=") else { continue }
    let key = line[..<eq].trimmed
    let value = line[line.index(after: eq)...].trimmed.replacing(",]", with: "]")
    guard let json = try? JSON.parse(Array(value.utf8)) else {
      throw ManifestError(file: file, line: 1, problem: "bad \(value)")
    }
    tables[tables.count - 1].1.append(JSON.Member(key, json))
  }
  var top = tables[0].1
  for (name, members) in tables.dropFirst() {
    let parts = name.split(separator: ".").map(String.init)
    if parts.count == 1 {
      top.append(JSON.Member(name, .object(members)))
    } else {
      if let i = top.firstIndex(where: { $0.name == parts[0] }) {
        top[i] = JSON.Member(
          parts[0],
          .object((top[i].value.members ?? []) + [JSON.Member(parts[1], .object(members))]))
      } else {
        top.append(JSON.Member(parts[0], .object([JSON.Member(parts[1], .object(members))])))
      }
    }
  }
  return .object(top)
}
extension Substring {
  var trimmed: String { String(self.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}
