/// The names under which pytest reports the tests of a file, read from the text.
enum PythonTests {
  /// One test: the class, where it is in one, and the function.
  struct Name: Hashable {
    let type: String?
    let function: String
  }

  /// The tests of a file in the order in which they stand, each once. Collected are functions
  /// `test…`, and the methods `test…` of classes that derive from TestCase or are called `Test…`
  /// (pytest's default rules).
  /// - Throws: where names come from a decorator, so that the text does not tell them.
  static func names(in source: String, file: String) throws(ImportError) -> [Name] {
    var names: [Name] = []
    var seen: Set<Name> = []
    var type: String?
    var bodyIndent: Int?
    for statement in PythonText.statements(of: source) {
      if statement.text.hasPrefix("@"), statement.text.contains("parametrize") {
        throw ImportError("test names that a decorator makes", at: file)
      }
      if statement.indent == 0 {
        type = collectedType(statement)
        bodyIndent = nil
      } else if type != nil, bodyIndent == nil {
        bodyIndent = statement.indent
      }
      guard let function = statement.defines("def"), function.hasPrefix("test") else { continue }
      let isMethod = type != nil && statement.indent == bodyIndent
      guard statement.indent == 0 || isMethod else { continue }
      let name = Name(type: isMethod ? type : nil, function: function)
      if seen.insert(name).inserted { names.append(name) }
    }
    return names
  }

  private static func collectedType(_ statement: PythonStatement) -> String? {
    guard let name = statement.defines("class") else { return nil }
    let isCollected = name.hasPrefix("Test") || statement.text.contains("TestCase")
    return isCollected ? name : nil
  }
}
