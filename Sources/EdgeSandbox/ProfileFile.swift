internal import EdgeJob
internal import EdgeSystem

/// Profiles as files: finds them, and resolves `extends`.
enum ProfileFile {
  static let bytesMax = 1 << 20
  static let depthMax = 4

  /// The profile with everything that it inherits, and without `extends`.
  static func resolve(_ name: String, directory: String?) throws(LaunchFailure) -> JSON {
    var json = try read(name, directory: directory)
    var depth = 0
    while let parent = json["extends"]?.text {
      depth += 1
      if depth > depthMax { throw failure(name, "extends more than \(depthMax) others") }
      json = merge(try read(parent, directory: directory), without(json, "extends"))
    }
    return json
  }

  private static func read(_ name: String, directory: String?) throws(LaunchFailure) -> JSON {
    let letters = name.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x2D }
    guard letters, !name.isEmpty else { throw failure(name, "no name of a profile") }
    do {
      let folder: String
      if let directory {
        folder = directory
      } else {
        let path = try Executable.part("sandbox-profiles/\(name).json")
        folder = String(path.prefix(path.utf8.count - name.utf8.count - 6))
      }
      let bytes = try Directory(path: folder).read("\(name).json", atMost: bytesMax)
      do { return try JSON.parse(bytes) } catch { throw failure(name, error.description) }
    } catch let error as SystemError {
      throw LaunchFailure(
        stage: "profile", errno: error.errno, subject: "\(name), \(error.subject)",
        hint: "Profiles lie in sandbox-profiles beside the program.")
    } catch let error as LaunchFailure {
      throw error
    } catch {
      throw failure(name, "\(error)")
    }
  }

  private static func failure(_ name: String, _ problem: String) -> LaunchFailure {
    LaunchFailure(stage: "profile", errno: 0, subject: "\(name): \(problem)")
  }

  private static func without(_ json: JSON, _ name: String) -> JSON {
    .object((json.members ?? []).filter { $0.name != name })
  }

  /// The child's members win; objects are merged, lists are joined, the parent's first.
  private static func merge(_ parent: JSON, _ child: JSON) -> JSON {
    switch (parent, child) {
    case (.object(let old), .object(let new)):
      var members = old.map { member in
        JSON.Member(member.name, child[member.name].map { merge(member.value, $0) } ?? member.value)
      }
      members += new.filter { parent[$0.name] == nil }
      return .object(members)
    case (.array(let old), .array(let new)): return .array(old + new)
    default: return child
    }
  }
}
