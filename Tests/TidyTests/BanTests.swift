import Testing

@Suite struct BanTests {
  @Test func nothingBannedStandsInTheTree() {
    let scripts = Repository.files.filter { $0.isIn("scripts") || $0.isIn(".ci") }
    let findings = (Repository.swift + Repository.c + scripts).flatMap(Ban.findings)
    #expect(findings.isEmpty, "\(findings.report)")
  }

  private func findings(_ text: String, _ path: String = "Sources/EdgeSpool/A.swift") -> [Finding] {
    Ban.findings(in: SourceFile(path: path, text: text))
  }

  /// Each ban, planted where it holds.
  @Test func everyBanIsFound() {
    for ban in Ban.all {
      let path = ["EdgeSpool", "EdgeLedger"].map { "Sources/\($0)/A.swift" }.first {
        ban.applies(SourceFile(path: $0, text: ""))
      }
      guard let path else {
        Issue.record("the ban on \(ban.text) holds nowhere")
        continue
      }
      #expect(findings("  let a = b + \(ban.text) 1", path).count >= 1, "\(ban.text)")
      #expect(findings("  // \(ban.text)", path).isEmpty, "\(ban.text) in a comment")
      #expect(findings("let a = \"\(ban.text)\"", path).isEmpty, "\(ban.text) in a string")
      #expect(
        findings("let a = \"\\(\(ban.text) b))\"", path).count >= 1, "\(ban.text) inside \\()")
      #expect(findings("let a = x\(ban.text)x", path).isEmpty || !ban.text.starts(with: "p"))
    }
  }

  @Test(arguments: Ban.marks)
  func everyMarkIsFound(mark: String) {
    #expect(findings("// \(mark): later").count == 1)
    #expect(findings("# \(mark)\n", "scripts/build").count == 1)
    #expect(findings("let a = \"\(mark)\"").count == 1)
    #expect(findings("let a\(mark)a = 1").isEmpty)
  }

  @Test func aBanHoldsOnlyWhereItApplies() {
    #expect(findings("print(a)", "Sources/EdgeReport/A.swift").isEmpty)
    #expect(findings("print(a)", "Tests/EdgeSpoolTests/A.swift").isEmpty)
    #expect(findings("clock_gettime(a)", "Sources/EdgeSystem/Clocks.swift").isEmpty)
    #expect(findings("let a: Double", "Sources/EdgeReport/A.swift").isEmpty)
    #expect(findings("let a: Double", "Sources/EdgeJob/Receipt.swift").count == 1)
    #expect(findings("sprint(a)").isEmpty)
    #expect(findings("republic(a)").isEmpty)
  }
}

@Suite struct SwiftTextTests {
  @Test func commentsAndStringsAreBlanked() {
    let cases = [
      ("a // b", "a     "), ("a /* b /* c */ d */ e", "a                   e"),
      ("\"a\" b", "\" \" b"), ("#\"a\"b\"# c", "#\"   \"# c"),
      ("\"\\(a + \"b\")c\" d", "\" (a + \" \") \" d"),
      ("\"\"\"\n a \" b\n\"\"\" c", "\"\"\"\n      \n\"\"\" c"), ("\"a\\\"b\" c", "\"    \" c"),
      ("#\"\\(a) \\#(b)\"#", "#\"       (b)\"#"),
    ]
    for (text, code) in cases { #expect(SwiftText(text).code == code, "\(text)") }
  }

  @Test func lineBreaksStay() {
    for file in Repository.swift {
      let lines = file.swift.codeLines.count
      #expect(lines == file.lines.count, "\(file.path)")
    }
  }

  @Test func bracesBalanceInEveryFile() {
    for file in Repository.swift {
      var depth = 0
      for byte in file.swift.code.utf8 {
        if byte == UInt8(ascii: "{") { depth += 1 }
        if byte == UInt8(ascii: "}") { depth -= 1 }
      }
      #expect(depth == 0, "\(file.path): the scanner lost its way")
    }
  }
}
