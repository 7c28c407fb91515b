package import EdgeJob

/// What the scheduler must know of a job that stands in `ready/`.
package struct ReadyJob: Hashable, Sendable {
  package var job: JobID
  /// The account that pays; accounts of the same priority share by what they used.
  package var account: String
  /// The named lane.
  package var queue: String
  /// Jobs of which only some may run at the same time, where it belongs to such.
  package var group: JobGroup?
  /// Higher runs first.
  package var priority: Int64
  /// Milliseconds UTC.
  package var admitted: Int64
  /// Milliseconds UTC before which it does not start.
  package var notBefore: Int64
  /// Milliseconds UTC after which it no longer starts; nil means never.
  package var notAfter: Int64?
  /// Dependencies whose end is not known yet.
  package var waitsFor: [Dependency]
  /// A dependency that did not end as it had to.
  package var failedDependency: JobID?
  /// The `run` that submitted it; its own worker may take it besides the general ones.
  package var session: String?
  /// The sandbox profile, by name.
  package var profile: String
  /// The language of the task; a worker offers it as `language:NAME`. Empty asks for nothing.
  package var language: String
  /// What else the worker must provide, such as `program:git`.
  package var requirements: [String]
  /// True where a worker takes it that spares its machine.
  package var isSmall: Bool
  /// Processors that it may run on.
  package var processors: Int64
  /// The memory that it may use, bytes.
  package var memoryBytes: Int64

  package init(
    job: JobID, account: String, queue: String = "default", group: JobGroup? = nil,
    priority: Int64 = 0, admitted: Int64, notBefore: Int64 = 0, notAfter: Int64? = nil,
    waitsFor: [Dependency] = [], failedDependency: JobID? = nil, session: String? = nil,
    profile: String, language: String = "", requirements: [String] = [], isSmall: Bool = true,
    processors: Int64 = 1, memoryBytes: Int64 = 0
  ) {
    self.job = job
    self.account = account
    self.queue = queue
    self.group = group
    self.priority = priority
    self.admitted = admitted
    self.notBefore = notBefore
    self.notAfter = notAfter
    self.waitsFor = waitsFor
    self.failedDependency = failedDependency
    self.session = session
    self.profile = profile
    self.language = language
    self.requirements = requirements
    self.isSmall = isSmall
    self.processors = processors
    self.memoryBytes = memoryBytes
  }
}

/// What a live worker offers.
package struct WorkerOffer: Hashable, Sendable {
  package var id: String
  /// Jobs that it can take now.
  package var freeSlots: Int
  /// Set where it takes the jobs of this session only.
  package var onlySession: String?
  /// Names of the sandbox profiles that it can enforce.
  package var profiles: Set<String>
  /// What tasks may ask for: `language:NAME`, `program:NAME`, `python:MODULE`, `debian:PACKAGE`.
  package var provides: Set<String>
  /// It finishes what it has and takes nothing new.
  package var draining: Bool
  /// Which jobs it takes at present.
  package var accepts: Acceptance
  /// Why it does not take all, in its own word; or why it was drained.
  package var why: String?
  /// Processors that it may use; nil where it does not say.
  package var processors: Int64?
  /// Memory of its machine, bytes; nil where it does not say.
  package var memoryBytes: Int64?

  package init(
    id: String, freeSlots: Int, onlySession: String? = nil, profiles: Set<String>,
    provides: Set<String> = [], draining: Bool = false, accepts: Acceptance = .all,
    why: String? = nil, processors: Int64? = nil, memoryBytes: Int64? = nil
  ) {
    self.id = id
    self.freeSlots = freeSlots
    self.onlySession = onlySession
    self.profiles = profiles
    self.provides = provides
    self.draining = draining
    self.accepts = accepts
    self.why = why
    self.processors = processors
    self.memoryBytes = memoryBytes
  }

  /// True where it may take a job of that session, whatever the job asks for.
  func accepts(session: String?) -> Bool { onlySession == nil || onlySession == session }

  /// True where it takes such jobs at present.
  func takes(_ needs: Needs) -> Bool {
    !draining && (accepts == .all || accepts == .small && needs.isSmall)
  }

  /// Why it does not get such a job now, in words; nil where it could.
  func obstacle(_ needs: Needs) -> String? {
    if !accepts(session: needs.session) { return "takes the jobs of one run only" }
    if let thing = lacks(needs) { return "does not offer \(thing)" }
    if draining { return "takes no new jobs" + (why.map { ": \($0)" } ?? "") }
    if !takes(needs) {
      let reason = why.map { ": \($0)" } ?? ""
      return accepts == .small ? "takes small jobs only\(reason)" : "takes no jobs now\(reason)"
    }
    return freeSlots > 0 ? nil : "has no free slot"
  }

  /// The first thing that the job asks for and this worker does not have, nil where it has all.
  func lacks(_ needs: Needs) -> String? {
    if !profiles.contains(needs.profile) { return needs.profileName }
    if let thing = needs.provided.first(where: { !provides.contains($0) }) { return thing }
    if needs.processors > processors ?? .max { return needs.processorsName }
    return needs.memoryBytes > memoryBytes ?? .max ? needs.memoryName : nil
  }

  /// True where it has this one of the things that jobs ask for.
  func offers(_ thing: String, _ needs: Needs) -> Bool {
    switch thing {
    case needs.profileName: profiles.contains(needs.profile)
    case needs.processorsName: needs.processors <= processors ?? .max
    case needs.memoryName: needs.memoryBytes <= memoryBytes ?? .max
    default: provides.contains(thing)
    }
  }

  /// How big its machine is, so roughly that alike ones are equal: powers of two of processors and
  /// of GiB, of which kernels keep some for themselves.
  var size: Int {
    let memory = ((memoryBytes ?? 0) / 3 * 4) >> 30
    return Int(64 - max(0, processors ?? 0).leadingZeroBitCount)
      + Int(64 - max(0, memory).leadingZeroBitCount)
  }
}

/// What jobs ask of a worker. Jobs that ask for the same are decided on together.
struct Needs: Hashable, Sendable {
  let session: String?
  let profile: String
  let provided: [String]
  let isSmall: Bool
  let processors: Int64
  let memoryBytes: Int64

  init(_ job: ReadyJob) {
    session = job.session
    profile = job.profile
    let language = job.language.isEmpty ? [] : ["language:\(job.language)"]
    provided = language + job.requirements
    isSmall = job.isSmall
    processors = job.processors
    memoryBytes = job.memoryBytes
  }

  var profileName: String { "profile:\(profile)" }
  var processorsName: String { "cpus:\(processors)" }
  var memoryName: String { "memory:\((memoryBytes + (1 << 20) - 1) >> 20)MiB" }

  /// Each thing by its own name, the profile first.
  var all: [String] {
    [profileName] + provided + (processors > 1 ? [processorsName] : [])
      + (memoryBytes > 0 ? [memoryName] : [])
  }
}
