/// The rights of Landlock by version, landlock(7).
enum LandlockRights {
  /// EXECUTE, READ_FILE, READ_DIR.
  static let read: UInt64 = 1 | 4 | 8
  /// READ_FILE, READ_DIR.
  static let readOnly: UInt64 = 4 | 8
  /// Rights that a rule for something other than a directory may give.
  static let ofFile: UInt64 = 1 | 2 | 4 | 1 << 14 | 1 << 15
  /// READ_FILE, WRITE_FILE, TRUNCATE.
  static let device: UInt64 = 2 | 4 | 1 << 14

  /// Every right on files that this version knows: REFER came with 2, TRUNCATE with 3, IOCTL_DEV
  /// with 5.
  static func files(_ version: Int64) -> UInt64 {
    switch version {
    case ..<2: (1 << 13) - 1
    case 2: (1 << 14) - 1
    case 3, 4: (1 << 15) - 1
    default: (1 << 16) - 1
    }
  }

  /// BIND_TCP and CONNECT_TCP, from version 4 on.
  static func network(_ version: Int64) -> UInt64 { version >= 4 ? 3 : 0 }

  /// Abstract UNIX sockets and signals, from version 6 on.
  static func scope(_ version: Int64) -> UInt64 { version >= 6 ? 3 : 0 }

  /// The length of struct landlock_ruleset_attr that this version takes.
  static func size(_ version: Int64) -> UInt64 { version >= 6 ? 24 : version >= 4 ? 16 : 8 }
}
