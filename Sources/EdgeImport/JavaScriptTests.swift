/// The titles under which a jest-style runner reports the tests of a file, read from the text.
enum JavaScriptTests {
  /// One test.
  struct Name: Hashable {
    /// The titles of the enclosing `describe` calls and of the test, outermost first.
    let titles: [String]
    /// True for `test.skip` and the like: upstream never runs it. Tests that are merely put off
    /// (`xtest`) are not meant.
    let isSkipped: Bool
  }

  private static let groups: Set<String> = ["describe", "xdescribe", "fdescribe"]
  private static let tests: Set<String> = ["test", "it", "xtest", "xit", "ftest", "fit"]

  /// The tests of a file, in the order in which they stand.
  /// - Throws: where a title is computed, so that the text does not tell it.
  static func names(in source: String, file: String) throws(ImportError) -> [Name] {
    let tokens = JavaScriptTokens.tokens(of: source)
    var names: [Name] = []
    var open: [(title: String, depth: Int, isSkipped: Bool)] = []
    var depth = 0
    var index = 0
    while index < tokens.count {
      defer { index += 1 }
      switch tokens[index] {
      case .mark(UInt8(ascii: "(")): depth += 1
      case .mark(UInt8(ascii: ")")):
        depth -= 1
        if let last = open.last, last.depth == depth { open.removeLast() }
      case .name(let word) where groups.contains(word) || tests.contains(word):
        guard let call = try call(at: index, of: tokens, file: file) else { continue }
        index = call.next - 1
        let isSkipped = call.isSkipped || open.contains(where: \.isSkipped)
        if groups.contains(word) {
          open.append((call.title, depth, isSkipped))
          depth += 1
        } else {
          names.append(Name(titles: open.map(\.title) + [call.title], isSkipped: isSkipped))
          depth += 1
        }
      default: break
      }
    }
    return names
  }

  private struct Call {
    let title: String
    let isSkipped: Bool
    /// The index of the word after the title.
    let next: Int
  }

  /// The call of a test function at a word, or nil where the word is no call.
  private static func call(at start: Int, of tokens: [JavaScriptToken], file: String)
    throws(ImportError) -> Call?
  {
    func token(_ index: Int) -> JavaScriptToken? { index < tokens.count ? tokens[index] : nil }
    if start > 0, tokens[start - 1] == .mark(UInt8(ascii: ".")) { return nil }
    var index = start + 1
    var isSkipped = false
    while token(index) == .mark(UInt8(ascii: ".")), case .name(let word)? = token(index + 1) {
      if word == "each" { throw ImportError("test titles that `each` makes", at: file) }
      if word == "skip" || word == "todo" { isSkipped = true }
      index += 2
    }
    guard token(index) == .mark(UInt8(ascii: "(")) else { return nil }
    guard case .text(var title)? = token(index + 1) else {
      throw ImportError("a computed test title", at: file)
    }
    index += 2
    while token(index) == .mark(UInt8(ascii: "+")), case .text(let more)? = token(index + 1) {
      title += more
      index += 2
    }
    guard token(index) == .mark(UInt8(ascii: ",")) || token(index) == .mark(UInt8(ascii: ")"))
    else { throw ImportError("a computed test title", at: file) }
    return Call(title: title, isSkipped: isSkipped, next: index)
  }
}
