import EdgeJob
import EdgeReport
import EdgeTestSupport
import Testing

struct AmountTests {
  @Test(arguments: [
    (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1535, "1.4 KiB"), (1536, "1.5 KiB"),
    (1_048_575, "1023.9 KiB"), (1 << 20, "1.0 MiB"), (3 << 30, "3.0 GiB"), (-2048, "-2.0 KiB"),
    (Int64.max, "7.9 EiB"), (Int64.min, "-8.0 EiB"),
  ])
  func bytes(number: Int64, text: String) {
    #expect(Amount.bytes(number) == text)
  }

  @Test(
    arguments: [
      (0, "0 ms"), (999, "999 ms"), (1000, "1.0 s"), (59_999, "59.9 s"), (60_000, "1 m 00 s"),
      (125_000, "2 m 05 s"), (3_600_000, "1 h 00 m"), (27_000_000, "7 h 30 m"),
      (86_400_000, "1 d 00 h"), (-1500, "-1.5 s"),
    ] as [(Int64, String)])
  func durations(number: Int64, text: String) {
    #expect(Amount.duration(number) == text)
  }

  @Test
  func machineForms() {
    #expect(Amount.seconds(12) == "0.012")
    #expect(Amount.seconds(-61_005) == "-61.005")
    #expect(Amount.credits(Credits(micro: 1_500_000)) == "1.500000")
    #expect(Amount.credits(Credits(micro: -1)) == "-0.000001")
    #expect(Amount.count(1, "job") == "1 job")
    #expect(Amount.count(0, "job") == "0 jobs")
  }

  @Test(arguments: Seed.some(50))
  func creditsLoseNothing(seed: Seed) {
    var random = SplitMix64(seed)
    let credits = Credits(micro: random.number(0...Int64.max))
    #expect(Credits(decimal: Amount.credits(credits)) == credits)
  }
}

struct ErrorTextTests {
  @Test
  func hasFourLinesAtMost() {
    let error = ErrorText("it broke", place: "spool/x", why: "a\nb\u{1B}[2J", next: "try again")
    #expect(error.text() == "error: it broke\n  where: spool/x\n  why: a\\nb\n  next: try again\n")
    #expect(ErrorText("it broke", place: "", why: nil).text() == "error: it broke\n")
    #expect(ErrorText("x").text(Style(colour: true)) == "\u{1B}[31merror:\u{1B}[0m x\n")
  }
}

struct ColourTests {
  @Test(
    arguments: [
      (ColourChoice.auto, true, [:], true), (.auto, false, [:], false),
      (.auto, true, ["NO_COLOR": "1"], false), (.auto, true, ["NO_COLOR": ""], true),
      (.auto, true, ["TERM": "dumb"], false), (.auto, false, ["CLICOLOR_FORCE": "1"], true),
      (.auto, false, ["CLICOLOR_FORCE": "0"], false),
      (.auto, false, ["CLICOLOR_FORCE": "1", "NO_COLOR": "1"], false),
      (.always, false, ["NO_COLOR": "1"], true), (.never, true, ["CLICOLOR_FORCE": "1"], false),
    ] as [(ColourChoice, Bool, [String: String], Bool)])
  func isChosen(choice: ColourChoice, isTerminal: Bool, environment: [String: String], isOn: Bool) {
    #expect(choice.isOn(isTerminal: isTerminal, environment: environment) == isOn)
  }
}
