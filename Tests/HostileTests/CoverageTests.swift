import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Every one of the 96 behaviours has a test: here in the table, or somewhere else by name.
struct CoverageTests {
  /// Behaviours that are tested elsewhere, or elsewhere as well: folder of tests, file, function.
  static let elsewhere: [Int: [String]] = [
    15: ["HostileTests/LaunchTests/aLongArgumentIsTheTasksMistake"],
    17: ["HostileTests/PairTests/nobodyIsKeptFromALock"],
    22: ["EdgeArchiveTests/BombTests/ratio", "EdgeArchiveTests/BombTests/tenGigabytesInZstd"],
    29: [
      "HostileTests/LaunchTests/theTreeDiesWithTheJail",
      "EdgeSandboxTests/FailureTests/theTreeDiesWithTheWorker",
    ],
    31: [
      "EdgeSandboxTests/RunTests/everyExitStatusIsAStatus",
      "EdgeSandboxTests/RunTests/everySignalIsASignal",
    ],
    32: ["EdgeSandboxTests/RunTests/outputThatLooksLikeOurRecordsIsOutput"],
    50: ["HostileTests/PairTests/neitherMeetsTheOther"],
    51: ["HostileTests/PairTests/neitherMeetsTheOther"],
    53: ["HostileTests/PairTests/neitherMeetsTheOther"],
    56: ["HostileTests/PairTests/nobodySeesWhatOthersRead"],
    70: ["EdgeSandboxTests/FailureTests/theTreeDiesWithTheJail"],
    77: [
      "HostileTests/LaunchTests/loaderVariablesAreRefused",
      "EdgeSandboxTests/ViewTests/theEnvironmentIsAnAllowList",
    ],
    81: [
      "EdgeArchiveTests/HostileTarTests/names", "EdgeArchiveTests/HostileTarTests/nameBytes",
      "EdgeArchiveTests/EscapeTwinTests/traversal", "EdgeArchiveTests/HostileZipTests/names",
    ],
    82: [
      "EdgeArchiveTests/EscapeTwinTests/writingThroughALink",
      "EdgeArchiveTests/EscapeTwinTests/linkInTheDestination",
    ],
    83: ["EdgeArchiveTests/EscapeTwinTests/hardLink"],
    84: [
      "EdgeArchiveTests/HostileTarTests/types", "EdgeArchiveTests/HostileTarTests/modes",
      "EdgeArchiveTests/HostileTarFormTests/sparse",
      "EdgeArchiveTests/HostileTarFormTests/attributesAreDropped",
      "EdgeArchiveTests/UnpackTests/ownersAndModes",
    ],
    85: ["EdgeArchiveTests/HostileTarTests/doubles"],
    86: [
      "EdgeArchiveTests/HostileTarFormTests/limits", "EdgeArchiveTests/HostileTarFormTests/sizes",
      "EdgeArchiveTests/HostileTarFormTests/pax", "EdgeArchiveTests/HostileZipTests/layout",
      "EdgeArchiveTests/BombTests/compressedTwice",
    ],
    87: ["HostileTests/LeftoverTests/nothingBlocksAndNoLinkIsFollowed"],
    88: [
      "HostileTests/LeftoverTests/nothingBlocksAndNoLinkIsFollowed",
      "HostileTests/CollectionTests/nothingOfOthersComesBack",
    ],
    90: [
      "HostileTests/LeftoverTests/holesCountAsBytes",
      "HostileTests/CollectionTests/nothingOfOthersComesBack",
    ],
    91: [
      "HostileTests/LeftoverTests/kindsAreToldApart",
      "HostileTests/LeftoverTests/aSecondRunAndTheEndAreNotHindered",
    ],
    92: [
      "HostileTests/LeftoverTests/kindsAreToldApart",
      "EndToEndTests/UntrustedOutputTests/controlSequencesAndBinary",
    ],
    93: ["HostileTests/CollectionTests/nothingOfOthersComesBack"],
    94: [
      "HostileTests/CollectionTests/nothingOfOthersComesBack",
      "EdgeSandboxTests/ViewTests/theEnvironmentIsAnAllowList",
    ],
    95: [
      "EdgeSandboxTests/FailureTests/theTreeDiesWithTheWorker",
      "EndToEndTests/KillTests/killedAtDrawnCallsNothingIsLostOrPaidTwice",
    ],
    96: [
      "HostileTests/LaunchTests/aFailedStepRunsNothing",
      "EdgeSandboxTests/FailureTests/aFailedStepLeavesNothing",
    ],
  ]

  /// Behaviours that no sandbox of this kind can prevent, with the reason.
  static let outOfScope = [
    80: "caches and threads of a core are shared; who must not be watched gets a machine alone"
  ]

  @Test func everyBehaviourIsTested() {
    let inTable = Set(HostileCase.all.map(\.number))
    for number in 1...96 {
      let isCovered =
        inTable.contains(number) || CoverageTests.elsewhere[number] != nil
        || CoverageTests.outOfScope[number] != nil
      #expect(isCovered, "behaviour \(number) has no test")
    }
    #expect(inTable.allSatisfy { (1...96).contains($0) })
  }

  @Test func whatIsNamedElsewhereIsThere() throws {
    for name in CoverageTests.elsewhere.values.flatMap({ $0 }) {
      let parts = name.split(separator: "/").map(String.init)
      let folder = try Directory(path: "\(RepositoryRoot.path)/Tests/\(parts[0])")
      let text = String(
        decoding: try folder.read("\(parts[1]).swift", atMost: 1 << 20), as: UTF8.self)
      #expect(text.contains("func \(parts[2])("), "\(name)")
    }
  }

  /// A protection that was never seen off may protect from nothing.
  @Test func everyCaseHasATwinOrSaysWhyNot() {
    for attack in HostileCase.all {
      #expect(attack.twins.isEmpty == (attack.withoutTwin != nil), "\(attack.words)")
    }
  }

  @Test(.enabled(if: HostileProgram.isAvailable, "needs a C compiler"))
  func everyAttackIsUsed() throws {
    let answer = try HostileProgram.runOutside(["--list"], as: getuid())
    let named = Set(
      HostileCase.all.flatMap { $0.words + ($0.twinWords ?? []) }
        + PairTests.pairs.flatMap { [$0.first[0], $0.second[0]] } + [
          "leftovers", "spy", "lock-shared",
        ])
    for attack in answer.output.split(separator: "\n") {
      #expect(named.contains(String(attack)), "nobody tries \(attack)")
    }
    for attack in HostileCase.all {
      #expect(answer.output.split(separator: "\n").contains { $0 == attack.words[0] })
    }
  }
}
