import Testing

@Suite struct SizeTests {
  @Test func noSourceFileIsTooLong() {
    let findings = (Repository.swift + Repository.c).flatMap(SizeRules.findings)
    #expect(findings.isEmpty, "\(findings.report)")
  }

  @Test func frontPagesAreShort() {
    let pages = ["README.md", "CHANGELOG.md"].compactMap { name in
      Repository.files.first { $0.path == name }
    }
    #expect(pages.count == 2, "README.md and CHANGELOG.md stand in the root")
    let findings = pages.flatMap(SizeRules.frontPage)
    #expect(findings.isEmpty, "\(findings.report)")
  }

  @Test func theTreeIsRead() {
    #expect(Repository.swift.count > 30)
    #expect(Repository.c.count > 3)
    #expect(Repository.swift.contains { $0.path == "Package.swift" })
    #expect(Repository.swift.contains { $0.path == "Tests/TidyTests/SizeTests.swift" })
  }

  private func file(_ lines: [String], _ path: String = "Sources/EdgeJob/A.swift") -> SourceFile {
    SourceFile(path: path, text: lines.joined(separator: "\n") + "\n")
  }

  @Test func aLongFileIsFound() {
    #expect(SizeRules.findings(in: file(Array(repeating: "//", count: 500))).isEmpty)
    #expect(SizeRules.findings(in: file(Array(repeating: "//", count: 501))).count == 1)
  }

  @Test func aLongLineIsFound() {
    #expect(SizeRules.findings(in: file([String(repeating: "ä", count: 100)])).isEmpty)
    #expect(SizeRules.findings(in: file([String(repeating: "ä", count: 101)])).count == 1)
  }

  @Test(arguments: [
    "func f() {", "init(a: Int) {", "deinit {", "subscript(a: Int) -> Int {", "var a: Int {",
    "  package static func f(\n    a: Int,\n    b: Int\n  ) throws(E) -> Int {",
    "  package func f()\n    throws(E) -> Int\n  {", "@Test(arguments: [1]) func f(a: Int) {",
  ])
  func aLongFunctionIsFound(opening: String) {
    let head = opening.split(separator: "\n").count
    let fits = [opening] + Array(repeating: "  _ = \"}\"", count: 69 - head) + ["}"]
    #expect(SizeRules.findings(in: file(fits)).isEmpty)
    let isTooLong = [opening] + Array(repeating: "  _ = \"}\"", count: 70 - head) + ["}"]
    #expect(SizeRules.findings(in: file(isTooLong)).count == 1)
  }

  @Test func requirementsAndCallsHaveNoBody() {
    let lines =
      ["protocol P {", "  func f(a: Int) -> Int", "  var a: Int { get }", "}", "struct S {"]
      + Array(repeating: "  let a = T.init(1)", count: 90) + ["}"]
    #expect(SizeRules.findings(in: file(lines)).isEmpty)
  }

  @Test func aLongFunctionInCIsFound() {
    let fits = ["static int f(int a) {"] + Array(repeating: "  a++;", count: 68) + ["}"]
    #expect(SizeRules.findings(in: file(fits, "Sources/CLinux/a.c")).isEmpty)
    let isTooLong = ["static int f(int a) {"] + Array(repeating: "  a++;", count: 69) + ["}"]
    #expect(SizeRules.findings(in: file(isTooLong, "Sources/CLinux/a.c")).count == 1)
  }

  @Test func aLongFrontPageIsFound() {
    #expect(SizeRules.frontPage(file(Array(repeating: "-", count: 199), "README.md")).isEmpty)
    #expect(SizeRules.frontPage(file(Array(repeating: "-", count: 201), "README.md")).count == 1)
  }
}
