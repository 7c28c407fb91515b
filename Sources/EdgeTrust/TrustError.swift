/// Why a key or a signature is not taken.
package struct TrustError: Error, Hashable, Sendable, CustomStringConvertible {
  package let problem: Problem
  /// The file, or the kind of document, that it is about.
  package let subject: String

  package init(_ problem: Problem, subject: String) {
    self.problem = problem
    self.subject = subject
  }

  /// What is wrong.
  package enum Problem: Hashable, Sendable {
    /// The file could not be read or written; the system's own words.
    case system(String)
    /// Others than the owner may read or write the file; its permission bits.
    case exposed(mode: UInt32)
    /// The file belongs to this uid, which is neither ours nor root's.
    case foreign(owner: UInt32)
    /// A link, directory or device instead of a file.
    case notAFile
    /// There is a file of that name already.
    case exists
    /// The bytes are not what they should be.
    case malformed(String)
    /// The envelope carries another type of payload.
    case wrongType(String)
    /// No key of that id is known here.
    case unknownKey(String)
    /// The signature is not of these bytes and this key.
    case badSignature(key: String)
  }

  /// What went wrong, in a few words.
  package var what: String {
    switch problem {
    case .system, .notAFile, .exposed, .foreign: "the key cannot be used"
    case .exists: "the key cannot be written"
    case .malformed: "the document cannot be read"
    case .wrongType, .unknownKey, .badSignature: "the signature is not accepted"
    }
  }

  /// The reason.
  package var why: String {
    switch problem {
    case .system(let words): words
    case .exposed(let mode):
      "its permissions are 0\(String(mode, radix: 8)): others than the owner may use it"
    case .foreign(let owner): "it belongs to uid \(owner)"
    case .notAFile: "it is a link, a directory or a device"
    case .exists: "there is a file of that name"
    case .malformed(let words): words
    case .wrongType(let found): "it is signed as \"\(found)\""
    case .unknownKey(let id): "no key \(id) is enrolled here"
    case .badSignature(let key): "it was not made by key \(key) over these bytes"
    }
  }

  /// What to do next, or nil.
  package var hint: String? {
    switch problem {
    case .exposed: "chmod 600 the file, or make a new key if others may have read it"
    case .foreign: "copy the key to a file of your own, mode 0600"
    case .notAFile: "name the file itself"
    case .exists: "keys are never overwritten: choose another name"
    case .unknownKey: "enrol the worker's public key, then try again"
    case .system, .malformed, .wrongType, .badSignature: nil
    }
  }

  package var description: String { "\(what): \(subject): \(why)" }
}
