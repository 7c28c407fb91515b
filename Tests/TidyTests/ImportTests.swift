import Testing

@Suite struct ImportTests {
  @Test func everyImportStandsInTheTable() {
    let findings =
      Repository.swift.flatMap(ImportRules.findings(in:))
      + Repository.c.flatMap(ImportRules.findings(inC:))
    #expect(findings.isEmpty, "\(findings.report)")
  }

  @Test func everyFolderOfSourcesIsInTheTable() {
    let folders = Set(
      Repository.paths.filter { $0.hasPrefix("Sources/") }
        .map { String($0.split(separator: "/")[1]) })
    #expect(folders == Set(Architecture.layers.keys))
  }

  private func objections(_ text: String, in module: String) -> Int {
    let folder = module.hasSuffix("Tests") ? "Tests" : "Sources"
    let file = SourceFile(path: "\(folder)/\(module)/A.swift", text: text)
    return ImportRules.findings(in: file).count
  }

  @Test(arguments: [
    "import GRDB", "internal import GRDB", "package import GRDB", "private import GRDB",
    "  import   GRDB", "import struct GRDB.Row", "internal import class GRDB.DatabasePool",
    "import EdgeJob; import GRDB", "@_implementationOnly import GRDB", "import `GRDB`",
    "#if true\nimport GRDB\n#endif", "/* a */ import GRDB", "@preconcurrency import EdgeLedger",
  ])
  func everyFormIsSeen(form: String) {
    #expect(objections(form, in: "EdgeWorker") >= 1)
  }

  private func imports(_ text: String) -> [Import] {
    Import.all(in: SourceFile(path: "Sources/EdgeSpool/A.swift", text: text))
  }

  @Test func whatIsNoImportIsNotSeen() {
    #expect(imports("// import GRDB").isEmpty)
    #expect(imports("let a = \"import GRDB\"").isEmpty)
    #expect(imports("let a = \"\"\"\n  import GRDB\n  \"\"\"").isEmpty)
    #expect(imports("/* import GRDB\nimport GRDB */").isEmpty)
    #expect(imports("func importGRDB() {}").isEmpty)
  }

  @Test(arguments: [
    ("EdgeWorker", "EdgeLedger"), ("EdgeWorker", "EdgeCoordinator"),
    ("EdgeCoordinator", "EdgeSandbox"), ("EdgeCoordinator", "EdgeArchive"),
    ("EdgeJob", "EdgeSystem"), ("EdgeJob", "Glibc"), ("EdgeJob", "FoundationEssentials"),
    ("EdgeSystem", "EdgeJob"), ("EdgeSpool", "EdgeLedger"), ("EdgeReport", "EdgeTrust"),
    ("EdgeSpool", "EdgeWorker"), ("EdgeImport", "EdgeWorker"), ("EdgeWorker", "EdgeCommands"),
    ("EdgeLedger", "Crypto"), ("EdgeCommands", "GRDB"), ("EdgeWorker", "CSeccomp"),
    ("EdgeImport", "CArchive"), ("EdgeImport", "TOMLKit"), ("EdgeReport", "ArgumentParser"),
    ("edgecoder", "ArgumentParser"), ("EdgeSpool", "CLinux"), ("EdgeSystem", "Foundation"),
    ("EdgeSpoolTests", "Foundation"), ("EdgeSpoolTests", "XCTest"), ("TidyTests", "EdgeJob"),
    ("EdgeScheduler", "Glibc"), ("EdgeMystery", "Glibc"), ("EdgeSpool", "Dispatch"),
  ])
  func aForbiddenArrowIsFound(from module: String, to imported: String) {
    #expect(objections("internal import \(imported)", in: module) == 1)
  }

  @Test(arguments: [
    ("EdgeSpool", "EdgeJob"), ("EdgeWorker", "EdgeSandbox"), ("EdgeCoordinator", "EdgeLedger"),
    ("EdgeLedger", "GRDB"), ("EdgeSystem", "Crypto"), ("EdgeTrust", "Crypto"),
    ("EdgeCommands", "ArgumentParser"), ("edgecoder", "EdgeCommands"), ("EdgeSystem", "Glibc"),
    ("EdgeLedgerTests", "GRDB"), ("EdgeImport", "EdgeArchive"),
  ])
  func anAllowedArrowIsNotFound(from module: String, to imported: String) {
    #expect(objections("internal import \(imported)", in: module) == 0)
  }

  @Test func publicAndTestableImportsAreFound() {
    #expect(objections("public import EdgeJob", in: "EdgeSpool") == 1)
    #expect(objections("@_exported import EdgeJob", in: "EdgeSpool") == 1)
    #expect(objections("@testable import EdgeJob", in: "EdgeSpool") == 1)
    #expect(objections("@testable import EdgeSpool", in: "EdgeSpoolTests") == 0)
  }

  @Test func anIncludeOfAnothersHeaderIsFound() {
    let text = "#include \"CJailPlan.h\"\n"
    let other = SourceFile(path: "Sources/CLinux/a.c", text: text)
    #expect(ImportRules.findings(inC: other).count == 1)
    let jail = SourceFile(path: "Sources/edgecoder-jail/main.c", text: text)
    #expect(ImportRules.findings(inC: jail).isEmpty)
  }
}
