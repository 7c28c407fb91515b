import Glibc
import Testing

/// What the dynamic linker would do with a program: nothing, for one that stands alone.
enum LinkRecord {
  static func findings(_ path: String) -> [Finding] {
    let dynamic = Tool("readelf --wide --dynamic '\(path)'")
    let segments = Tool("readelf --wide --program-headers '\(path)'")
    guard dynamic.status == 0, segments.status == 0, segments.output.contains("LOAD") else {
      return [Finding(path, "readelf cannot read it: \(dynamic.output)\(segments.output)")]
    }
    var found: [Finding] = []
    for word in ["(NEEDED)", "(RUNPATH)", "(RPATH)", "(TEXTREL)"]
    where dynamic.output.contains(word) {
      let lines = dynamic.lines.filter { $0.contains(word) }
      found.append(Finding(path, "\(word): \(lines.joined(separator: "; "))"))
    }
    if segments.output.contains("INTERP") {
      found.append(Finding(path, "INTERP: another program starts it"))
    }
    if segments.lines.contains(where: { $0.contains("GNU_STACK") && $0.contains("RWE") }) {
      found.append(Finding(path, "GNU_STACK: its stack is executable"))
    }
    return found
  }

  /// The jail that was built with these tests: beside the test bundle, or in a build folder above.
  static let jail: String? = {
    var folders = ["\(Repository.root)/.build/debug"]
    var own = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &own, own.count - 1)
    let executable = String(
      decoding: own[..<max(0, count)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    for argument in CommandLine.arguments + [executable] where argument.contains("/") {
      var parts = argument.split(separator: "/", omittingEmptySubsequences: false)
      while parts.popLast() != nil, parts.count > 1 {
        folders.insert(parts.joined(separator: "/"), at: folders.count - 1)
      }
    }
    return folders.map { "\($0)/edgecoder-jail" }.first { access($0, X_OK) == 0 }
  }()
}

@Suite struct JailTests {
  @Test func theJailStandsAlone() throws {
    let jail = try #require(LinkRecord.jail, "edgecoder-jail was not built beside these tests")
    let findings = LinkRecord.findings(jail)
    #expect(findings.isEmpty, "\(findings.report)")
    // The C library's start would cost more than the rest of a launch.
    let symbols = Tool("nm '\(jail)'").output
    #expect(symbols.contains(" T main") && !symbols.contains("__libc_start_main"))
  }

  @Test func aProgramThatDoesNotIsFound() {
    let messages = LinkRecord.findings("/bin/true").map(\.message)
    #expect(messages.contains { $0.hasPrefix("(NEEDED)") })
    #expect(messages.contains { $0.hasPrefix("INTERP") })
    #expect(LinkRecord.findings("/etc/passwd").count == 1)
    #expect(LinkRecord.findings("/nowhere").count == 1)
  }
}
