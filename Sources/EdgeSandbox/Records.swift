internal import CJailPlan
internal import EdgeSystem

/// What the jail has told so far.
struct Records {
  private var pending: [UInt8] = []
  private(set) var build: UInt64?
  private(set) var failure: LaunchFailure?
  private(set) var status = ""
  private(set) var groups = ""
  private(set) var mounts = ""
  private(set) var isReady = false
  private(set) var violation: ec_violation?
  /// How the program ended, and the error of execve(2), 0 where it was executed.
  private(set) var ending: (ending: ec_ending, error: Int32)?
  /// How the tree ended.
  private(set) var end: ec_ending?
  /// True where bytes came that are no record.
  private(set) var isGarbled = false

  mutating func receive(_ bytes: ArraySlice<UInt8>) {
    pending += bytes
    let size = MemoryLayout<ec_record>.size
    while pending.count >= size, !isGarbled {
      let head = pending.withUnsafeBytes { $0.loadUnaligned(as: ec_record.self) }
      guard head.magic == EC_RECORD_MAGIC, head.length <= EC_RECORD_BYTES_MAX else {
        isGarbled = true
        return
      }
      let length = size + Int(head.length)
      guard pending.count >= length else { return }
      take(head, Array(pending[size..<length]))
      pending.removeFirst(length)
    }
  }

  private mutating func take(_ head: ec_record, _ payload: [UInt8]) {
    let text = String(decoding: payload, as: UTF8.self)
    switch UInt32(head.kind) {
    case EC_RECORD_HELLO: build = value(payload, ec_hello.self)?.build
    case EC_RECORD_FAILURE:
      let stage = String(cString: ec_stage_name(Int32(head.stage)))
      failure =
        failure ?? LaunchFailure(stage: stage, errno: head.error, subject: text, hint: nil)
    case EC_RECORD_STATUS: status += text
    case EC_RECORD_GROUPS: groups += text
    case EC_RECORD_MOUNTS: mounts += text
    case EC_RECORD_READY: isReady = true
    case EC_RECORD_VIOLATION: violation = value(payload, ec_violation.self)
    case EC_RECORD_EXIT:
      ending = value(payload, ec_ending.self).map { ($0, head.error) }
    case EC_RECORD_END: end = value(payload, ec_ending.self)
    default: isGarbled = true
    }
  }

  private func value<Value: BitwiseCopyable>(_ payload: [UInt8], _ type: Value.Type) -> Value? {
    guard payload.count == MemoryLayout<Value>.size else { return nil }
    return payload.withUnsafeBytes { $0.loadUnaligned(as: type) }
  }
}
