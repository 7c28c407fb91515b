/// A random generator that always gives the same numbers for the same seed: SplitMix64 (Steele,
/// Lea and Flood, 2014).
package struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package init(_ seed: Seed) { state = seed.number }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}

/// The seed of one random walk. As the argument of a parameterised test it is printed with every
/// failure: `@Test(arguments: Seed.some(20)) func walk(seed: Seed)`.
package struct Seed: Hashable, Sendable, CustomStringConvertible {
  /// What the generator starts from.
  package let number: UInt64

  package init(_ number: UInt64) { self.number = number }

  package var description: String { "seed \(number), again with EDGECODER_SEED=\(number)" }

  /// Seeds from 1 on, or from the number in the environment variable `EDGECODER_SEED`; with that
  /// variable the first one is the one to look at.
  package static func some(_ count: Int) -> [Seed] {
    let first = environmentVariable("EDGECODER_SEED").flatMap { UInt64($0) } ?? 1
    return (0..<UInt64(count)).map { Seed(first &+ $0) }
  }
}

extension SplitMix64 {
  /// A number of that range.
  package mutating func number(_ range: ClosedRange<Int>) -> Int {
    .random(in: range, using: &self)
  }

  /// A number of that range.
  package mutating func number(_ range: ClosedRange<Int64>) -> Int64 {
    .random(in: range, using: &self)
  }

  /// True once in `count` times.
  package mutating func once(in count: Int) -> Bool { number(1...count) == 1 }

  /// One of the elements; the collection must not be empty.
  package mutating func one<C: Collection>(of elements: C) -> C.Element {
    guard let element = elements.randomElement(using: &self) else {
      preconditionFailure("nothing to choose from")
    }
    return element
  }

  /// Random bytes.
  package mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next() >> 32) }
  }

  /// Text of 0 … `most` characters with many awkward ones: quotes, control characters, letters
  /// that need surrogate pairs, right-to-left marks.
  package mutating func text(atMost most: Int) -> String {
    let awkward: [Unicode.Scalar] = [
      "\"", "\\", "/", "\u{0}", "\u{7}", "\n", "\r", "\t", "\u{1B}", "\u{7F}", "\u{9B}", "é",
      "e", "\u{301}", "€", "\u{200F}", "\u{202E}", "\u{FEFF}", "\u{FFFD}", "\u{FFFF}", "\u{FB33}",
      "😀", "\u{10FFFF}", "<", "&", "]", ">",
    ]
    var text = String.UnicodeScalarView()
    for _ in 0..<number(0...most) {
      text.append(
        once(in: 3) ? one(of: awkward) : Unicode.Scalar(UInt8(number(0x20...0x7E))))
    }
    return String(text)
  }

  /// A name as queues, accounts and workers have them.
  package mutating func name() -> String {
    let first = Array("abcdefghijklmnopqrstuvwxyz0123456789")
    let rest = first + Array("-_.:")
    var name = String(one(of: first))
    for _ in 0..<number(0...12) { name.append(one(of: rest)) }
    return name
  }
}
