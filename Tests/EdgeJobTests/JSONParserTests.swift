import EdgeJob
import EdgeTestSupport
import Testing

/// The reader takes RFC 8259 and nothing more.
struct JSONParserTests {
  @Test(arguments: [
    "", " ", "{", "}", "[", "]", "[1,]", "[,1]", "{\"a\":1,}", "{a:1}", "{'a':1}", "{\"a\" 1}",
    "{\"a\":1 \"b\":2}", "nul", "True", "NaN", "Infinity", "-Infinity", "-", "+1", ".5", "1.",
    "01", "-01", "1e", "1e+", "0x10", "1_000", "\"", "\"a", "\"\\\"", "\"\\x41\"", "\"\\u12\"",
    "\"\\u12G4\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800x\"", "\"\n\"",
    "\"\t\"", "1 2", "{} {}", "[1] x", "/**/1", "1//", "\u{FEFF}1", "1e400", "-1e400", "\u{A0}1",
    "\"\\uＦＦＦＦ\"", "{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":2}", "\u{0}", "1\u{0}",
  ])
  func refuses(text: String) {
    #expect(throws: JSONError.self) { try JSON.parse(text.utf8) }
  }

  @Test(
    arguments: [
      [0xFF], [0x22, 0x80, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
      [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], [0x22, 0xC3, 0x22], [0xFF, 0xFE, 0x31, 0x00],
    ] as [[UInt8]])
  func refusesWhatIsNotUTF8(bytes: [UInt8]) {
    #expect(throws: JSONError.self) { try JSON.parse(bytes) }
  }

  @Test
  func reads() throws {
    let text =
      " {\"a\" : [ 1 , -2.5e1 , true,false , null ] ,\"\\u00e9\\ud83d\\ude00\":\"\\/\\n\"}\r\n"
    let expected: JSON = .object([
      JSON.Member("a", [1, .number(-25), true, false, .null]), JSON.Member("é😀", "/\n"),
    ])
    #expect(try JSON.parse(text.utf8) == expected)
  }

  @Test
  func keepsIntegersThatFit() throws {
    #expect(try JSON.parse("9223372036854775807".utf8) == .int(.max))
    #expect(try JSON.parse("-9223372036854775808".utf8) == .int(.min))
    #expect(try JSON.parse("9223372036854775808".utf8) == .number(9_223_372_036_854_775_808))
    #expect(try JSON.parse("-0".utf8).canonicalText == "0")
    #expect(try JSON.parse("1.0".utf8).canonicalText == "1")
  }

  @Test
  func keepsSpellingsApart() throws {
    // The same letter twice for Swift, but not the same bytes.
    let json = try JSON.parse("{\"é\":1,\"e\u{301}\":2}".utf8)
    #expect(json.members?.count == 2)
    // A table cannot hold both, and dropping one silently would change what is signed.
    #expect(throws: JSONError.self) { _ = try Fields(json, of: "test") }
    let outer: JSON = ["table": ["é": "1", "e\u{301}": "2"]]
    var fields = try Fields(outer, of: "test")
    #expect(throws: JSONError.self) { try fields.table("table") }
  }

  /// Small objects are compared by pairs, larger ones as a set.
  @Test(arguments: [2, 15, 16, 17, 18, 40])
  func noNameOccursTwice(count: Int) throws {
    let names = (0..<count).map { "\"n\($0)\":0" }
    func document(_ names: [String]) -> [UInt8] { Array("{\(names.joined(separator: ","))}".utf8) }
    #expect(try JSON.parse(document(names)).members?.count == count)
    for place in 0..<count {
      var changed = names
      changed[place] = names[place == 0 ? count - 1 : 0]
      #expect(throws: JSONError.self) { _ = try JSON.parse(document(changed)) }
    }
  }

  @Test
  func limitsTheDepth() throws {
    let deep = { (count: Int) in
      String(repeating: "[", count: count) + String(repeating: "]", count: count)
    }
    _ = try JSON.parse(deep(JSON.depthMax + 1).utf8)
    #expect(throws: JSONError.self) { try JSON.parse(deep(JSON.depthMax + 2).utf8) }
    #expect(throws: JSONError.self) { try JSON.parse(deep(1_000_000).utf8) }
    let objects = String(repeating: "{\"a\":", count: 100_000)
    #expect(throws: JSONError.self) { try JSON.parse(objects.utf8) }
  }

  @Test
  func namesThePlaceOfAnError() {
    #expect(throws: JSONError("expected ':'", at: 5)) { try JSON.parse("{\"a\" 1}".utf8) }
  }

  @Test
  func fieldsRefuseIntegersWithoutCanonicalBytes() throws {
    let most = Int64(1) << 53 - 1
    var fields = try Fields(["a": .int(most), "b": .int(most + 1), "c": .int(-most - 1)], of: "x")
    #expect(try fields.integer("a") == most)
    #expect(throws: JSONError.self) { try fields.integer("b") }
    #expect(throws: JSONError.self) { try fields.optionalInteger("c") }
  }

  @Test(arguments: Seed.some(200))
  func survivesAnyBytes(seed: Seed) {
    var random = SplitMix64(seed)
    let bytes = mutated(random.json(depth: 4).canonical, &random)
    guard let json = try? JSON.parse(bytes) else { return }
    let canonical = json.canonical
    #expect((try? JSON.parse(canonical))?.canonical == canonical)
  }

  /// Another reader, made strict, takes exactly the same documents.
  @Test(.program("python3"))
  func agreesWithAnotherReader() throws {
    var random = SplitMix64(seed: 8259)
    var documents: [[UInt8]] = []
    for _ in 0..<4000 { documents.append(mutated(random.json(depth: 3).canonical, &random)) }
    let lines = documents.map { Hex.text($0) + "\n" }.joined()
    let result = try Python.run(Self.strictReader, input: Array(lines.utf8))
    #expect(result.status == 0, "\(result.errors)")
    let answers = result.output.split(separator: "\n")
    #expect(answers.count == documents.count)
    for (bytes, answer) in zip(documents, answers) {
      let isTaken = (try? JSON.parse(bytes)) != nil
      #expect(isTaken == (answer == "yes"), "\(String(decoding: bytes, as: UTF8.self))")
    }
    // The comparison means something only where both answers occur.
    #expect(Set(answers) == ["yes", "no"])
  }

  private func mutated(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
    var bytes = bytes
    let tokens = ["\"", "\\", "{", "}", "[", "]", ",", ":", "0", "-", "e", ".", "\\u", "null", " "]
    for _ in 0..<random.number(0...3) {
      let place = random.number(0...bytes.count)
      switch random.number(0...3) {
      case 0 where place < bytes.count: bytes[place] ^= 1 << random.number(0...7)
      case 1 where place < bytes.count: bytes.remove(at: place)
      case 2: bytes.insert(contentsOf: Array(random.one(of: tokens).utf8), at: place)
      default: if random.once(in: 3) { bytes = Array(bytes.prefix(place)) }
      }
    }
    return bytes
  }

  private static let strictReader = """
    import json, sys
    sys.setrecursionlimit(100000)
    def pairs(items):
        if len({k for k, _ in items}) != len(items): raise ValueError
        return dict(items)
    def refuse(_): raise ValueError
    def number(text):
        value = float(text)
        if value in (float('inf'), float('-inf')): raise ValueError
        return value
    def check(value, depth):
        if depth > 64: raise ValueError
        if isinstance(value, str): value.encode()
        for inner in value if isinstance(value, list) else []: check(inner, depth + 1)
        for key, inner in value.items() if isinstance(value, dict) else []:
            key.encode(); check(inner, depth + 1)
    for line in sys.stdin:
        try:
            text = bytes.fromhex(line).decode()
            check(json.loads(text, object_pairs_hook=pairs, parse_constant=refuse,
                             parse_float=number, parse_int=number), 0)
            print('yes')
        except ValueError: print('no')
    """
}
