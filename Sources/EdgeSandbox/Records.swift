internal import CJailPlan
internal import EdgeJob
internal import Glibc

/// The records of one jail, of the template or of one run.
struct Records {
  private(set) var build: UInt64?
  private(set) var failure: LaunchFailure?
  /// What the kernel says about the program from inside; nil until it waits.
  private(set) var proof: Shown?
  /// True where a template is built.
  private(set) var isReady = false
  /// Where the jail is among the control groups.
  private(set) var groups: ArraySlice<UInt8> = []
  /// How the program and the tree ended.
  private(set) var ending: ec_ending?
  private(set) var denied: [ec_denied] = []
  /// True where bytes came that are no record.
  private(set) var isGarbled = false
  /// True where the jail has gone.
  private(set) var isEnded = false
  /// The descriptor of a workspace, which the taker owns.
  private(set) var descriptor: Int32?

  /// Files of /proc/self.
  struct Shown {
    var status: ArraySlice<UInt8>
    var groups: ArraySlice<UInt8>
    var mounts: ArraySlice<UInt8>
  }

  /// True where nothing more comes.
  var isOver: Bool { failure != nil || ending != nil || isGarbled || isEnded }

  /// - Parameters:
  ///   - bytes: one datagram; none is the end.
  ///   - descriptor: what came with it, −1 where nothing did.
  mutating func take(_ bytes: [UInt8], _ descriptor: Int32) {
    guard !bytes.isEmpty else {
      isEnded = true
      return
    }
    let size = MemoryLayout<ec_record>.size
    guard bytes.count >= size else {
      isGarbled = true
      return
    }
    let head = bytes.withUnsafeBytes { $0.loadUnaligned(as: ec_record.self) }
    let payload = bytes[size...]
    guard head.magic == EC_RECORD_MAGIC, payload.count == Int(head.length) else {
      isGarbled = true
      return
    }
    switch UInt32(head.kind) {
    case EC_RECORD_HELLO: build = value(payload, ec_hello.self)?.build
    case EC_RECORD_FAILURE:
      failure = LaunchFailure(
        stage: String(cString: ec_stage_name(Int32(head.stage))), errno: head.error,
        subject: String(decoding: payload, as: UTF8.self), hint: nil)
    case EC_RECORD_READY:
      isReady = true
      groups = payload
    case EC_RECORD_WORKSPACE: self.descriptor = descriptor
    case EC_RECORD_PROOF: takeProof(payload)
    case EC_RECORD_END: takeEnding(payload)
    default: isGarbled = true
    }
  }

  private mutating func takeProof(_ payload: ArraySlice<UInt8>) {
    guard let lengths = value(payload, ec_proof.self) else { return }
    var rest = payload.dropFirst(MemoryLayout<ec_proof>.size)
    func next(_ length: UInt32) -> ArraySlice<UInt8> {
      defer { rest = rest.dropFirst(Int(length)) }
      return rest.prefix(Int(length))
    }
    proof = Shown(
      status: next(lengths.status), groups: next(lengths.groups), mounts: next(lengths.mounts))
  }

  private mutating func takeEnding(_ payload: ArraySlice<UInt8>) {
    guard let ending = value(payload, ec_ending.self) else { return }
    let rest = payload.dropFirst(MemoryLayout<ec_ending>.size)
    let size = MemoryLayout<ec_denied>.size
    for index in 0..<min(Int(ending.denied), rest.count / size) {
      if let entry = value(rest.dropFirst(index * size), ec_denied.self) { denied.append(entry) }
    }
    self.ending = ending
  }

  private mutating func value<Value: BitwiseCopyable>(
    _ payload: ArraySlice<UInt8>, _ type: Value.Type
  ) -> Value? {
    guard payload.count >= MemoryLayout<Value>.size else {
      isGarbled = true
      return nil
    }
    return payload.withUnsafeBytes { $0.loadUnaligned(as: type) }
  }
}
