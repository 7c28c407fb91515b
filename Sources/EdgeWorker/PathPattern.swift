/// A pattern of paths: `*` and `?` match inside one component, `**` any number of components.
struct PathPattern: Hashable, Sendable {
  private let components: [[UInt8]]

  init(_ text: String) {
    components = text.split(separator: "/").map { Array($0.utf8) }
  }

  func matches(_ path: String) -> Bool {
    let path = path.split(separator: "/").map { Array($0.utf8) }
    return PathPattern.match(components[...], path[...])
  }

  /// Linear in the path for each `**`, of which a pattern has few.
  private static func match(_ pattern: ArraySlice<[UInt8]>, _ path: ArraySlice<[UInt8]>) -> Bool {
    guard let first = pattern.first else { return path.isEmpty }
    if first == Array("**".utf8) {
      return (path.startIndex...path.endIndex).contains {
        match(pattern.dropFirst(), path[$0...])
      }
    }
    guard let name = path.first, component(first, name) else { return false }
    return match(pattern.dropFirst(), path.dropFirst())
  }

  /// One component; remembers the last star instead of recursing.
  private static func component(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
    var (p, n) = (0, 0)
    var star: (pattern: Int, name: Int)?
    while n < name.count {
      if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
        star = (p, n)
        p += 1
      } else if p < pattern.count, pattern[p] == UInt8(ascii: "?") || pattern[p] == name[n] {
        p += 1
        n += 1
      } else if let last = star {
        star = (last.pattern, last.name + 1)
        p = last.pattern + 1
        n = last.name + 1
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
