internal import EdgeCoordinator
internal import EdgeJob
internal import EdgeSpool
internal import EdgeSystem
internal import Glibc

/// `submit --spool SPOOL [--queue QUEUE] ARCHIVE`, as programs call it for every job. It is read
/// without the parser of the command line, which would take longer than everything else; every
/// other form, and everything that is wrong with this one, goes there.
enum QuickSubmit {
  /// Hands an archive over and prints the id of its job.
  /// - Parameter arguments: those behind the program's name.
  /// - Returns: false where the arguments have another form; then nothing was done.
  static func run(_ arguments: [String]) throws -> Bool {
    guard let form = Form(arguments) else { return false }
    let raw = open(form.archive, O_RDONLY | O_CLOEXEC)
    if raw < 0 { return false }
    let archive = Descriptor(owning: raw)
    guard try archive.status().kind == .file else { return false }
    let spool = try Spool(path: form.spool)
    let job = JobNaming(spool: spool, uid: Identity.user).file(of: [form.request])
    guard try spool.submit([form.request], as: job, archive: archive.raw) else { return false }
    Console.write("\(job)\n")
    return true
  }

  /// The arguments, where they have this form.
  private struct Form {
    var spool: String
    var archive: String
    var request = Request()

    init?(_ arguments: [String]) {
      guard arguments.first == "submit" else { return nil }
      var spool = Identity.environment("EDGECODER_SPOOL")
      var archive: String?
      var rest = arguments.dropFirst()
      while let argument = rest.popFirst() {
        switch argument {
        case "--spool":
          guard let value = rest.popFirst() else { return nil }
          spool = value
        case "--queue":
          guard let value = rest.popFirst(), Name.isValid(value) else { return nil }
          request.queue = value
        default:
          if argument.hasPrefix("-") || archive != nil { return nil }
          archive = argument
        }
      }
      guard let spool, let archive, !spool.hasPrefix("-") else { return nil }
      self.spool = spool
      self.archive = archive
    }
  }
}
