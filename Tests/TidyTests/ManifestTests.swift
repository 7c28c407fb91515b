import Testing

@Suite struct ManifestTests {
  private let manifest = Manifest(Repository.read("Package.swift") ?? "")

  @Test func everyTargetIsRead() {
    let names = Set(manifest.entries.map(\.name))
    #expect(names.isSuperset(of: Architecture.layers.keys))
    let arrows = Dictionary(
      uniqueKeysWithValues: manifest.entries.map { ($0.name, $0.dependencies) })
    #expect(arrows["EdgeLedger"]?.contains("GRDB") == true)
    #expect(arrows["EdgeWorker"]?.contains("EdgeSandbox") == true)
    #expect(arrows["EdgeCommands"]?.contains("ArgumentParser") == true)
    #expect(arrows["edgecoder"] == ["EdgeCommands"])
    #expect(arrows["EdgeJob"] == [])
  }

  @Test func everyArrowStandsInTheTable() {
    let findings = ManifestRules.findings(manifest)
    #expect(findings.isEmpty, "\(findings.report)")
  }

  @Test func everyImportIsDeclared() {
    let findings = ManifestRules.undeclared(manifest, files: Repository.swift)
    #expect(findings.isEmpty, "\(findings.report)")
  }

  @Test func noArrowIsDead() {
    let findings = ManifestRules.unused(manifest, files: Repository.swift)
    #expect(findings.isEmpty, "\(findings.report)")
  }

  private let planted = Manifest(
    """
    let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
    let package = Package(
      targets: [
        .systemLibrary(name: "CArchive", pkgConfig: "a", providers: [.apt(["b"])]),
        module("EdgeWorker", ["EdgeJob", "EdgeLedger", grdb]),
        .target(name: "EdgeCoordinator", dependencies: ["EdgeSandbox"], swiftSettings: strict),
        tests("EdgeSpoolTests", ["EdgeSpool"]),
      ])
    """)

  @Test func aForbiddenArrowIsFound() {
    let findings = ManifestRules.findings(planted).map(\.message)
    #expect(findings.count == 3, "\(findings)")
    #expect(findings.contains { $0.contains("EdgeWorker never imports EdgeLedger") })
    #expect(findings.contains { $0.contains("GRDB belongs to EdgeLedger") })
    #expect(findings.contains { $0.contains("EdgeCoordinator never imports EdgeSandbox") })
  }

  @Test func anUndeclaredImportIsFound() {
    let file = SourceFile(path: "Sources/EdgeWorker/A.swift", text: "import EdgeJob")
    #expect(ManifestRules.undeclared(planted, files: [file]).isEmpty)
    let other = SourceFile(path: "Sources/EdgeWorker/A.swift", text: "import EdgeSandbox")
    #expect(ManifestRules.undeclared(planted, files: [other]).count == 1)
  }

  @Test func aDeadArrowIsFound() {
    let file = SourceFile(
      path: "Sources/EdgeWorker/A.swift", text: "import EdgeJob\nimport GRDB")
    let findings = ManifestRules.unused(planted, files: [file]).map(\.message)
    #expect(findings.contains("EdgeWorker declares EdgeLedger and never imports it"))
    #expect(!findings.contains("EdgeWorker declares GRDB and never imports it"))
  }
}
