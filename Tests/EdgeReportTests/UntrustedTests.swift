import EdgeReport
import EdgeTestSupport
import Testing

/// What a task writes cannot act on a terminal.
struct UntrustedTests {
  @Test(arguments: [
    ("plain é 😀\ttab\n", "plain é 😀\ttab\n"),
    ("\u{1B}[31mred\u{1B}[0m", "red"), ("\u{1B}[2J\u{1B}[H", ""), ("a\u{1B}[?25lb", "ab"),
    ("\u{1B}]0;title\u{7}x", "x"), ("\u{1B}]8;;http://x\u{1B}\\link\u{1B}]8;;\u{1B}\\", "link"),
    ("\u{1B}P1$r\u{1B}\\x", "x"), ("\u{1B}(Bx", "x"), ("\u{1B}cx", "x"), ("\u{9B}31mx", "x"),
    ("\u{9D}0;t\u{9C}x", "x"), ("\u{1B}_hidden\u{1B}\\x", "x"),
    // What does not end is shown, or it would swallow what follows.
    ("\u{1B}]0;title\nnext", "\\x1B]0;title\nnext"), ("\u{1B}[31", "\\x1B[31"), ("\u{1B}", "\\x1B"),
    ("\u{1B}[3\u{1B}[31mx", "\\x1B[3x"), ("\u{1B}]0;a\u{1B}[31mb", "\\x1B]0;ab"),
    ("bell\u{7}", "bell\\x07"), ("back\u{8}\u{7F}", "back\\x08\\x7F"), ("nul\0", "nul\\x00"),
    ("a\r\nb\rc", "a\nb\nc"), ("\u{85}", "\\x85"),
    ("\u{202E}evil\u{2066}", "\\u{202E}evil\\u{2066}"), ("\u{200F}\u{61C}", "\\u{200F}\\u{61C}"),
    ("\u{FEFF}\u{200B}", "\\u{FEFF}\\u{200B}"), ("\u{2028}", "\\u{2028}"),
    ("\u{E0041}", "\\u{E0041}"), ("\u{FFFF}", "\\u{FFFF}"),
    ("👩\u{200D}💻 e\u{301}", "👩\u{200D}💻 e\u{301}"),
  ])
  func shows(text: String, shown: String) {
    #expect(Untrusted.text(text) == shown)
  }

  @Test(
    arguments: [
      ([0xFF], "\\xFF"), ([0x61, 0xC3], "a\\xC3"), ([0xC0, 0xAF], "\\xC0\\xAF"),
      ([0xED, 0xA0, 0x80], "\\xED\\xA0\\x80"), ([0xC3, 0xA9], "é"),
      ([0xEF, 0xB7, 0x90], "\\u{FDD0}"),
      ([0x9B, 0x33, 0x31, 0x6D], "\\x9B31m"),
      ([0xF4, 0x90, 0x80, 0x80], "\\xF4\\x90\\x80\\x80"),
    ] as [([UInt8], String)])
  func showsBytesThatAreNoText(bytes: [UInt8], shown: String) {
    #expect(Untrusted.text(bytes) == shown)
  }

  /// Nothing that comes out is a control character but line ends and tabs, whatever goes in, and a
  /// second pass finds nothing left to do.
  @Test(arguments: Seed.some(300))
  func leavesNoControls(seed: Seed) {
    var random = SplitMix64(seed)
    let parts: [[UInt8]] = [
      [0x1B], [0x1B, 0x5B], [0x1B, 0x5D], [0x9B], [0xC2, 0x9B], [0x07], [0x1B, 0x5C],
      Array("31m".utf8),
      Array("0;t".utf8), [0x0D], [0x0A], Array("\u{202E}".utf8), Array("é".utf8), [0xC3],
    ]
    var bytes: [UInt8] = []
    for _ in 0..<random.number(0...60) {
      bytes += random.once(in: 3) ? random.bytes(3) : random.one(of: parts)
    }
    let shown = Untrusted.text(bytes)
    for scalar in shown.unicodeScalars {
      #expect(scalar == "\n" || scalar == "\t" || scalar.value >= 0x20, "\(scalar.value)")
      #expect(!(0x7F..<0xA0).contains(scalar.value))
      #expect(
        scalar == "\u{200C}" || scalar == "\u{200D}" || scalar.properties.generalCategory != .format
      )
    }
    #expect(Untrusted.text(shown) == shown)
    #expect(!Untrusted.line(shown).contains("\n"))
  }

  @Test
  func cutsLines() {
    #expect(Untrusted.line("a\nb\tc") == "a\\nb c")
    #expect(Untrusted.line("abcdef", atMost: 4) == "abc…")
    #expect(Untrusted.line("abcd", atMost: 4) == "abcd")
    #expect(Untrusted.line(String(repeating: "x", count: 5000)).count == 1000)
  }

  @Test
  func isLinear() {
    // Many sequences that never end must not make it look far ahead again and again.
    for (start, shown) in [("\u{1B}]", "\\x1B]"), ("\u{9D}", "\\x9D"), ("\u{9B}", "\\x9B")] {
      let text = String(repeating: start, count: 50_000)
      #expect(Untrusted.text(text) == String(repeating: shown, count: 50_000))
    }
  }
}
