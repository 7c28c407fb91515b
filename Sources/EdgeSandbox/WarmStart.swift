internal import CJailPlan
internal import EdgeJob

/// An interpreter that has started and loaded what its programs share, in the template of a jail;
/// each run gets a copy of it, which is confined before it reads anything of the task. What two
/// launches have to have in common so that both can be copies of the same one.
struct WarmStart: Hashable, Sendable {
  /// The interpreter and its options.
  let arguments: [String]
  /// What it takes from its environment when it starts; the rest is each run's own.
  private let steered: [String]
  let preload: Launch.Preload?

  /// Nil where this launch has to be executed: the profile does not ask for copies, or it is no
  /// program of such an interpreter, or it chooses a hash seed of its own at each start.
  init?(_ launch: Launch, environment all: [String]) {
    guard launch.profile.warm.contains(.python), launch.learning == nil,
      let options = WarmStart.options(launch.arguments), WarmStart.hasSeed(all)
    else { return nil }
    arguments = Array(launch.arguments.prefix(1)) + options
    steered = all.filter { entry in
      WarmStart.steering.contains { entry.hasPrefix($0) }
    }
    preload = launch.preload
  }

  /// Variables that count when the interpreter starts; the others come with each run.
  private static let steering = ["PYTHON", "LANG=", "LC_", "PATH=", "HOME=", "TZ="]

  /// Options before the script; nil where there is one that we do not know, or no script.
  private static func options(_ arguments: [String]) -> [String]? {
    let names = ["python3", "/usr/bin/python3"]
    guard let name = arguments.first, names.contains(name) else { return nil }
    // With -E or -I the interpreter overlooks its variables, and with them the seed.
    let known: Set<String> = ["-B", "-P", "-S", "-s", "-u"]
    let options = arguments.dropFirst().prefix { known.contains($0) }
    let rest = arguments.dropFirst(1 + options.count)
    guard let target = rest.first else { return nil }
    if target == "-c" || target == "-m" { return rest.count > 1 ? Array(options) : nil }
    return target.hasPrefix("-") ? nil : Array(options)
  }

  /// Copies of one interpreter have one seed, so it must be one that was asked for.
  private static func hasSeed(_ environment: [String]) -> Bool {
    environment.contains { entry in
      entry.hasPrefix("PYTHONHASHSEED=") && entry != "PYTHONHASHSEED=random"
        && entry != "PYTHONHASHSEED="
    }
  }

  /// Where its own files lie inside.
  private static let folder = "/.warm"

  /// Adds its files to the root of a template, and itself to the plan.
  /// - Returns: arguments, environment and programs of the plan.
  func write(into writer: inout PlanWriter, path: [String])
    -> (arguments: [String], programs: [String])
  {
    writer.plan.flags |= EC_WARM
    add(&writer, "warm.py", PackageResources.warm_py)
    let modules = preload?.modules ?? []
    let order = ([preload?.folder ?? ""] + modules.map(\.name)).joined(separator: "\n")
    add(&writer, "order", Array(order.utf8))
    for module in modules { add(&writer, "\(module.name).py", module.source) }
    let name = arguments.first ?? ""
    return (
      arguments + ["\(WarmStart.folder)/warm.py"],
      name.contains("/") ? [name] : path.map { "\($0)/\(name)" }
    )
  }

  private func add(_ writer: inout PlanWriter, _ name: String, _ content: [UInt8]) {
    writer.add(
      EC_OP_FILE, source: String(decoding: content, as: UTF8.self),
      target: "\(WarmStart.folder)/\(name)", mode: 0o444)
  }
}

/// Interpreters that can be kept warm.
enum WarmInterpreter: String, Hashable, Sendable {
  case python
}

/// Kinds of launch that came before, so that the next of the same kind can be a copy.
struct ExpectedStarts: Sendable {
  private var keys: [TemplateKey] = []
  private static let keysMax = 16

  /// True where one like it has come before.
  mutating func expects(_ key: TemplateKey) -> Bool {
    if keys.contains(key) { return true }
    keys.append(key)
    if keys.count > ExpectedStarts.keysMax { keys.removeFirst() }
    return false
  }
}
