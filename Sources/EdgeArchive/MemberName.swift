internal import EdgeJob

/// Rules for the names inside archives, and their spelling in messages.
enum MemberName {
  /// The name that a member is known by, from the bytes that an archive gives; nil for the root of
  /// the archive itself (`./`), which many programs list.
  ///
  /// One leading `./` and one trailing `/` are taken off, which changes no meaning. Everything that
  /// another program could read as a different place is refused: absolute, `..`, `.`, empty
  /// components, backslashes, drive names, control characters, names that are not UTF-8.
  static func checked(_ raw: [UInt8], _ limits: ArchiveLimits) throws(Refusal) -> String? {
    var bytes = raw[...]
    if bytes.starts(with: [0x2E, 0x2F]) { bytes = bytes.dropFirst(2) }
    if bytes.isEmpty && !raw.isEmpty || raw == [0x2E] { return nil }
    if bytes.last == 0x2F, bytes.count > 1 { bytes = bytes.dropLast() }
    if bytes.isEmpty { throw Refusal("a member has no name") }
    let refuse = { (why: String) in Refusal("\(shown(raw)): \(why)") }
    if bytes.count > limits.nameBytes {
      throw refuse("the name is longer than \(limits.nameBytes) bytes")
    }
    if bytes.first == 0x2F { throw refuse("the name is absolute") }
    for byte in bytes where byte < 0x20 || byte == 0x7F {
      throw refuse("the name holds a control character")
    }
    if bytes.contains(UInt8(ascii: "\\")) { throw refuse("the name holds a backslash") }
    guard let name = String(validating: bytes, as: UTF8.self) else {
      throw refuse("the name is not UTF-8")
    }
    let components = bytes.split(separator: 0x2F, omittingEmptySubsequences: false)
    if components.count > limits.depth {
      throw refuse("the name has more than \(limits.depth) components")
    }
    for component in components { try check(component, limits, refuse) }
    if let first = components.first, first.count >= 2, first[first.startIndex + 1] == 0x3A {
      throw refuse("the name starts with a drive")
    }
    return name
  }

  private static func check(
    _ component: ArraySlice<UInt8>, _ limits: ArchiveLimits, _ refuse: (String) -> Refusal
  ) throws(Refusal) {
    if component.isEmpty { throw refuse("the name has an empty component") }
    if component.allSatisfy({ $0 == 0x2E }), component.count <= 2 {
      throw refuse("the name has a component \"\(String(decoding: component, as: UTF8.self))\"")
    }
    if component.count > limits.componentBytes {
      throw refuse("a component of the name is longer than \(limits.componentBytes) bytes")
    }
  }

  /// Checks where a symbolic link points to: relative, and inside `part` of the tree that its own
  /// name starts with.
  ///
  /// `..` may only stand at the front. Behind another name it would be taken from wherever that
  /// name leads, which may be a link itself; in front it is taken from directories that are none,
  /// since no member lies behind a link.
  static func checkTarget(_ target: [UInt8], of name: String, _ limits: ArchiveLimits)
    throws(Refusal)
  {
    let refuse = { (why: String) in Refusal("\(shown(name)): the link's target \(why)") }
    guard !target.isEmpty, target.count <= limits.nameBytes else {
      throw refuse("is empty or too long")
    }
    if target.contains(where: { $0 < 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\\") }) {
      throw refuse("holds a control character or a backslash")
    }
    guard String(validating: target, as: UTF8.self) != nil else { throw refuse("is not UTF-8") }
    if target.first == 0x2F { throw refuse("is absolute") }
    let up: [UInt8] = [0x2E, 0x2E]
    let components = target.split(separator: 0x2F, omittingEmptySubsequences: false)
    let ups = components.prefix { $0.elementsEqual(up) }.count
    // The name's first component is the part, its last the link itself.
    if ups > name.utf8.count(where: { $0 == 0x2F }) - 1 { throw refuse("leaves the tree") }
    if ups == components.count { throw refuse("is a directory above it") }
    for component in components.dropFirst(ups) {
      if component.elementsEqual(up) { throw refuse("has \"..\" behind a name") }
      if component.isEmpty || component.elementsEqual([0x2E]) {
        throw refuse("has an empty component or \".\"")
      }
    }
  }

  /// The name as people may safely see it: at most 120 characters, everything that a terminal could
  /// act upon written as `\xNN`.
  static func shown(_ name: some Sequence<UInt8>) -> String {
    let bytes = Array(name.prefix(480))
    // Nearly every name; asking for the category of each character is slow.
    if bytes.count <= 120, bytes.allSatisfy({ (0x20..<0x7F).contains($0) && $0 != 0x5C }) {
      return String(decoding: bytes, as: UTF8.self)
    }
    var text = ""
    guard let valid = String(validating: bytes, as: UTF8.self) else {
      return shorten(bytes.map { (0x20..<0x7F).contains($0) ? ascii($0) : escaped($0) }.joined())
    }
    for scalar in valid.unicodeScalars {
      let isPlain =
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse: false
        default: scalar != "\\"
        }
      text += isPlain ? String(Character(scalar)) : String(scalar).utf8.map(escaped).joined()
    }
    return shorten(text)
  }

  static func shown(_ name: String) -> String { shown(name.utf8) }

  private static func shorten(_ text: String) -> String {
    text.count > 120 ? "\(text.prefix(60))…\(text.suffix(40))" : text
  }

  private static func ascii(_ byte: UInt8) -> String { String(Character(Unicode.Scalar(byte))) }

  private static func escaped(_ byte: UInt8) -> String { "\\x" + Hex.text([byte]) }
}
