// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]
let strictC: [CSetting] = [
  .define("_GNU_SOURCE"), .enableWarning("all"), .treatAllWarnings(as: .error),
]

let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let argumentParser: Target.Dependency =
  .product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let toml: Target.Dependency = .product(name: "TOMLKit", package: "TOMLKit")

/// A module of ours: strict settings, no resources.
func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// The tests of one module; every test target may use the shared fixtures.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["EdgeTestSupport"], swiftSettings: strict)
}

let package = Package(
  name: "edgecoder",
  products: [
    .executable(name: "edgecoder", targets: ["edgecoder"]),
    .executable(name: "edgecoder-jail", targets: ["edgecoder-jail"]),
  ],
  dependencies: [
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    .package(url: "https://github.com/LebJe/TOMLKit", exact: "0.6.0"),
  ],
  targets: [
    // Layer 0: what Swift cannot say.
    .systemLibrary(
      name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
    .systemLibrary(
      name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
    .target(name: "CLinux", cSettings: strictC),
    .target(name: "CJailPlan", cSettings: strictC),
    .executableTarget(
      name: "edgecoder-jail", dependencies: ["CJailPlan"], cSettings: strictC,
      // A C executable would otherwise link libswiftCore.so and carry a toolchain RUNPATH; and it
      // is its own C library. Its code lies where no other program's does (EC_CODE_HIGH).
      linkerSettings: [
        .unsafeFlags([
          "-nostartfiles", "-static-executable", "-Xclang-linker", "-nostdlib", "-Xlinker",
          "-Ttext-segment=0x10000000000",
        ])
      ]),

    // Layer 1: the vocabulary, and the operating system.
    module("EdgeJob", []),
    module("EdgeSystem", ["CLinux", crypto]),

    // Layer 2: one mechanism each; never importing one another.
    module("EdgeSpool", ["EdgeJob", "EdgeSystem"]),
    module("EdgeArchive", ["CArchive", "EdgeJob", "EdgeSystem", toml]),
    .target(
      name: "EdgeSandbox",
      dependencies: ["CSeccomp", "CJailPlan", "CLinux", "EdgeJob", "EdgeSystem"],
      resources: [.embedInCode("Warm")], swiftSettings: strict),
    module("EdgeLedger", ["EdgeJob", "EdgeSystem", grdb]),
    module("EdgeEconomy", ["EdgeJob"]),
    module("EdgeScheduler", ["EdgeJob"]),
    module("EdgeTrust", ["EdgeJob", "EdgeSystem", crypto]),
    module("EdgeReport", ["EdgeJob"]),

    // Layer 3: the two powers, and the importers.
    module("EdgeImport", ["EdgeJob", "EdgeSystem", "EdgeArchive"]),
    .target(
      name: "EdgeWorker",
      dependencies: [
        "EdgeJob", "EdgeSystem", "EdgeSpool", "EdgeArchive", "EdgeSandbox", "EdgeReport",
        "EdgeTrust",
      ],
      resources: [.embedInCode("Runners")], swiftSettings: strict),
    module(
      "EdgeCoordinator",
      [
        "EdgeJob", "EdgeSystem", "EdgeSpool", "EdgeLedger", "EdgeEconomy", "EdgeScheduler",
        "EdgeTrust",
      ]),

    // Layer 4 and 5: the composition root and the program.
    module(
      "EdgeCommands",
      [
        "EdgeJob", "EdgeSystem", "EdgeSpool", "EdgeArchive", "EdgeSandbox", "EdgeLedger",
        "EdgeTrust", "EdgeReport", "EdgeImport", "EdgeWorker", "EdgeCoordinator", "EdgeScheduler",
        argumentParser,
      ]),
    .executableTarget(
      name: "edgecoder", dependencies: ["EdgeCommands"], swiftSettings: strict),

    .target(
      name: "EdgeTestSupport", dependencies: ["EdgeSystem"],
      path: "Tests/EdgeTestSupport", swiftSettings: strict),
    tests("EdgeJobTests", ["EdgeJob"]),
    tests("EdgeSystemTests", ["EdgeSystem"]),
    tests("EdgeSpoolTests", ["EdgeSpool", "EdgeJob", "EdgeSystem"]),
    tests("EdgeArchiveTests", ["EdgeArchive", "EdgeJob", "EdgeSystem"]),
    .testTarget(
      name: "EdgeSandboxTests",
      dependencies: ["EdgeSandbox", "EdgeJob", "EdgeSystem", "edgecoder-jail", "EdgeTestSupport"],
      exclude: ["Fuzz"], swiftSettings: strict),
    .testTarget(
      name: "HostileTests",
      dependencies: [
        "EdgeSandbox", "EdgeJob", "EdgeSystem", "EdgeTestSupport", "edgecoder", "edgecoder-jail",
      ],
      exclude: ["Cases"], swiftSettings: strict),
    .testTarget(
      name: "EdgeLedgerTests",
      dependencies: ["EdgeLedger", "EdgeJob", "EdgeSystem", "EdgeTestSupport", grdb],
      exclude: ["Fixtures"], swiftSettings: strict),
    tests("EdgeEconomyTests", ["EdgeEconomy", "EdgeJob"]),
    tests("EdgeSchedulerTests", ["EdgeScheduler", "EdgeJob"]),
    tests("EdgeTrustTests", ["EdgeTrust", "EdgeJob", "EdgeSystem"]),
    tests("EdgeReportTests", ["EdgeReport", "EdgeJob"]),
    .testTarget(
      name: "EdgeImportTests",
      dependencies: ["EdgeImport", "EdgeArchive", "EdgeJob", "EdgeSystem", "EdgeTestSupport"],
      exclude: ["HarborSolutions"], swiftSettings: strict),
    .testTarget(
      name: "EdgeWorkerTests",
      dependencies: ["EdgeWorker", "EdgeJob", "EdgeSystem", "EdgeTestSupport"],
      exclude: ["Cheats"], swiftSettings: strict),
    tests(
      "EdgeCoordinatorTests",
      [
        "EdgeCoordinator", "EdgeArchive", "EdgeJob", "EdgeLedger", "EdgeScheduler", "EdgeSpool",
        "EdgeSystem", "EdgeTrust",
      ]),
    .testTarget(
      name: "EndToEndTests",
      dependencies: ["EdgeJob", "EdgeSystem", "EdgeTestSupport", "edgecoder", "edgecoder-jail"],
      exclude: ["Fixtures"], swiftSettings: strict),
    tests("TidyTests", ["edgecoder-jail"]),
  ],
  swiftLanguageModes: [.v6]
)
