internal import EdgeJob
internal import EdgeSystem

/// Profiles as files: finds them, and resolves `extends`.
enum ProfileFile {
  static let bytesMax = 1 << 20
  static let depthMax = 4

  /// The profile with everything that it inherits, without `extends`, and with the groups that its
  /// grants stand for.
  static func resolve(_ name: String, directory: String?) throws(LaunchFailure) -> JSON {
    try resolve(try read(name, directory: directory), name) { (parent) throws(LaunchFailure) in
      try read(parent, directory: directory)
    }
  }

  /// As `resolve`, of a file anywhere: what it extends lies beside it, or is one of the program's.
  static func resolve(_ json: JSON, path: String) throws(LaunchFailure) -> JSON {
    let folder = folder(of: path)
    return try resolve(try embed(json, folder: folder), path) { (parent) throws(LaunchFailure) in
      do throws(LaunchFailure) { return try read(parent, directory: folder) } catch {
        if error.errno != 2 { throw error }
      }
      return try read(parent, directory: nil)
    }
  }

  private static func resolve(
    _ json: JSON, _ name: String, _ inherit: (String) throws(LaunchFailure) -> JSON
  ) throws(LaunchFailure) -> JSON {
    var json = json
    var depth = 0
    while let parent = json["extends"]?.text {
      depth += 1
      if depth > depthMax { throw failure(name, "extends more than \(depthMax) others") }
      json = merge(try inherit(parent), without(json, "extends"))
    }
    return ProfileSeccomp.granted(json)
  }

  /// The bytes of a file anywhere, at most `bytesMax`.
  static func contents(_ path: String) throws(LaunchFailure) -> JSON {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    do {
      let bytes = try Directory(path: folder(of: path)).read(name, atMost: bytesMax)
      do { return try JSON.parse(bytes) } catch { throw failure(path, error.description) }
    } catch let error as SystemError {
      throw LaunchFailure(stage: "profile", errno: error.errno, subject: error.subject)
    } catch let error as LaunchFailure {
      throw error
    } catch {
      throw failure(path, "\(error)")
    }
  }

  private static func folder(of path: String) -> String {
    guard let cut = path.lastIndex(of: "/") else { return "." }
    return cut == path.startIndex ? "/" : String(path[..<cut])
  }

  private static func read(_ name: String, directory: String?) throws(LaunchFailure) -> JSON {
    let letters = name.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x2D }
    guard letters, !name.isEmpty else { throw failure(name, "no name of a profile") }
    var folder = directory
    if folder == nil {
      do throws(SystemError) {
        let path = try Executable.part("sandbox-profiles/\(name).json")
        folder = self.folder(of: path)
      } catch {
        throw LaunchFailure(
          stage: "profile", errno: error.errno, subject: "\(name), \(error.subject)",
          hint: "Profiles lie in sandbox-profiles beside the program.")
      }
    }
    let place = folder ?? "."
    return try embed(try contents("\(place)/\(name).json"), folder: place)
  }

  /// Puts the document that `seccomp.file` names into the profile, so that the digest covers it.
  private static func embed(_ json: JSON, folder: String) throws(LaunchFailure) -> JSON {
    guard let file = json["seccomp"]?["file"] else { return json }
    let name = file.text ?? ""
    guard name.hasSuffix(".json"), !name.hasPrefix("."), !name.contains("/") else {
      throw failure(name, "\"file\" of seccomp is no name of a JSON file beside the profile")
    }
    let document = try contents("\(folder)/\(name)")
    guard case .object(let members) = json else { return json }
    return .object(
      members.map { member in
        guard member.name == "seccomp" else { return member }
        let own = (member.value.members ?? []).filter { $0.name != "document" }
        return JSON.Member("seccomp", .object(own + [JSON.Member("document", document)]))
      })
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
        guard let value = child[member.name] else { return member }
        // A document of others stands alone: nothing of an inherited list is mixed into it.
        if member.name == "seccomp", value["file"] != nil { return JSON.Member("seccomp", value) }
        return JSON.Member(member.name, merge(member.value, value))
      }
      members += new.filter { parent[$0.name] == nil }
      return .object(members)
    case (.array(let old), .array(let new)): return .array(old + new)
    default: return child
    }
  }
}
