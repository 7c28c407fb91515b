import Testing

@Suite struct TreeTests {
  @Test func namesComeFromTheGlossary() {
    let findings = Repository.files.flatMap(TreeRules.names)
    #expect(findings.isEmpty, "\(findings.report)")
  }

  @Test func noFileIsAPlaceholder() {
    let findings = Repository.files.flatMap(TreeRules.placeholders)
    #expect(findings.isEmpty, "\(findings.report)")
  }

  @Test func noPathOfOneMachineStandsInTheTree() {
    let findings = Repository.files.flatMap(TreeRules.machine)
    #expect(findings.isEmpty, "\(findings.report)")
  }

  @Test func everyDeclarationForOtherModulesIsExplained() {
    let findings = Repository.swift.flatMap { Declarations($0).withoutDocumentation }
    #expect(findings.isEmpty, "\(findings.report)")
  }

  @Test(.enabled(if: Tool("git rev-parse --git-dir").status == 0, "this tree is no git checkout"))
  func noBuildOutputIsTracked() {
    let tracked = Tool("git ls-files").lines
    let findings = TreeRules.buildOutput(tracked)
    #expect(findings.isEmpty, "\(findings.report)")
  }

  private func file(_ path: String, _ text: String = "let a = 1\n") -> SourceFile {
    SourceFile(path: path, text: text)
  }

  @Test(arguments: ["PathUtils", "Common", "LeaseManager", "TestHelper", "JobPayload", "Wallet"])
  func aNameFromOutsideTheGlossaryIsFound(name: String) {
    #expect(TreeRules.names(file("Sources/EdgeSpool/\(name).swift")).count == 1)
  }

  @Test func goodNamesPass() {
    for name in ["Lease", "Claim", "Receipt", "Nodejs", "Parking"] {
      #expect(TreeRules.names(file("Sources/EdgeSpool/\(name).swift")).isEmpty)
    }
  }

  @Test func aPlaceholderIsFound() {
    #expect(TreeRules.placeholders(file("Sources/A/Placeholder.swift")).count == 1)
    #expect(TreeRules.placeholders(file("Sources/A/B.swift", "// only words\n")).count == 1)
    #expect(TreeRules.placeholders(file("Sources/A/B.swift", "import Glibc\n\n")).count == 1)
    #expect(TreeRules.placeholders(file("Sources/A/B.swift")).isEmpty)
  }

  @Test(arguments: TreeRules.machineTexts)
  func aPathOfOneMachineIsFound(text: String) {
    #expect(TreeRules.machine(file("scripts/a", "echo \(text)x\n")).count == 1)
  }

  @Test func trackedBuildOutputIsFound() {
    let tracked: [Substring] = [
      ".build/debug/a", "Sources/A/.build-x/b", "Package.resolved", "a.o", "t/__pycache__/a",
    ]
    #expect(TreeRules.buildOutput(tracked).count == 5)
    #expect(TreeRules.buildOutput(["Sources/A/B.swift", ".ci/run"]).isEmpty)
  }

  @Test(arguments: [
    "package let a = 1", "  package static func f() {}", "package enum E {}", "package init?(a: B)",
    "@frozen package struct S {}", "package var a: Int { 1 }", "package extension A {}",
    "package let bytes: Int64", "package var a: String { b }",
  ])
  func aDeclarationWithoutCommentIsFound(line: String) {
    let bare = Declarations(file("Sources/A/B.swift", line))
    #expect(bare.withoutDocumentation.count == 1)
    let explained = Declarations(file("Sources/A/B.swift", "/// What.\n@attribute\n\(line)"))
    #expect(explained.withoutDocumentation.isEmpty)
  }

  @Test func whatNeedsNoCommentIsNotFound() {
    for line in [
      "package import EdgeJob", "  package var json: JSON {", "// package let a", "let package = 1",
      "  package init(a: Int) {}", "  package let job: JobID", "  package var names: [String]",
    ] {
      #expect(Declarations(file("Sources/A/B.swift", line)).withoutDocumentation.isEmpty, "\(line)")
    }
  }
}
