import EdgeJob
import EdgeTestSupport
import Testing

@testable import EdgeSandbox

/// Whatever stands in a document, reading it, judging it and compiling it ends with an answer.
struct MutatedDocumentTests {
  private static let pieces: [String] = [
    "0", "-1", "1", "38", "4294967296", "9223372036854775807", "-9223372036854775808", "1e19",
    "null", "[]", "{}", "true", "\"\"", #""SCMP_CMP_NE""#, #""SCMP_CMP_LT""#, #""SCMP_CMP_GE""#,
    #""SCMP_CMP_MASKED_EQ""#, #""SCMP_ACT_ERRNO""#, #""SCMP_ACT_KILL""#, #""SCMP_ACT_ALLOW""#,
    #"["socket"]"#, #"["mmap", "mmap"]"#, #""99999999999999999999.1""#,
  ]

  private func document(_ random: inout SplitMix64) -> String {
    func piece() -> String {
      MutatedDocumentTests.pieces[Int(random.next() % UInt64(MutatedDocumentTests.pieces.count))]
    }
    func one(of common: String) -> String { random.once(in: 40) ? piece() : common }
    func object(_ members: [(String, String)]) -> String {
      let texts = members.map { name, value in "\"" + name + "\": " + one(of: value) }
      return "{" + texts.joined(separator: ",") + "}"
    }
    func list(_ elements: [String]) -> String { "[" + elements.joined(separator: ",") + "]" }
    func comparison() -> String {
      let name = random.one(of: ["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"])
      let value = random.one(of: ["0", "1", "38", "4294967295", "4294967296", "-1"])
      let index = String(random.number(0...5))
      return object([
        ("index", index), ("value", value), ("valueTwo", value),
        ("op", "\"SCMP_CMP_" + name + "\""),
      ])
    }
    let groups = (0..<random.number(1...4)).map { _ in
      let name = random.one(of: ["socket", "mmap", "clone", "prctl", "read", "mknod"])
      let arguments = (0..<random.number(0...3)).map { _ in comparison() }
      let kernel = object([("minKernel", "\"99.1\"")])
      return object([
        ("names", list(["\"" + name + "\""])), ("action", #""SCMP_ACT_ALLOW""#), ("errnoRet", "1"),
        ("args", list(arguments)), ("includes", "{}"), ("excludes", kernel),
      ])
    }
    return object([
      ("defaultAction", #""SCMP_ACT_ERRNO""#), ("archMap", "[]"), ("syscalls", list(groups)),
    ])
  }

  @Test(arguments: Seed.some(6)) func everyDocumentHasAnAnswer(seed: Seed) throws {
    var random = SplitMix64(seed)
    var compiled = 0
    for _ in 0..<150 {
      let text = document(&random)
      guard let json = try? JSON.parse(Array(text.utf8)),
        let policy = try? NamedPolicy.document(json, "mutated")
      else { continue }
      _ = policy.lint()
      guard
        let filter = try? SeccompFilter.make(policy.policy, reporting: false, cache: nil)
      else { continue }
      compiled += 1
      // What compiles means what its rules say.
      let found = try CallClasses(policy.policy).disagreements(
        try SeccompProgram(filter.instructions), reporting: false, atMost: 1)
      #expect(found.isEmpty, "\(found) \(text)")
    }
    #expect(compiled > 15, "\(compiled)")
  }
}
