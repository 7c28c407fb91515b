internal import CLinux
internal import Glibc

extension Directory {
  /// A file that no name leads to yet, on this directory's file system; `link` gives it one.
  package func unnamedFile(mode: UInt32 = 0o600) throws(SystemError) -> Descriptor {
    let file = Descriptor(
      owning: try checked("open", name) {
        let file = ec_openat(raw, ".", ec_o_tmpfile | O_RDWR | O_CLOEXEC, mode)
        // Network file systems know no files without a name, open(2).
        guard file < 0, errno == EOPNOTSUPP || errno == EISDIR else { return file }
        return ec_openat(
          raw, Directory.namePrefix + Hex16.random(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode)
      })
    _ = try checked("chmod", name) { fchmod(file.raw, mode) }
    return file
  }

  /// Gives an unnamed file its name; EEXIST where the name is taken.
  package func link(_ file: borrowing Descriptor, as path: String) throws(SystemError) {
    let source = file.raw
    if let first = Directory.firstName(of: source), contains(first) {
      return try rename(first, to: self, path)
    }
    let place = try nameInParent(path)
    _ = try checked("link", subject(path)) {
      ec_link_descriptor(source, place.parent, place.name)
    }
  }

  /// What files begin with that have a name only because their file system wants one.
  private static let namePrefix = ".unnamed."

  /// The name that `unnamedFile` had to give; nil where the file has none. Only such a file is
  /// renamed: with a link there would be two names for a moment, which others refuse.
  private static func firstName(of file: Int32) -> String? {
    var path = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    guard readlink("/proc/self/fd/\(file)", &path, Int(PATH_MAX)) > 0 else { return nil }
    let text = String(
      decoding: path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard let name = text.split(separator: "/").last, name.hasPrefix(namePrefix) else { return nil }
    return String(name)
  }

  /// Publishes a new file: content, then fsync, then name. The name is durable after `sync()` of
  /// the directory that holds it, which the caller does once for many files.
  /// - Throws: EEXIST where the name is taken; nothing is left behind.
  package func publish(_ path: String, _ bytes: [UInt8], mode: UInt32 = 0o600, durable: Bool = true)
    throws(SystemError)
  {
    let file = try unnamedFile(mode: mode)
    try file.write(bytes)
    if durable { try file.sync() }
    try link(file, as: path)
  }

  /// Replaces a file by new content in one step: content, fsync, rename over. The name is durable
  /// after `sync()` of the directory that holds it.
  /// - Parameter durable: false leaves the fsync out: a power cut may then leave an empty file.
  package func overwrite(
    _ path: String, _ bytes: [UInt8], mode: UInt32 = 0o600, durable: Bool = true
  ) throws(SystemError) {
    let cut = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    let temporary = "\(path[..<cut]).\(path[cut...]).\(Hex16.random())"
    let file = try open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
    do {
      _ = try checked("chmod", subject(path)) { fchmod(file.raw, mode) }
      try file.write(bytes)
      if durable { try file.sync() }
      try replace(temporary, to: self, path)
    } catch {
      try? remove(temporary)
      throw error
    }
  }
}

/// Names that nobody else picks.
package enum Hex16 {
  /// 16 random hexadecimal digits.
  package static func random() -> String {
    let digits = Array("0123456789abcdef".utf8)
    let text = Random.bytes(16).map { digits[Int($0 & 15)] }
    return String(decoding: text, as: UTF8.self)
  }
}

/// Random bytes of the kernel, getrandom(2).
package enum Random {
  /// As many random bytes.
  package static func bytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    for start in stride(from: 0, to: count, by: 256) {
      let wanted = min(256, count - start)
      let got = bytes.withUnsafeMutableBytes {
        ec_random(UnsafeMutableRawBufferPointer(rebasing: $0[start...]).baseAddress, wanted)
      }
      precondition(got == wanted, "the kernel gives random bytes up to 256 without failing")
    }
    return bytes
  }
}

extension Descriptor {
  /// Lets this uid read a file of ours, besides its owner; acl(5).
  package func grantRead(to uid: UInt32) throws(SystemError) {
    _ = try checked("setfacl", "uid \(uid)") { ec_grant_read(raw, uid) }
  }
}
