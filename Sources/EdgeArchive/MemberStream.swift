internal import EdgeJob
package import EdgeSystem
internal import Glibc

/// How members travel from the process that parses an archive to the one that writes files: a head
/// of 24 bytes for each, its name and its link's target, and its content.
///
///     0 kind · 1 executable · 2-3 zero · 4-7 length of the name · 8-15 size · 16-19 length of
///     the target · 20-23 zero; numbers are little-endian
enum MemberFrame {
  static let size = 24
  static let textMax = 1 << 17

  static let kinds: [UInt8: Member.Kind] = [1: .file, 2: .directory, 3: .link]
  static let refusal: UInt8 = 0xFE
  static let end: UInt8 = 0xFF

  static func head(_ kind: UInt8, executable: Bool = false, name: Int, size: Int64, target: Int = 0)
    -> [UInt8]
  {
    var head = [kind, executable ? 1 : 0, 0, 0]
    withUnsafeBytes(of: UInt32(name).littleEndian) { head += $0 }
    withUnsafeBytes(of: size.littleEndian) { head += $0 }
    withUnsafeBytes(of: UInt32(target).littleEndian) { head += $0 }
    return head + [0, 0, 0, 0]
  }
}

/// Reads a whole archive and writes its members to a pipe; what is wrong with it goes there, too.
/// - Parameters:
///   - file: a borrowed descriptor of the archive.
///   - stream: a borrowed descriptor to write to.
/// - Throws: where the stream cannot be written.
package func streamMembers(_ file: Int32, to stream: Int32, limits: ArchiveLimits = .task)
  throws(SystemError)
{
  do {
    let reader = try openArchive(file, limits)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { buffer.deallocate() }
    while let member = try reader.next() {
      let kind = MemberFrame.kinds.first { $0.value == member.kind }?.key ?? 0
      let name = Array(member.name.utf8)
      let target = Array(member.target.utf8)
      try write(
        MemberFrame.head(
          kind, executable: member.isExecutable, name: name.count, size: member.size,
          target: target.count) + name + target, to: stream)
      guard member.kind == .file else { continue }
      while true {
        let count = try reader.read(into: buffer)
        if count == 0 { break }
        try write(buffer[..<count], to: stream)
      }
    }
    try write(MemberFrame.head(MemberFrame.end, name: 0, size: 0), to: stream)
  } catch let refusal as Refusal {
    let reason = Array(refusal.reason.utf8.prefix(4096))
    try write(
      MemberFrame.head(MemberFrame.refusal, name: reason.count, size: 0) + reason, to: stream)
  } catch let error as SystemError {
    throw error
  } catch {
    throw SystemError("write", errno: EIO, subject: "members")
  }
}

/// The other end: takes members from a process that nobody trusts, and checks them as if they came
/// from the archive itself.
final class MemberStream: MemberReader {
  private let stream: Descriptor
  private let limits: ArchiveLimits
  private let deadline: Int64
  private var buffer: [UInt8] = []
  private var start = 0
  private var remaining: Int64 = 0

  /// - Parameter milliseconds: for the whole archive.
  init(_ stream: consuming Descriptor, _ limits: ArchiveLimits, milliseconds: Int64) {
    self.stream = stream
    self.limits = limits
    deadline = Clocks.bootNanoseconds() + milliseconds * 1_000_000
  }

  func next() throws(Refusal) -> Member? {
    while remaining > 0 { _ = try take(Int(min(remaining, 1 << 16))) }
    let head = try whole(MemberFrame.size)
    func number(_ range: Range<Int>) -> UInt64 {
      head[range].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    let lengths = (Int(number(4..<8)), Int(number(16..<20)))
    guard lengths.0 <= MemberFrame.textMax, lengths.1 <= MemberFrame.textMax else {
      throw MemberStream.nonsense
    }
    let name = try whole(lengths.0)
    let target = try whole(lengths.1)
    switch head[0] {
    case MemberFrame.end: return nil
    case MemberFrame.refusal: throw Refusal(MemberName.shown(name))
    default: break
    }
    guard let kind = MemberFrame.kinds[head[0]],
      let size = Int64(exactly: number(8..<16)), kind == .file || size == 0,
      let checked = try MemberName.checked(name, limits)
    else { throw MemberStream.nonsense }
    switch kind {
    case .directory: return .directory(checked)
    case .link:
      try MemberName.checkTarget(target, of: checked, limits)
      return .link(checked, to: String(decoding: target, as: UTF8.self))
    case .file:
      remaining = size
      return .file(checked, size: size, isExecutable: head[1] != 0)
    }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(Refusal) -> Int {
    let most = Int(min(Int64(buffer.count), remaining))
    if most == 0 { return 0 }
    let bytes = try take(most)
    bytes.withUnsafeBytes { buffer.copyMemory(from: $0) }
    return bytes.count
  }

  private static let nonsense = Refusal("the process that reads the archive answers nonsense")

  private func whole(_ count: Int) throws(Refusal) -> [UInt8] {
    while buffer.count - start < count { try fill() }
    defer { start += count }
    return Array(buffer[start..<start + count])
  }

  /// Some bytes of the content, at least one.
  private func take(_ most: Int) throws(Refusal) -> ArraySlice<UInt8> {
    if buffer.count == start { try fill() }
    let count = min(most, buffer.count - start)
    defer { start += count }
    remaining -= Int64(count)
    return buffer[start..<start + count]
  }

  private func fill() throws(Refusal) {
    let left = (deadline - Clocks.bootNanoseconds()) / 1_000_000
    guard left > 0, !Poll.readable([stream.raw], milliseconds: Int32(clamping: left)).isEmpty else {
      throw Refusal("the archive took too long to read")
    }
    guard let more = stream.readSome(atMost: 1 << 16), !more.isEmpty else {
      throw Refusal("the process that reads the archive died; the archive may be an attack on it")
    }
    buffer = start == buffer.count ? more : Array(buffer[start...]) + more
    start = 0
  }
}
