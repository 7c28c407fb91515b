import EdgeJob
import EdgeSandbox
import Testing

/// One attack: what it tries, what it leads to in the sandbox, and what with a layer left away.
struct HostileCase: Sendable {
  /// The behaviour, 1…96.
  let number: Int
  /// What the program is told. `{secret}` and the like are replaced, see `Surroundings`.
  let words: [String]
  /// What the twins are told instead.
  var twinWords: [String]?
  let inside: Expectation
  var twins: [Twin]
  /// Why there is no twin, where there is none.
  let withoutTwin: String?
  var profile = "shell"
  var limits = Limits.small
  /// Standard input.
  var input: [UInt8] = []
  /// The machine's folder with the secret is shown at /tools, read-only.
  var showsFolder = false
  /// The worker's root directory stays open in the worker, without close-on-exec.
  var leavesRootOpen = false
  /// Descriptor 3 is given.
  var reports = false
  /// An attack that succeeds today, in a word; the test says how it should be.
  var hole: String?
  /// The levels of the hole; nil = all.
  var holeLevels: Set<Level>?
  /// Levels that have it not after all.
  var closedLevels: Set<Level> = []

  /// The same attack without protection.
  struct Twin: Sendable {
    /// nil = as an ordinary program of the machine: for what no layer stands for alone.
    let without: Set<Layer>?
    let expected: Expectation

    static func without(_ layers: Set<Layer>, _ expected: Expectation = .works) -> Twin {
      Twin(without: layers, expected: expected)
    }

    /// An ordinary user has no power that could be kept, and his own processes outside are not to
    /// be told from those inside; what happens outside is the same on every level.
    func isPossible(on level: Level) -> Bool {
      guard let without else { return isRoot && level == Level.here[0] }
      // The container's own filter stays.
      if level == .container, level.layers(without).contains(.seccomp) { return false }
      return !level.sharesUser || !without.contains(.user)
    }

    /// Outside of any sandbox.
    static func outside(_ expected: Expectation = .works) -> Twin {
      Twin(without: nil, expected: expected)
    }
  }

  init(
    _ number: Int, _ words: [String], _ inside: Expectation, _ twins: Twin...,
    withoutTwin: String? = nil
  ) {
    self.number = number
    self.words = words
    self.inside = inside
    self.twins = twins
    self.withoutTwin = withoutTwin
  }

  /// A copy with something changed.
  func with(_ change: (inout HostileCase) -> Void) -> HostileCase {
    var copy = self
    change(&copy)
    return copy
  }

  /// A copy with other limits.
  func limited(_ change: (inout Limits) -> Void) -> HostileCase { with { change(&$0.limits) } }

  /// A copy whose twins do something else: what ends by itself where nothing ends it.
  func twinned(_ words: [String]) -> HostileCase { with { $0.twinWords = words } }

  /// A copy that is known to succeed where it should not.
  func hole(_ what: String, on levels: Level...) -> HostileCase {
    with {
      $0.hole = what
      $0.holeLevels = levels.isEmpty ? nil : Set(levels)
    }
  }

  /// A copy that is no hole on a level.
  func closed(on levels: Level...) -> HostileCase { with { $0.closedLevels.formUnion(levels) } }

  /// Why it succeeds on a level where it should not; nil where it must not.
  func hole(on level: Level) -> String? {
    if level.andLike.contains(where: closedLevels.contains) { return nil }
    guard let holeLevels else { return hole }
    return level.andLike.contains { holeLevels.contains($0) } ? hole : nil
  }

  static let all = resources + processes + files + calls
}

extension Limits {
  /// Small, so that hostile programs stay small where a protection fails; with time enough on a
  /// busy machine.
  static let small = Limits(
    cpuMilliseconds: 5_000, wallMilliseconds: 60_000, memoryBytes: 48 << 20, processes: 32,
    openFiles: 64, outputBytes: 64 << 10, diskBytes: 8 << 20, files: 200)
}

/// One case on one level, as it should be or without a layer.
struct Trial: Sendable, CustomTestStringConvertible {
  let attack: HostileCase
  let level: Level
  let twin: HostileCase.Twin?

  var expected: Expectation { twin?.expected ?? attack.inside }
  var words: [String] { (twin == nil ? nil : attack.twinWords) ?? attack.words }

  var testDescription: String {
    let words = words.filter { !$0.isEmpty }.joined(separator: " ")
    let layers = twin.map { twin in
      twin.without.map { "without " + $0.map(\.rawValue).sorted().joined(separator: ", ") }
        ?? "outside"
    }
    return "\(attack.number) \(words), \(level.rawValue)\(layers.map { ", \($0)" } ?? "")"
  }

  /// Every case on every level that this process has.
  static let inside: [Trial] = Level.here.flatMap { level in
    HostileCase.all.filter { !$0.inside.isAbsent(on: level) }
      .map { Trial(attack: $0, level: level, twin: nil) }
  }

  static let twins: [Trial] = Level.here.flatMap { level in
    HostileCase.all.flatMap { attack in
      attack.twins.filter { !$0.expected.isAbsent(on: level) && $0.isPossible(on: level) }
        .map { Trial(attack: attack, level: level, twin: $0) }
    }
  }
}
