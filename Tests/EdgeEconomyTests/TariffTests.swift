import EdgeEconomy
import EdgeJob
import EdgeTestSupport
import Testing

/// Prices are whole micro-credits, the same on every machine, and say what they were made of.
@Suite struct TariffTests {
  private func usage(_ milliseconds: Int64) -> Usage { Usage(cpuMilliseconds: milliseconds) }

  @Test func `one credit buys one second of CPU time`() {
    let price = Tariff.standard.price(usage: usage(1234))
    #expect(price.amount == Credits(micro: 1_234_000))
    #expect(Tariff.standard.price(usage: usage(1000)).amount == Credits(decimal: "1"))
  }

  @Test func `a verdict costs at least one micro-credit`() {
    #expect(Tariff.standard.price(usage: usage(0)).amount == Credits(micro: 1))
    #expect(Tariff.standard.price(usage: usage(-5)).amount == Credits(micro: 1))
    let free = Tariff(version: 2, microPerCPUMillisecond: 0, minimum: Credits(micro: 7))
    #expect(free.price(usage: usage(1_000_000)).amount == Credits(micro: 7))
  }

  @Test(
    arguments: [
      (1, 1, 499_999, 1), (1, 1, 500_000, 1), (3, 1, 499_999, 1), (3, 1, 500_000, 2),
      (3, 1, 833_333, 2), (3, 1, 833_334, 3), (2, 5, 1_250_000, 13), (7, 1, 1_000_000, 7),
    ] as [(Int64, Int64, Int64, Int64)])
  func `halves are rounded up`(cpu: Int64, rate: Int64, ppm: Int64, micro: Int64) {
    let tariff = Tariff(version: 1, microPerCPUMillisecond: rate, multiplierPPM: ppm)
    #expect(tariff.price(usage: usage(cpu)).amount == Credits(micro: micro))
  }

  @Test(arguments: Seed.some(20))
  func `prices agree with plain fractions`(seed: Seed) {
    var random = SplitMix64(seed)
    for _ in 0..<200 {
      let cpu = random.number(0...1 << 32 as ClosedRange<Int64>)
      let rate = random.number(0...5000 as ClosedRange<Int64>)
      let ppm = random.number(0...3_000_000 as ClosedRange<Int64>)
      let tariff = Tariff(version: 1, microPerCPUMillisecond: rate, multiplierPPM: ppm)
      let product = UInt128(cpu) * UInt128(rate) * UInt128(ppm)
      let rounded = (2 * product + 1_000_000) / 2_000_000
      let expected = max(1, min(Int64(clamping: rounded), Tariff.most))
      #expect(tariff.price(usage: usage(cpu)).amount.micro == expected)
    }
  }

  @Test(arguments: Seed.some(20))
  func `credits buy as much time as they pay for, and no more`(seed: Seed) {
    var random = SplitMix64(seed)
    for _ in 0..<200 {
      let tariff = Tariff(
        version: 1, microPerCPUMillisecond: random.number(1...5000 as ClosedRange<Int64>),
        multiplierPPM: random.number(1...3_000_000 as ClosedRange<Int64>))
      let credits = Credits(micro: random.number(1...1 << 40 as ClosedRange<Int64>))
      let time = tariff.cpuMilliseconds(for: credits)
      #expect(tariff.price(usage: usage(time)).amount <= credits)
      #expect(tariff.price(usage: usage(time + 1)).amount > credits)
    }
    #expect(Tariff.standard.cpuMilliseconds(for: Credits(micro: 999)) == 0)
    #expect(Tariff.standard.cpuMilliseconds(for: Credits(micro: 1_000)) == 1)
  }

  @Test func `no number of a task overflows a price`() {
    var manifest = TaskManifest(name: "t", kind: .verify, language: "shell", profile: "p")
    manifest.command = ["make"]
    manifest.limits.cpuMilliseconds = .max
    manifest.verifier = TaskManifest.Verifier(runner: .shell, files: [], expected: [])
    manifest.verifier?.limits.cpuMilliseconds = .max
    #expect(Tariff.standard.worstCase(manifest).amount.micro == Tariff.most)
    let dear = Tariff(
      version: 1, microPerCPUMillisecond: Tariff.most, multiplierPPM: Tariff.most)
    #expect(dear.price(usage: usage(.max)).amount.micro == Tariff.most)
  }

  @Test func `the worst case counts the phases that run`() {
    var manifest = TaskManifest(name: "t", kind: .verify, language: "shell", profile: "p")
    manifest.limits.cpuMilliseconds = 2000
    manifest.verifier = TaskManifest.Verifier(runner: .shell, files: [], expected: [])
    manifest.verifier?.limits.cpuMilliseconds = 500
    #expect(Tariff.standard.worstCase(manifest).amount == Credits(micro: 500_000))
    manifest.command = ["make"]
    #expect(Tariff.standard.worstCase(manifest).amount == Credits(micro: 2_500_000))
    manifest.verifier = nil
    manifest.kind = .run
    manifest.command = []
    #expect(Tariff.standard.worstCase(manifest).amount == Credits(micro: 2_000_000))
    #expect(Tariff.standard.worstCase(manifest).cpuMilliseconds == manifest.cpuMillisecondsMax)
  }

  @Test func `a charge never passes what was reserved`() {
    let price = Tariff.standard.price(usage: usage(3000))
    #expect(price.capped(by: Credits(micro: 2_999_999)).amount == Credits(micro: 2_999_999))
    #expect(price.capped(by: Credits(micro: 5_000_000)).amount == Credits(micro: 3_000_000))
    let twice = price.capped(by: Credits(micro: 10)).capped(by: Credits(micro: 20))
    #expect(twice.amount == Credits(micro: 10))
  }

  @Test func `a price names every factor`() {
    let price = Tariff.standard.price(usage: usage(1234)).capped(by: Credits(micro: 1_000_000))
    #expect(
      price.json.canonicalText == """
        {"amount":"1000000","basis":"measured","cap":"1000000","cpuMs":1234,"microPerCpuMs":1000,\
        "minimum":"1","multiplierPpm":1000000,"tariff":1,"uncapped":"1234000"}
        """)
  }

  @Test func `a tariff survives JSON, and a wrong one does not`() throws {
    let tariff = Tariff(
      version: 3, microPerCPUMillisecond: 250, multiplierPPM: 1_600_000,
      minimum: Credits(micro: 10))
    #expect(try Tariff(json: tariff.json) == tariff)
    for (name, value) in [
      ("version", 0), ("microPerCpuMs", -1), ("multiplierPpm", .int(1 << 53)),
    ] as [(String, JSON)] {
      let members = tariff.json.members ?? []
      let wrong = JSON.object(
        members.map { $0.name == name ? JSON.Member(name, value) : $0 })
      #expect(throws: JSONError.self) { try Tariff(json: wrong) }
    }
  }
}
