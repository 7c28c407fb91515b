import EdgeArchive
import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Archives that unpack to far more than they are. They are refused early, in little memory.
@Suite(.serialized) struct BombTests {
  private let place = TemporaryDirectory()

  /// The most memory that this process ever had, bytes.
  private func peak() -> Int {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    return usage.ru_maxrss * 1024
  }

  /// Expects a refusal within seconds, without the memory that the content would take.
  private func expectBomb(_ path: String, _ reason: String) throws {
    let file = try opened(path)
    let start = Clocks.bootNanoseconds()
    var said: String?
    do { _ = try inspectTask(file.raw) } catch { said = error.reason }
    let seconds = (Clocks.bootNanoseconds() - start) / 1_000_000_000
    #expect(said?.contains(reason) == true, "said \(said ?? "nothing")")
    #expect(seconds < 20)
    #expect(peak() < 1 << 30)
    let site = try Site()
    #expect(throws: UnpackError.self) { try site.unpack(file.raw) }
    let written = try tool("du", ["-sk", site.root.path])
    let kilobytes = Int(String(decoding: written.prefix { $0 != 9 }, as: UTF8.self)) ?? .max
    #expect(kilobytes < 1_200_000)
  }

  /// A tar whose only further member is as large as it says.
  private func head(_ size: Int64) throws -> String {
    var tar = TarBytes()
    tar.file("task.toml", runTOML)
    var header = TarBytes.Header("source/zeros")
    header.size = size
    tar.raw(header.block)
    return try place.write("head", tar.bytes)
  }

  private func compress(_ pipe: String, to name: String) throws -> String {
    let path = place.path(name)
    try tool("/bin/sh", ["-c", "\(pipe) > \"$0\"", path])
    return path
  }

  /// 10 GiB of zeros behind an honest header, in less than 1 MiB.
  @Test func tenGigabytesInZstd() throws {
    let head = try head(10 << 30)
    let zeros = "head -c 10737418240 /dev/zero"
    let path = try compress("{ cat \(head); \(zeros); } | zstd -q -1 -c", to: "a.tar.zst")
    #expect(try opened(path).status().size < 1 << 21)
    try expectBomb(path, "larger than")
  }

  /// The same bytes hidden behind the end, where no header gives a size.
  @Test func zerosBehindTheEnd() throws {
    var tar = TarBytes()
    tar.file("task.toml", runTOML)
    tar.end()
    let path = try place.write("end", tar.bytes)
    let zeros = "head -c 2147483648 /dev/zero"
    try expectBomb(
      try compress("{ cat \(path); \(zeros); } | zstd -q -1 -c", to: "b.tar.zst"),
      "too many zeros follow")
  }

  /// Half a GiB is within the limit of one file, but not what a small archive may turn into.
  @Test(arguments: ["zstd -q -1", "gzip -1", "xz -0"])
  func ratio(compressor: String) throws {
    let head = try head(512 << 20)
    let zeros = "head -c 536870912 /dev/zero"
    try expectBomb(
      try compress("{ cat \(head); \(zeros); } | \(compressor) -c", to: "c"), "too much for")
  }

  @Test func compressedTwice() throws {
    let tar = TarBytes.task { $0.file("source/x", "x") }
    let path = try place.write("once.tar", tar)
    for pipe in [
      "gzip -c \(path) | gzip -c", "zstd -q -c \(path) | zstd -q -c", "xz -c \(path) | gzip -c",
      "gzip -c \(path) | zstd -q -c", "xz -c \(path) | xz -c",
    ] {
      let bomb = try compress(pipe, to: "twice")
      let file = try opened(bomb)
      #expect(throws: Refusal.self, "\(pipe)") { try inspectTask(file.raw) }
    }
  }

  @Test func trailingBytes() throws {
    let tar = TarBytes.task { $0.file("source/x", "x") }
    let path = try place.write("once.tar", tar)
    for compressor in ["gzip", "xz", "zstd -q"] {
      let good = try compress("\(compressor) -c \(path)", to: "good")
      let bytes = try place.read("good")
      #expect(try refusal(bytes) == nil, "\(good) by \(compressor)")
      #expect(try refusal(bytes + Array("trailing".utf8)) != nil, "\(compressor)")
      #expect(try refusal(Array(bytes.dropLast(9))) != nil, "\(compressor) truncated")
      #expect(try refusal(bytes + bytes) != nil, "\(compressor) twice")
    }
  }
}
