package import EdgeJob
package import EdgeSystem
internal import Glibc

/// A submission that the coordinator has copied into files of its own.
package struct Taken: Hashable, Sendable {
  /// Its name in `incoming/`.
  package let name: String
  /// The uid that owns the submitted file.
  package let submitter: UInt32
  package let requests: [Request]
  /// SHA-256 of the archive; `blobs/<digest>` holds it.
  package let blob: Digest
  /// True where the archive's blob was made now, and has not been flushed yet.
  package let isNewBlob: Bool
  /// Nanoseconds since 1970 UTC; tells two files of the same name apart.
  package let modified: Int64
}

extension Spool {
  /// The most bytes of one task archive.
  package static let archiveBytesMax: Int64 = 2 << 30

  /// The names that wait in `incoming/`, oldest name first, at most `most` of them.
  package func incoming(atMost most: Int) throws(SpoolError) -> [String] {
    let incoming = try directory(Layout.incoming)
    return Array(try Spool.calls { () throws(SystemError) in try incoming.entries() }.prefix(most))
  }

  /// Copies a submission: the requests into memory, the archive into `blobs/` while hashing it.
  ///
  /// The submitted file is never renamed, because its inode still belongs to the submitter; what he
  /// does to it afterwards changes nothing.
  /// - Throws: `badInput` where it is no regular file with one link, or its request is wrong.
  package func take(_ name: String) throws(SpoolError) -> Taken {
    let incoming = try directory(Layout.incoming)
    let blobs = try directory(Layout.blobs)
    do throws(SystemError) {
      let source = try incoming.open(name, O_RDONLY | O_NONBLOCK)
      let status = try source.status()
      guard status.kind == .file, status.links == 1 else {
        throw SystemError("take", errno: EINVAL, subject: "\(name): no regular file with one link")
      }
      let submission: Submission
      do throws(SpoolError) { submission = try Submission(head: source.raw) } catch {
        throw SystemError("take", errno: EBADMSG, subject: error.what)
      }
      let copy = try blobs.unnamedFile(mode: 0o440)
      let (sha256, _) = try copyHashing(
        source.raw, from: submission.archiveOffset, to: copy.raw, atMost: Spool.archiveBytesMax)
      let digest = Digest(bytes: sha256)
      var isNew = true
      do { try blobs.link(copy, as: digest.hex) } catch where error.exists { isNew = false }
      return Taken(
        name: name, submitter: status.owner, requests: submission.requests, blob: digest,
        isNewBlob: isNew, modified: status.modified)
    } catch where error.call == "take" || error.errno == EFBIG || error.errno == ELOOP {
      throw SpoolError(.badInput, error.subject)
    } catch {
      throw SpoolError(error)
    }
  }

  /// Removes what was taken from `incoming/`; nothing happens where it is gone already.
  package func removeIncoming(_ name: String) throws(SpoolError) {
    let incoming = try directory(Layout.incoming)
    do { try incoming.removeTree(name) } catch where error.isNotFound {} catch {
      throw SpoolError(error)
    }
  }

  /// Opens a blob for reading.
  package func openBlob(_ digest: Digest) throws(SpoolError) -> Descriptor {
    do { return try root.open(Layout.blob(digest), O_RDONLY) } catch { throw SpoolError(error) }
  }

  /// Puts what cannot be admitted aside: a copy of the file, and why, as `NAME` and `NAME.json`.
  /// The reason is readable by who submitted it.
  package func quarantine(_ name: String, job: JobID?, submitter: UInt32, reason: String)
    throws(SpoolError)
  {
    let incoming = try directory(Layout.incoming)
    let quarantine = try directory(Layout.quarantine)
    let target = job?.description ?? safeName(name)
    let note: JSON = .members([
      ("schema", "edgecoder.quarantine/1"), ("name", .string(name)),
      ("job", job.map { .string($0.description) }), ("submitter", .int(Int64(submitter))),
      ("reason", .string(reason)), ("at", .int(Clocks.milliseconds())),
    ])
    do throws(SystemError) {
      if let source = try? incoming.open(name, O_RDONLY | O_NONBLOCK),
        try source.status().kind == .file
      {
        let file = try quarantine.unnamedFile(mode: 0o400)
        _ = try copyHashing(source.raw, from: 0, to: file.raw, atMost: Spool.archiveBytesMax)
        try file.sync()
        do { try quarantine.link(file, as: target) } catch where error.exists {}
      }
      let why = try quarantine.unnamedFile(mode: 0o400)
      try why.write(note.canonical + [0x0A])
      if submitter != owner { try why.grantRead(to: submitter) }
      try why.sync()
      do { try quarantine.link(why, as: target + ".json") } catch where error.exists {}
      try quarantine.sync()
    } catch {
      throw SpoolError(error)
    }
  }

  /// A file name made of a hostile one: letters, digits, dot and dash, at most 80 characters.
  private func safeName(_ name: String) -> String {
    let kept = name.utf8.prefix(80).map { byte in
      (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte) || (0x30...0x39).contains(byte)
        || byte == 0x2D || byte == 0x2E ? byte : 0x5F
    }
    return "dropped-" + String(decoding: kept, as: UTF8.self)
  }
}
