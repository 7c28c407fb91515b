internal import CLinux
internal import Glibc

extension Directory {
  /// A file that no name leads to yet, on this directory's file system; `link` gives it one.
  package func unnamedFile(mode: UInt32 = 0o600) throws(SystemError) -> Descriptor {
    let file = Descriptor(
      owning: try checked("open", name) {
        ec_openat(raw, ".", ec_o_tmpfile | O_RDWR | O_CLOEXEC, mode)
      })
    _ = try checked("chmod", name) { fchmod(file.raw, mode) }
    return file
  }

  /// Gives an unnamed file its name; EEXIST where the name is taken.
  package func link(_ file: borrowing Descriptor, as path: String) throws(SystemError) {
    let source = file.raw
    _ = try checked("link", subject(path)) { ec_link_descriptor(source, raw, path) }
  }

  /// Publishes a new file: content, then fsync, then name. The name is durable after `sync()` of
  /// this directory, which the caller does once for many files.
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
  /// after `sync()` of this directory.
  package func overwrite(_ path: String, _ bytes: [UInt8], mode: UInt32 = 0o600)
    throws(SystemError)
  {
    let temporary = ".\(path).\(Hex16.random())"
    let file = try open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
    do {
      _ = try checked("chmod", subject(path)) { fchmod(file.raw, mode) }
      try file.write(bytes)
      try file.sync()
      try replace(temporary, to: self, path)
    } catch {
      unlinkat(raw, temporary, 0)
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
  package static func bytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = bytes.withUnsafeMutableBytes { ec_random($0.baseAddress, $0.count) }
    precondition(got == count, "the kernel gives random bytes up to 256 without failing")
    return bytes
  }
}

extension Descriptor {
  /// Lets this uid read a file of ours, besides its owner; acl(5).
  package func grantRead(to uid: UInt32) throws(SystemError) {
    _ = try checked("setfacl", "uid \(uid)") { ec_grant_read(raw, uid) }
  }
}
