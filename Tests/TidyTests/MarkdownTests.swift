import Testing

@Suite struct MarkdownTests {
  @Test func everyPointerLeadsSomewhere() {
    #expect(Repository.markdown.count >= 8)
    let findings = Repository.markdown.flatMap { MarkdownRules.findings(in: $0) }
    #expect(findings.isEmpty, "\(findings.report)")
  }

  private func findings(_ text: String, _ path: String = "queue/README.md") -> [String] {
    let there: Set = ["queue/a.md", "README.md", "Sources/C/C.docc/Start.md", "scripts/test"]
    return MarkdownRules.findings(in: SourceFile(path: path, text: text)) { there.contains($0) }
      .map(\.message)
  }

  @Test func aDeadLinkIsFound() {
    #expect(findings("[a](a.md) [r](../README.md) [x](https://example.org/x)").isEmpty)
    #expect(findings("text [b](b.md) and [c](../c.md)").count == 2)
    #expect(findings("```\n[b](b.md)\n```\n`[b](b.md)`").isEmpty)
  }

  @Test func aDeadAnchorIsFound() {
    #expect(findings("# Who may do it\n[a](#who-may-do-it)").isEmpty)
    #expect(findings("# Who may do it\n[a](#who)").count == 1)
  }

  @Test func aDeadArticleIsFound() {
    #expect(findings("<doc:Start>", "Sources/C/C.docc/C.md").isEmpty)
    #expect(findings("<doc:Stop>", "Sources/C/C.docc/C.md").count == 1)
    #expect(findings("<doc:Start>").count == 1)
  }

  @Test func aDeadPathIsFound() {
    #expect(findings("run `scripts/test` or `scripts/NAME arg` or `ready/<queue>`").isEmpty)
    #expect(findings("run `scripts/gone`").count == 1)
  }
}
