package import EdgeJob
package import EdgeSystem
internal import Glibc

/// A submission that the coordinator has copied into files of its own.
package struct Taken: Hashable, Sendable {
  /// Its name in `incoming/`.
  package let name: String
  /// The uid that owns the submitted file.
  package let submitter: UInt32
  package let requests: RequestList?
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

  /// How many names wait in `incoming/`, and which of them are batches.
  package func incomingCount() throws(SpoolError) -> (count: Int, batches: [String]) {
    let incoming = try directory(Layout.incoming)
    let names = try Spool.calls { () throws(SystemError) in try incoming.names() }
      .filter { $0.first != 0x2E }
    // The names of batches end in zeros; few others have to be looked at closely.
    let batches = names.filter { $0.count == 26 && $0.suffix(3).elementsEqual("000".utf8) }
      .compactMap { String(validating: $0, as: UTF8.self) }
      .filter { JobID($0)?.isBatch == true }
    return (names.count, batches.sorted())
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
      let source = try openForeign(incoming, name)
      let status = try source.status()
      guard status.kind == .file, status.links == 1 else {
        throw SystemError("take", errno: EINVAL, subject: "\(name): no regular file with one link")
      }
      let submission: Submission
      do throws(SpoolError) { submission = try Submission(head: source.raw) } catch {
        throw SystemError("take", errno: EBADMSG, subject: error.what)
      }
      // Before the copy, which would fill the disk first.
      guard status.size - submission.archiveOffset <= Spool.archiveBytesMax else {
        throw SystemError(
          "take", errno: EFBIG, subject: "\(name): more than \(Spool.archiveBytesMax) bytes")
      }
      // Most archives were seen before: one that we have is read, and not written again.
      if let digest = known(source, submission.archiveOffset, status.size, in: blobs) {
        return Taken(
          name: name, submitter: status.owner, requests: submission.requests, blob: digest,
          isNewBlob: false, modified: status.modified)
      }
      let copy = try blobs.unnamedFile(mode: 0o440)
      let (sha256, length) = try copyHashing(
        source.raw, from: submission.archiveOffset, to: copy.raw, atMost: Spool.archiveBytesMax)
      let digest = Digest(bytes: sha256)
      var isNew = true
      do { try blobs.link(copy, as: digest.hex) } catch  where error.exists {
        // A power cut can leave a name whose content never reached the disk.
        isNew = (try? blobs.status(digest.hex))?.size != length
        if isNew { try blobs.linkOver(copy, digest.hex) }
      }
      return Taken(
        name: name, submitter: status.owner, requests: submission.requests, blob: digest,
        isNewBlob: isNew, modified: status.modified)
    } catch  where error.errno == ENOENT {
      throw SpoolError(.notFound, "\(name) is not there")
    } catch  where error.call == "take" || error.errno == EFBIG {
      throw SpoolError(.badInput, error.subject)
    } catch {
      throw SpoolError(error)
    }
  }

  /// The digest of a small archive that `blobs/` holds already, nil for any other one.
  private func known(
    _ source: borrowing Descriptor, _ offset: Int64, _ size: Int64, in blobs: borrowing Directory
  ) -> Digest? {
    let length = size - offset
    guard (0...(1 << 20)).contains(length) else { return nil }
    // What is read is what counts, whatever its owner does to the file meanwhile.
    let bytes = readRange(source.raw, at: offset, count: Int(length))
    let digest = Digest(bytes: Hash.sha256(bytes))
    guard let status = try? blobs.status(digest.hex), status.kind == .file,
      status.size == Int64(bytes.count), bytes.count == length
    else { return nil }
    return digest
  }

  /// Opens a file that somebody else made, without waiting for a FIFO; `take` fails where its owner
  /// made it such that it cannot be opened, or removed it.
  func openForeign(_ directory: borrowing Directory, _ name: String) throws(SystemError)
    -> Descriptor
  {
    do { return try directory.open(name, O_RDONLY | O_NONBLOCK) } catch {
      switch error.errno {
      case ELOOP, ENXIO, EACCES, EPERM, ENOENT:
        throw SystemError("take", errno: error.errno, subject: error.description)
      default: throw error
      }
    }
  }

  /// Makes the names in `incoming/` durable. A submitter flushes them too, but a submission can be
  /// seen before that.
  package func syncIncoming() throws(SpoolError) {
    let incoming = try directory(Layout.incoming)
    try Spool.calls { () throws(SystemError) in try incoming.sync() }
  }

  /// Removes what was taken from `incoming/`; nothing happens where it is gone already.
  package func removeIncoming(_ name: String) throws(SpoolError) {
    let incoming = try directory(Layout.incoming)
    do throws(SystemError) { try incoming.discard(name) } catch { throw SpoolError(error) }
  }

  /// What the content of a blob really has for a digest.
  package func digest(ofBlob digest: Digest) throws(SpoolError) -> Digest {
    let file = try openBlob(digest)
    return Digest(
      bytes: try Spool.calls { () throws(SystemError) in try Hash.sha256(file: file.raw) })
  }

  /// Opens a blob for reading.
  package func openBlob(_ digest: Digest) throws(SpoolError) -> Descriptor {
    do { return try root.open(Layout.blob(digest), O_RDONLY) } catch { throw SpoolError(error) }
  }
}
