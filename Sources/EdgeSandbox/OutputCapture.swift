internal import EdgeSystem
internal import Glibc

/// The reading end of a pipe.
struct Ear: ~Copyable {
  private var pipe: Descriptor?

  init() { pipe = nil }

  mutating func take(_ descriptor: consuming Descriptor) { pipe = consume descriptor }

  /// The number, −1 where closed; poll(2) ignores that.
  var raw: Int32 {
    switch pipe {
    case .some(let pipe): pipe.raw
    case .none: -1
    }
  }

  /// The next bytes; nil at the end, which closes it.
  mutating func hear() -> [UInt8]? {
    guard raw >= 0 else { return nil }
    let count = 1 << 16
    let from = raw
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
      length = max(0, read(from, buffer.baseAddress, count))
    }
    if bytes.isEmpty { pipe = nil }
    return bytes.isEmpty ? nil : bytes
  }
}

extension Ear {
  /// True where bytes wait in it, ioctl_tty(2), FIONREAD.
  var isWaiting: Bool {
    var count: Int32 = 0
    return raw >= 0 && ioctl(raw, UInt(FIONREAD), &count) == 0 && count > 0
  }
}

/// The first bytes of an output, and how many there were.
struct OutputCapture: ~Copyable {
  var ear = Ear()
  private(set) var bytes: [UInt8] = []
  private(set) var total: Int64 = 0
  private let kept: Int64

  init(kept: Int64) { self.kept = kept }

  /// A little too much is cut off; this much more is an attack or a mistake.
  var isFlood: Bool { total > kept * 4 + 1 << 20 }

  var dropped: Int64 { total - Int64(bytes.count) }

  mutating func hear() {
    guard let more = ear.hear() else { return }
    total += Int64(more.count)
    let room = Int(kept) - bytes.count
    if room > 0 { bytes += more.prefix(room) }
  }
}
