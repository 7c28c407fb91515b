internal import CJailPlan
internal import EdgeSystem
internal import Glibc

/// A started `edgecoder-jail`, and how one talks with it: orders and plans in, records out. It
/// dies, with everything that it has started, when the value goes or this process dies.
final class Jail: Sendable {
  private let control: MessageSocket
  private let plan: Descriptor
  private let child: Child

  private init(
    control: consuming MessageSocket, plan: consuming Descriptor, child: consuming Child
  ) {
    self.control = control
    self.plan = plan
    self.child = child
  }

  /// - Parameter groups: files that take a process into a control group, borrowed.
  static func start(_ path: String, groups: [Int32] = []) throws(LaunchFailure) -> Jail {
    do { return try spawn(path, groups) } catch {
      throw LaunchFailure(stage: error.call, errno: error.errno, subject: error.subject)
    }
  }

  private static func spawn(_ path: String, _ groups: [Int32]) throws(SystemError) -> Jail {
    let ends = try MessageSocket.pair()
    let near = MessageSocket(owning: Descriptor(owning: ends.near))
    let far = Descriptor(owning: ends.far)
    let plan = try Descriptor.memory("plan")
    guard ftruncate(plan.raw, off_t(EC_PLAN_BYTES_MAX)) == 0 else {
      throw SystemError("ftruncate", "plan")
    }
    var descriptors = [EC_FD_PLAN: plan.raw, EC_FD_CONTROL: far.raw]
    for (index, raw) in groups.enumerated() { descriptors[EC_FD_GROUPS + Int32(index)] = raw }
    let child = try Spawn(path: path, arguments: [], descriptors: descriptors).start()
    return Jail(control: near, plan: plan, child: child)
  }

  /// Its process id.
  var process: Int32 { child.process }

  /// Readable when a record is there; borrowed.
  var descriptor: Int32 { control.descriptor }

  /// Hands over a plan with its descriptors, which stay ours.
  func order(_ bytes: [UInt8], _ descriptors: [Int32] = []) throws(LaunchFailure) {
    guard bytes.count <= EC_PLAN_BYTES_MAX else {
      throw LaunchFailure(
        stage: "arguments", errno: E2BIG, subject: "arguments and environment",
        hint: "Put large data into a file of the task.")
    }
    guard pwrite(plan.raw, bytes, bytes.count, 0) == bytes.count else {
      throw LaunchFailure(stage: "plan", errno: errno, subject: "memory file")
    }
    guard send(EC_ORDER_PLAN, descriptors) else {
      throw LaunchFailure(stage: "supervise", errno: errno, subject: "the jail is gone").explained()
    }
  }

  /// True where it has died: between two runs it says nothing.
  var isGone: Bool { !Poll.readable([descriptor], milliseconds: 0).isEmpty }

  /// Ends the run.
  func kill() { _ = send(EC_ORDER_KILL) }

  /// Ends the jail itself, and with it everything.
  func end() { child.signal(SIGKILL) }

  private func send(_ kind: UInt32, _ descriptors: [Int32] = []) -> Bool {
    let order = ec_order(magic: EC_RECORD_MAGIC, kind: kind)
    do {
      try control.send(withUnsafeBytes(of: order) { Array($0) }, descriptors)
      return true
    } catch {
      return false
    }
  }

  /// Takes the next record. Blocks until there is one.
  func receive(_ records: inout Records) {
    let message = control.receive(atMost: Int(EC_MESSAGE_BYTES_MAX))
    records.take(message.bytes, message.descriptors.first ?? -1)
  }

  /// Takes records until a condition holds; nothing is left where it does not in twenty seconds.
  func await(_ condition: (borrowing Records) -> Bool) throws(LaunchFailure) -> Records {
    var records = Records()
    let deadline = Clocks.bootNanoseconds() + 20_000_000_000
    while !condition(records) {
      if let build = records.build, build != ec_plan_build() { break }
      if let failure = records.failure { throw failure.explained() }
      let left = (deadline - Clocks.bootNanoseconds()) / 1_000_000
      guard left > 0, !records.isOver else {
        throw LaunchFailure(
          stage: "start", errno: left > 0 ? ECHILD : ETIMEDOUT, subject: "the jail is not ready"
        ).explained()
      }
      if Poll.readable([descriptor], milliseconds: Int32(left)).isEmpty { continue }
      receive(&records)
    }
    guard records.build == ec_plan_build() else {
      throw LaunchFailure(
        stage: "plan", errno: EBADMSG, subject: "the jail is of another build",
        hint: "Install edgecoder and edgecoder-jail from the same build.")
    }
    return records
  }
}
