import EdgeJob
import EdgeTestSupport
import Testing

/// RFC 8785, checked with its author's vectors and with an ECMAScript engine.
struct CanonicalJSONTests {
  static let vectors = ["arrays", "french", "structures", "unicode", "values", "weird"]

  @Test(.sharedData("jcs"), arguments: vectors)
  func givesTheBytesOfTheVector(name: String) throws {
    let folder = try #require(SharedData.folder("jcs"))
    let input = try contents("\(folder)/input/\(name).json")
    let output = try contents("\(folder)/output/\(name).json")
    #expect(try JSON.parse(input).canonical == output)
    // Canonical bytes are a fixed point.
    #expect(try JSON.parse(output).canonical == output)
    let hex = String(decoding: try contents("\(folder)/outhex/\(name).txt"), as: UTF8.self)
    #expect(Hex.bytes(hex.filter { !$0.isWhitespace }) == output)
  }

  @Test(arguments: [
    ("0", "0"), ("-0.0", "0"), ("1", "1"), ("-1", "-1"), ("0.1", "0.1"), ("1e21", "1e+21"),
    ("999999999999999900000", "999999999999999900000"), ("1e-6", "0.000001"), ("1e-7", "1e-7"),
    ("5e-324", "5e-324"), ("1.7976931348623157e308", "1.7976931348623157e+308"),
    ("9007199254740992", "9007199254740992"), ("295147905179352830000", "295147905179352830000"),
    ("123.456", "123.456"), ("1.5e300", "1.5e+300"), ("333333333.33333329", "333333333.3333333"),
  ])
  func writesNumbersAsECMAScriptDoes(number: String, text: String) throws {
    #expect(JSON.number(try #require(Double(number))).canonicalText == text)
  }

  @Test(.program("node"))
  func agreesWithAnECMAScriptEngine() throws {
    var random = SplitMix64(seed: 8785)
    var numbers: [Double] = []
    while numbers.count < 20_000 {
      let number =
        random.once(in: 2)
        ? Double(bitPattern: random.next())
        : Double(random.number(Int64.min...Int64.max)) / 1000
      if number.isFinite { numbers.append(number) }
    }
    let script = """
      const lines = require('fs').readFileSync(0, 'utf8').trim().split('\\n');
      const view = new DataView(new ArrayBuffer(8));
      console.log(lines.map(line => {
        view.setBigUint64(0, BigInt(line));
        return JSON.stringify(view.getFloat64(0));
      }).join('\\n'));
      """
    let input = numbers.map { "\($0.bitPattern)\n" }.joined()
    let result = try runProgram("node", ["-e", script], input: Array(input.utf8))
    #expect(result.status == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n")
    #expect(lines.count == numbers.count)
    for (number, line) in zip(numbers, lines) where JSON.number(number).canonicalText != line {
      Issue.record("\(number.bitPattern): \(JSON.number(number).canonicalText), not \(line)")
    }
  }

  @Test
  func sortsNamesByTheirUTF16Units() {
    // U+1F600 is written with a surrogate pair, which sorts before U+FB33; by scalars it is after.
    let json: JSON = ["\u{FB33}": 1, "\u{1F600}": 2, "\u{20}": 3, "": 4, "é": 5, "e\u{301}": 6]
    #expect(
      json.canonicalText == "{\"\":4,\" \":3,\"e\u{301}\":6,\"é\":5,\"\u{1F600}\":2,\"\u{FB33}\":1}"
    )
  }

  @Test
  func escapesOnlyWhatMustBeEscaped() {
    let json: JSON = "\u{0}\u{8}\t\n\u{B}\u{C}\r\u{1F}\"\\/\u{7F}\u{2028}é"
    #expect(
      json.canonicalText
        == "\"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\\\"\\\\/\u{7F}\u{2028}é\"")
  }

  private func contents(_ path: String) throws -> [UInt8] {
    let result = try runProgram("/bin/cat", [path])
    try #require(result.status == 0)
    return result.stdout
  }
}
