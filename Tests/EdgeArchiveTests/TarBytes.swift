/// Writes tar archives byte by byte, so that tests can say everything that no honest writer says.
struct TarBytes {
  private(set) var bytes: [UInt8] = []

  /// One header block.
  struct Header {
    var name: [UInt8]
    var kind: UInt8 = UInt8(ascii: "0")
    var mode: Int64 = 0o644
    var size: Int64 = 0
    var target: [UInt8] = []
    var prefix: [UInt8] = []
    var magic: [UInt8] = Array("ustar\u{0}00".utf8)
    /// Replaces the field of the size as it is.
    var rawSize: [UInt8]?
    var rawMode: [UInt8]?
    var uid: [UInt8]?
    var checksumError: Int = 0

    init(_ name: String, kind: Character = "0") {
      self.name = Array(name.utf8)
      self.kind = kind.asciiValue ?? 0
    }

    var block: [UInt8] {
      var block = [UInt8](repeating: 0, count: 512)
      func put(_ bytes: [UInt8], _ offset: Int, _ most: Int) {
        for (index, byte) in bytes.prefix(most).enumerated() { block[offset + index] = byte }
      }
      put(name, 0, 100)
      put(rawMode ?? octal(mode, 7), 100, 8)
      put(uid ?? octal(0, 7), 108, 8)
      put(octal(0, 7), 116, 8)
      put(rawSize ?? octal(size, 11), 124, 12)
      put(octal(1_700_000_000, 11), 136, 12)
      put([kind], 156, 1)
      put(target, 157, 100)
      put(magic, 257, 8)
      put(prefix, 345, 155)
      put(Array("        ".utf8), 148, 8)
      let sum = block.reduce(checksumError) { $0 + Int($1) }
      put(octal(Int64(sum), 6) + [0, 0x20], 148, 8)
      return block
    }

    private func octal(_ number: Int64, _ digits: Int) -> [UInt8] {
      let text = String(number, radix: 8)
      return Array((String(repeating: "0", count: max(0, digits - text.count)) + text).utf8)
    }
  }

  mutating func raw(_ more: [UInt8]) { bytes += more }

  /// A header and its content, padded; the size in the header is that of the content unless it was
  /// set to something else.
  mutating func member(_ header: Header, _ content: [UInt8] = []) {
    var header = header
    if header.size == 0 { header.size = Int64(content.count) }
    bytes += header.block
    bytes += content + [UInt8](repeating: 0, count: -content.count & 511)
  }

  mutating func file(_ name: String, _ text: String, mode: Int64 = 0o644) {
    var header = Header(name)
    header.mode = mode
    member(header, Array(text.utf8))
  }

  mutating func directory(_ name: String) {
    var header = Header(name, kind: "5")
    header.mode = 0o755
    member(header)
  }

  mutating func link(_ name: String, to target: String, kind: Character = "2") {
    var header = Header(name, kind: kind)
    header.target = Array(target.utf8)
    member(header)
  }

  /// A pax header with these records; `kind` g makes a global one.
  mutating func pax(_ records: [(String, String)], kind: Character = "x") {
    var body: [UInt8] = []
    for (key, value) in records {
      let rest = key.utf8.count + value.utf8.count + 3
      var length = rest + 1
      while "\(length)".utf8.count + rest != length { length = "\(length)".utf8.count + rest }
      body += Array("\(length) \(key)=\(value)\n".utf8)
    }
    member(Header("PaxHeaders/x", kind: kind), body)
  }

  /// A GNU long name (kind L) or long link target (kind K).
  mutating func long(_ text: String, kind: Character) {
    member(Header("././@LongLink", kind: kind), Array(text.utf8) + [0])
  }

  /// The two blocks of zeros at the end.
  mutating func end() { bytes += [UInt8](repeating: 0, count: 1024) }

  /// A whole archive: an honest task with further members.
  static func task(_ body: (inout TarBytes) -> Void) -> [UInt8] {
    var tar = TarBytes()
    tar.file("task.toml", runTOML)
    body(&tar)
    tar.end()
    return tar.bytes
  }
}

/// The smallest honest task.
let runTOML = """
  [edgecoder]
  format = 1
  kind = "run"
  language = "shell"
  command = ["true"]

  """
