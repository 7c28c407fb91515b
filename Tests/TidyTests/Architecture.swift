/// The module table as data: who lies in which layer, and who alone may use what.
enum Architecture {
  /// Every target below Sources, with its layer. Arrows go down only.
  static let layers: [String: Int] = [
    "CArchive": 0, "CSeccomp": 0, "CLinux": 0, "CJailPlan": 0, "edgecoder-jail": 0,
    "EdgeJob": 1, "EdgeSystem": 1,
    "EdgeSpool": 2, "EdgeArchive": 2, "EdgeSandbox": 2, "EdgeLedger": 2, "EdgeEconomy": 2,
    "EdgeScheduler": 2, "EdgeTrust": 2, "EdgeReport": 2,
    "EdgeImport": 3, "EdgeWorker": 3, "EdgeCoordinator": 3,
    "EdgeCommands": 4,
    "edgecoder": 5,
  ]

  /// Layers whose modules never import one another.
  static let flatLayers: Set<Int> = [1, 2, 3]

  /// What has few users: the module or product, who may use it, and why nobody else does.
  static let owners: [String: (users: Set<String>, reason: String)] = [
    "GRDB": (["EdgeLedger"], "one module knows that the ledger is SQLite"),
    "ArgumentParser": (["EdgeCommands"], "one module talks to the person at the terminal"),
    "CArchive": (["EdgeArchive"], "hostile archives are read in one place"),
    "TOMLKit": (["EdgeArchive"], "task.toml is read where archives are inspected"),
    "CSeccomp": (["EdgeSandbox"], "filters are compiled in one place"),
    "CJailPlan": (
      ["EdgeSandbox", "edgecoder-jail", "EdgeSandboxTests"],
      "the plan has one writer and one reader"
    ),
    "Crypto": (["EdgeSystem", "EdgeTrust"], "hashing there, keys and signatures there"),
    "CLinux": (["EdgeSystem", "EdgeSandbox"], "system calls that Glibc hides stay low"),
    "Foundation": ([], "its size and its locale; use EdgeSystem, or FoundationEssentials"),
    "Dispatch": ([], "everything is synchronous; callers bring their own threads"),
    "XCTest": ([], "tests are written with Swift Testing"),
  ]

  /// Arrows that would join the two powers, each with what must never be possible.
  static let forbidden: [(from: String, to: String, reason: String)] = [
    ("EdgeWorker", "EdgeLedger", "who runs task code cannot move credits"),
    ("EdgeWorker", "EdgeCoordinator", "who runs task code cannot move credits"),
    ("EdgeCoordinator", "EdgeSandbox", "who moves credits never runs task code"),
    ("EdgeCoordinator", "EdgeWorker", "who moves credits never runs task code"),
    ("EdgeCoordinator", "EdgeArchive", "hostile bytes never meet the ledger"),
  ]

  /// Modules of the toolchain that a module of the vocabulary must not touch either.
  static let withoutInputOutput: Set<String> = ["EdgeJob", "EdgeEconomy", "EdgeScheduler"]

  /// What those may import: none of it reads or writes anything.
  static let pure: Set<String> = ["EdgeJob", "Synchronization"]

  /// Why `module` may not use `imported`, or nil where it may.
  static func objection(to imported: String, in module: String) -> String? {
    if let owner = owners[imported], !isTest(module), !owner.users.contains(module) {
      let users = owner.users.sorted().joined(separator: ", ")
      return "\(imported) belongs to \(users.isEmpty ? "nobody" : users): \(owner.reason)"
    }
    if isTest(module) { return objectionInTests(to: imported, in: module) }
    if let arrow = forbidden.first(where: { $0.from == module && $0.to == imported }) {
      return "\(module) never imports \(imported): \(arrow.reason)"
    }
    if withoutInputOutput.contains(module), !pure.contains(imported) {
      return "\(module) does no input or output, so it imports only \(pure.sorted())"
    }
    guard let layer = layers[module] else { return "\(module) is in no layer of the table" }
    guard let target = layers[imported] else { return nil }
    if target > layer {
      return "arrows go down only: \(module) (\(layer)), \(imported) (\(target))"
    }
    if target == layer, flatLayers.contains(layer) {
      return "modules of layer \(layer) do not import one another"
    }
    if target == layer, layer > 3 { return "layer \(layer) has one module" }
    return nil
  }

  private static func isTest(_ module: String) -> Bool {
    module.hasSuffix("Tests") || module == "EdgeTestSupport"
  }

  /// Tests see the module that they are named after and what lies below it.
  private static func objectionInTests(to imported: String, in module: String) -> String? {
    if ["Foundation", "Dispatch", "XCTest"].contains(imported) {
      return "\(imported): \(owners[imported]?.reason ?? "")"
    }
    if imported.hasSuffix("Tests") { return "a test imports no other test" }
    if module == "TidyTests", imported.hasPrefix("Edge"), imported != "EdgeTestSupport" {
      return "the tidy tests read the source, they use none of it"
    }
    if module == "EdgeTestSupport", (layers[imported] ?? 0) > 1 {
      return "the shared fixtures know the vocabulary and the system only"
    }
    return nil
  }
}
