import Testing

/// `swift format lint` with the rules of `.swift-format`.
enum Format {
  static func lint(_ paths: String) -> Tool {
    Tool("swift format lint --strict --parallel --recursive --configuration .swift-format \(paths)")
  }

  /// The same rules, but a test may unwrap by force: it then fails where it stands.
  static func lintTests(_ paths: String) -> Tool {
    Tool(
      """
      sed -e 's/"NeverForceUnwrap" : true/"NeverForceUnwrap" : false/' \
      -e 's/"NeverForceUnwrap": true/"NeverForceUnwrap": false/' .swift-format > '\(paths).json' &&
      swift format lint --strict --parallel --recursive --configuration '\(paths).json' Tests
      """)
  }
}

@Suite struct FormatTests {
  @Test func sourcesAreFormatted() {
    let lint = Format.lint("Sources Package.swift")
    #expect(lint.status == 0, "\(lint.output)")
  }

  @Test func testsAreFormatted() {
    let lint = PlantedFolder.lend { Format.lintTests("\($0.path)/tests") }
    #expect(lint.status == 0, "\(lint.output)")
  }

  @Test(arguments: [
    ("let a=1\n", "Spacing"), ("func a() {\n    b()\n}\n", "Indentation"),
    ("let a = b!\n", "NeverForceUnwrap"), ("let a = try! b()\n", "NeverUseForceTry"),
    ("let a = 1;\n", "DoNotUseSemicolons"),
    ("let a = \"\(String(repeating: "b", count: 99))\" + c\n", "LineLength"),
  ])
  func badFormIsFound(text: String, rule: String) {
    let lint = PlantedFolder.lend { Format.lint($0.plant("Planted.swift", text)) }
    #expect(lint.status != 0)
    #expect(lint.output.contains("[\(rule)]"), "\(lint.output)")
  }

  @Test func goodFormIsNotFound() {
    let lint = PlantedFolder.lend { Format.lint($0.plant("Planted.swift", "let a = 1\n")) }
    #expect(lint.status == 0, "\(lint.output)")
  }
}
