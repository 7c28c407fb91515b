internal import EdgeArchive
internal import EdgeJob
internal import EdgeSandbox
internal import EdgeSystem

/// The inside of the process in which archives are parsed. It takes orders and reads no archive
/// itself: for each one it makes a child under the whole profile `inspect`, which answers and ends.
/// Nothing of such a child is trusted afterwards, and no later one is made from it.
enum ArchiveConfined {
  /// What follows the program's name. No command: it is compared before any parsing, which would
  /// take most of the time.
  static let arguments = ["inspect", "--confined"]
  private static let orders: Int32 = 3

  /// How this program starts it.
  static func process() throws(SystemError) -> ArchiveProcess {
    ArchiveProcess(
      Spawn(
        path: try Executable.path(), arguments: arguments,
        // Nothing but this: the handler of the Swift runtime would catch a crash and then hang,
        // since the confined process can start no program that prints a backtrace.
        environment: ["SWIFT_BACKTRACE=enable=no"]))
  }

  /// Serves until the other end of the orders has gone.
  static func serve() throws {
    // Everything that needs files happens before the confinement.
    let profile = try SandboxProfile.load("inspect")
    try giveUpFiles(profile: profile)
    let socket = MessageSocket(owning: Descriptor(owning: orders))
    while true {
      let message = socket.receive(atMost: 16)
      if message.bytes.isEmpty { Standard.exit(0) }
      let descriptors = message.descriptors
      if let order = ArchiveProcess.Order(rawValue: message.bytes[0]), descriptors.count == 2 {
        try Child.copy { try answer(order, descriptors[0], to: descriptors[1], profile) }
      }
      for raw in descriptors { _ = Descriptor(owning: raw) }
    }
  }

  private static func answer(
    _ order: ArchiveProcess.Order, _ file: Int32, to answer: Int32, _ profile: SandboxProfile
  ) throws {
    try giveUpCalls(profile: profile)
    switch order {
    case .members: try streamMembers(file, to: answer)
    case .inspect:
      let json: JSON
      do throws(Refusal) {
        json = try inspectTask(file, limits: .task).json
      } catch {
        json = error.json
      }
      try EdgeSystem.write(json.canonical, to: answer)
    }
  }
}
