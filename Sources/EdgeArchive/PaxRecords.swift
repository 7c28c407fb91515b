internal import EdgeJob

/// The records of a pax extended header, POSIX.1-2001: `length key=value\n`.
struct PaxRecords {
  var path: [UInt8]?
  var target: [UInt8]?
  var size: Int64?

  /// What an archive may say that changes neither name nor content: it is dropped. Owners, times,
  /// extended attributes and ACLs never reach a file of ours.
  private static let dropped: Set<String> = [
    "atime", "ctime", "mtime", "uid", "gid", "uname", "gname", "comment",
  ]
  private static let droppedPrefixes = [
    "SCHILY.xattr.", "SCHILY.acl.", "LIBARCHIVE.", "RHT.security.",
  ]
  private static let droppedVendor: Set<String> = [
    "SCHILY.fflags", "SCHILY.dev", "SCHILY.ino", "SCHILY.nlink", "SCHILY.devmajor",
    "SCHILY.devminor", "SCHILY.realsize",
  ]

  /// - Parameter isGlobal: a header for all members that follow, which may name none of them.
  init(_ bytes: [UInt8], isGlobal: Bool) throws(Refusal) {
    var rest = bytes[...]
    var seen: Set<String> = []
    while !rest.isEmpty {
      let (key, value) = try PaxRecords.record(&rest)
      guard seen.insert(key).inserted else {
        throw Refusal("a pax header gives \"\(MemberName.shown(key))\" twice")
      }
      if PaxRecords.isDropped(key) { continue }
      switch (key, isGlobal) {
      case ("path", false): path = Array(value)
      case ("linkpath", false): target = Array(value)
      case ("size", false):
        guard (1...18).contains(value.count),
          value.allSatisfy({ (0x30...0x39).contains($0) }),
          let number = Int64(String(decoding: value, as: UTF8.self))
        else { throw Refusal("a pax header gives a size that is no number") }
        size = number
      case ("hdrcharset", _):
        let charset = String(decoding: value, as: UTF8.self)
        guard charset == "BINARY" || charset == "ISO-IR 10646 2000 UTF-8" else {
          throw Refusal("a pax header names the charset \"\(MemberName.shown(value))\"")
        }
      case _ where key.hasPrefix("GNU.sparse."): throw Refusal("sparse members are not taken")
      default: throw Refusal("a pax header holds \"\(MemberName.shown(key))\", which is not taken")
      }
    }
  }

  private static func isDropped(_ key: String) -> Bool {
    dropped.contains(key) || droppedVendor.contains(key)
      || droppedPrefixes.contains { key.hasPrefix($0) }
  }

  private static func record(_ rest: inout ArraySlice<UInt8>) throws(Refusal) -> (
    key: String, value: ArraySlice<UInt8>
  ) {
    let damaged = Refusal("a pax header is damaged")
    let digits = rest.prefix(8).prefix { (0x30...0x39).contains($0) }
    guard let length = Int(String(decoding: digits, as: UTF8.self)), length <= rest.count,
      length >= digits.count + 4, rest[rest.startIndex + digits.count] == 0x20
    else { throw damaged }
    let record = rest.prefix(length).dropFirst(digits.count + 1)
    rest = rest.dropFirst(length)
    guard record.last == 0x0A, let equals = record.firstIndex(of: 0x3D),
      let key = String(validating: record[..<equals], as: UTF8.self), !key.isEmpty
    else { throw damaged }
    return (key, record[(equals + 1)...].dropLast())
  }

  /// The bytes of a header with these records.
  static func encoded(_ records: [(key: String, value: [UInt8])]) -> [UInt8] {
    var bytes: [UInt8] = []
    for (key, value) in records {
      let rest = key.utf8.count + value.count + 3
      var length = rest + 1
      while String(length).count + rest != length { length = String(length).count + rest }
      bytes += Array("\(length) \(key)=".utf8) + value + [0x0A]
    }
    return bytes
  }
}
