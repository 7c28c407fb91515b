internal import EdgeJob

/// What a profile lets a program have of the network. The rules for it are made here, so that no
/// profile writes them by hand.
package enum NetworkGrant: String, CaseIterable, Sendable {
  /// No socket at all.
  case none
  /// Sockets of the UNIX domain, which reach nobody outside.
  case unix
  /// As `unix`, and TCP and UDP; the run has a loopback interface of its own and no other.
  case loopback

  /// Calls that a grant decides about, whatever else a profile or a document says.
  static let calls: Set<String> = ["socket", "socketpair", "socketcall"]

  /// Calls that work on a socket that is there.
  static let work = [
    "bind", "connect", "listen", "accept", "accept4", "getsockname", "getpeername",
    "getsockopt", "setsockopt", "sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg",
    "recvmmsg_time64", "shutdown",
  ]

  /// The groups of this grant, as they would stand in a profile.
  var groups: [JSON] {
    switch self {
    case .none: []
    case .unix: NetworkGrant.unixGroups
    case .loopback: NetworkGrant.unixGroups + NetworkGrant.internetGroups
    }
  }

  /// The comparisons of each of its rules about one of `calls`.
  func rules(_ name: String) -> [[SyscallPolicy.Argument]] {
    groups.filter { $0["names"]?.elements?.contains(.string(name)) == true }.map { group in
      (group["args"]?.elements ?? []).map { json in
        func number(_ name: String) -> UInt64 { UInt64(json[name]?.integer ?? 0) }
        return .masked(UInt32(number("index")), number("value"), number("valueTwo"))
      }
    }
  }

  private static let unixGroups = [
    group(
      ["socket", "socketpair"], [argument(0, 1)],
      why: "network: sockets of the UNIX domain (AF_UNIX = 1); none of the machine's is visible."),
    group(work, [], why: "network: work on the sockets that there are."),
  ]

  /// AF_INET 2 and AF_INET6 10; SOCK_STREAM 1 with TCP 6, SOCK_DGRAM 2 with UDP 17, or 0 for
  /// either. The type has flags above its low four bits.
  private static let internetGroups = [(2, "AF_INET"), (10, "AF_INET6")].flatMap { domain, name in
    [(1, 6, "TCP"), (2, 17, "UDP")].flatMap { type, own, word in
      [0, own].map { (number: Int64) in
        group(
          ["socket"],
          [argument(0, Int64(domain)), argument(1, Int64(type), mask: 15), argument(2, number)],
          why: "network: \(word) over \(name), to the run's own loopback interface.")
      }
    }
  }

  private static func group(_ names: [String], _ arguments: [JSON], why: String) -> JSON {
    .members([
      ("names", .texts(names)), ("action", "SCMP_ACT_ALLOW"),
      ("args", arguments.isEmpty ? nil : .array(arguments)), ("why", .string(why)),
    ])
  }

  private static func argument(_ index: Int64, _ value: Int64, mask: Int64 = 0xFFFF_FFFF) -> JSON {
    [
      "index": .int(index), "value": .int(mask), "valueTwo": .int(value),
      "op": "SCMP_CMP_MASKED_EQ",
    ]
  }
}
