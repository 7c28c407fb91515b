package import EdgeJob
internal import EdgeSystem
internal import Glibc

extension Spool {
  /// Puts what cannot be admitted aside: a copy of the file, and why, as `NAME` and `NAME.json`.
  ///
  /// The reason is readable by who submitted it. What is no regular file, or longer than an archive
  /// may be, is not copied; nothing that was put aside earlier is replaced.
  package func quarantine(_ name: String, job: JobID?, submitter: UInt32, reason: String)
    throws(SpoolError)
  {
    let incoming = try directory(Layout.incoming)
    try putAside(
      name, from: incoming, as: job?.description ?? "dropped-\(safeName(name))-\(Hex16.random())",
      note: [
        ("name", .string(name)), ("job", job.map { .string($0.description) }),
        ("submitter", .int(Int64(submitter))), ("reason", .string(reason)),
      ], readers: [submitter])
  }

  /// Notes why a job of a batch was rejected, whose file stands elsewhere.
  package func quarantineNote(_ job: JobID, submitter: UInt32, reason: String) throws(SpoolError) {
    let json: JSON = [
      "schema": "edgecoder.quarantine/1", "job": .string(job.description),
      "submitter": .int(Int64(submitter)), "reason": .string(reason),
      "at": .int(Clocks.milliseconds()),
    ]
    do throws(SystemError) {
      let quarantine = try root.directory(Layout.quarantine)
      let note = try quarantine.unnamedFile(mode: 0o400)
      try note.write(json.canonical + [0x0A])
      if submitter != owner { try note.grantRead(to: submitter) }
      do { try quarantine.link(note, as: "\(job).json") } catch  where error.exists {}
    } catch {
      throw SpoolError(error)
    }
  }

  /// Puts an outbox file that cannot be settled aside, with the reason. It is copied, because its
  /// inode still belongs to the worker, and then removed.
  package func quarantineOutbox(_ path: String, reason: String) throws(SpoolError) {
    let cut = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    let name = String(path[cut...])
    let outbox = try directory(String(path[..<cut].dropLast()))
    try putAside(
      name, from: outbox, as: "outbox-\(safeName(name))-\(Hex16.random())",
      note: [("name", .string(path)), ("reason", .string(reason))], readers: [])
    do throws(SystemError) { try outbox.discard(name) } catch { throw SpoolError(error) }
  }

  private func putAside(
    _ name: String, from source: borrowing Directory, as wanted: String,
    note: [(String, JSON?)], readers: Set<UInt32>
  ) throws(SpoolError) {
    do throws(SystemError) {
      let quarantine = try root.directory(Layout.quarantine)
      var readers = readers
      let bytes = try copyForeign(name, from: source, to: quarantine, readers: &readers)
      let why = try quarantine.unnamedFile(mode: 0o400)
      let json: JSON = .members(
        [("schema", "edgecoder.quarantine/1")] + note + [("at", .int(Clocks.milliseconds()))])
      try why.write(json.canonical + [0x0A])
      for reader in readers where reader != owner { try why.grantRead(to: reader) }
      try why.sync()
      let isTaken = quarantine.contains(wanted) || quarantine.contains(wanted + ".json")
      let target = isTaken ? "\(wanted)-\(Hex16.random())" : wanted
      if let bytes { try quarantine.link(bytes, as: target) }
      try quarantine.link(why, as: target + ".json")
      try quarantine.sync()
    } catch {
      throw SpoolError(error)
    }
  }

  /// A flushed copy of a regular file without a name; nil where there is none that can be copied.
  private func copyForeign(
    _ name: String, from source: borrowing Directory, to target: borrowing Directory,
    readers: inout Set<UInt32>
  ) throws(SystemError) -> Descriptor? {
    guard let file = try? openForeign(source, name) else { return nil }
    let status = try file.status()
    guard status.kind == .file, status.size <= Spool.archiveBytesMax else { return nil }
    readers.insert(status.owner)
    let copy = try target.unnamedFile(mode: 0o400)
    do {
      _ = try copyHashing(file.raw, from: 0, to: copy.raw, atMost: Spool.archiveBytesMax)
    } catch  where error.errno == EFBIG {
      // It grew while we looked.
      return nil
    }
    try copy.sync()
    return copy
  }

  /// A part of a file name made of a hostile one: letters, digits, dot and dash, at most 80.
  private func safeName(_ name: String) -> String {
    let kept = name.utf8.prefix(80).map { byte in
      (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte) || (0x30...0x39).contains(byte)
        || byte == 0x2D || byte == 0x2E ? byte : 0x5F
    }
    return String(decoding: kept, as: UTF8.self)
  }
}

extension Directory {
  /// Removes what somebody else put here. A folder of his that is not empty stays, under a name
  /// with a leading dot, which every reader passes over.
  func discard(_ name: String) throws(SystemError) {
    do { try removeTree(name) } catch {
      guard error.errno == EACCES || error.errno == EPERM || error.errno == ENOTEMPTY else {
        throw error
      }
      do { try rename(name, to: self, ".discarded-\(Hex16.random())") } catch
        where error.isNotFound
      {}
    }
  }

  /// Gives an unnamed file a name that may be taken: linked beside and renamed over, so that there
  /// is a whole file at every moment.
  func linkOver(_ file: borrowing Descriptor, _ name: String) throws(SystemError) {
    let temporary = ".\(name).\(Hex16.random())"
    try link(file, as: temporary)
    try replace(temporary, to: self, name)
  }
}
