import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

@testable import EdgeSandbox

/// Any bytes as a launch plan: libFuzzer looks for some that pass the check and lead astray.
struct PlanFuzzTests {
  /// The compiler that comes with Swift has libFuzzer and the address sanitizer.
  private static let compiler: String? = {
    guard let swift = programPath("swift") else { return programPath("clang") }
    let clang = String(swift.dropLast(5)) + "clang"
    return access(clang, X_OK) == 0 ? clang : programPath("clang")
  }()

  /// Builds the target; nil where this compiler cannot.
  private static func build(_ folder: String, _ flags: [String]) -> String? {
    guard let compiler else { return nil }
    let root = RepositoryRoot.path
    let output = folder + "/fuzz"
    let result = try? runProgram(
      compiler,
      ["-O1", "-fsanitize=fuzzer,address", "-I\(root)/Sources/CJailPlan/include"] + flags + [
        "\(root)/Tests/EdgeSandboxTests/Fuzz/plan.c", "\(root)/Sources/CJailPlan/CJailPlan.c",
        "-o", output,
      ], environment: ["PATH=/usr/local/bin:/usr/bin:/bin"])
    return result?.status == 0 ? output : nil
  }

  private func run(_ flags: [String], runs: Int) throws -> ProgramResult? {
    let folder = TemporaryDirectory()
    guard let program = PlanFuzzTests.build(folder.path, flags) else { return nil }
    return try runProgram(
      program,
      [
        "-seed=1", "-runs=\(runs)", "-max_len=4096", "-len_control=0", "-verbosity=0",
        "-artifact_prefix=\(folder.path)/",
      ], environment: ["ASAN_OPTIONS=detect_leaks=0", "PATH=/usr/bin:/bin"])
  }

  @Test func noPlanThatPassesLeadsAstray() throws {
    let runs = environmentVariable("EDGECODER_FUZZ_RUNS").flatMap { Int($0) } ?? 200_000
    guard let result = try run([], runs: runs) else { return }
    #expect(result.status == 0, "\(String(decoding: result.stderr.suffix(3000), as: UTF8.self))")
  }

  /// Without the check the same bytes are read beyond their end.
  @Test func withoutTheCheckItIsFound() throws {
    guard let result = try run(["-DTRUSTING"], runs: 1_000_000) else { return }
    #expect(result.status != 0)
    #expect(String(decoding: result.stderr, as: UTF8.self).contains("AddressSanitizer"))
  }

  /// The other direction: whatever comes out of a jail is a record, or garbled.
  @Test func noRecordCrashesTheReader() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      var bytes = Random.bytes(Int(random.next() % 400))
      if bytes.count >= 16, random.next() % 4 != 0 {
        bytes.replaceSubrange(0..<4, with: [0x45, 0x4A, 0x43, 0x52])
        bytes.replaceSubrange(4..<6, with: [UInt8(random.next() % 8), 0])
        let length = UInt32(bytes.count - 16)
        withUnsafeBytes(of: length.littleEndian) { bytes.replaceSubrange(12..<16, with: $0) }
      }
      var records = Records()
      records.take(bytes, -1)
      #expect(records.denied.count <= bytes.count)
    }
  }
}
