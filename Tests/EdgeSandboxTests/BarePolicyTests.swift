import EdgeJob
import EdgeTestSupport
import Testing

@testable import EdgeSandbox

/// What is taken from a policy where there are no namespaces, whoever wrote it.
struct BarePolicyTests {
  private static let all =
    Policies.ours.dropLast() + (SharedData.folder("seccomp") == nil ? [] : Policies.documents)

  private func decides(_ policy: SyscallPolicy, _ name: String, _ arguments: UInt64...) throws
    -> SeccompAction?
  {
    let number = try #require(SyscallTable.number(of: name))
    let call = SeccompCall(
      number: UInt32(number), architecture: ResolvedPolicy.architecture,
      arguments: arguments + [UInt64](repeating: 7, count: 6 - arguments.count))
    let resolved = ResolvedPolicy(policy)
    return resolved.action(resolved.decision(call), reporting: true)
  }

  @Test(arguments: all, [false, true])
  func whatReachesOutsideIsTold(name: String, sharesUser: Bool) throws {
    let policy = try Policies.named(name)
    let bare = BarePolicy.narrowed(policy, sharesUser: sharesUser)
    for call in ["socket", "connect", "bind", "shmget", "mq_open", "semget", "inotify_add_watch"] {
      #expect(try decides(bare, call, 1) != .allow, "\(call)")
    }
    for type: UInt64 in [1, 5, 0x80801] {
      #expect(try decides(bare, "socketpair", 1, type) == .allow)
    }
    for type: UInt64 in [2, 3, 0x80802] {
      #expect(try decides(bare, "socketpair", 1, type) == .notify)
    }
    #expect(try decides(bare, "socketpair", 2, 1) == .notify)
    for call in ["chmod", "fchmodat", "fchownat", "utime"] {
      #expect(try decides(bare, call) == (sharesUser ? .notify : .allow), "\(call)")
    }
    #expect(try decides(bare, "utimensat", 3, 0) == .allow)
    #expect(try decides(bare, "utimensat", 3, 4096) == (sharesUser ? .notify : .allow))
    #expect(try decides(bare, "setpriority", 0, 0) == .allow)
    #expect(try decides(bare, "setpriority", 0, 99) == (sharesUser ? .notify : .allow))
    #expect(try decides(bare, "setpriority", 2, 0) == (sharesUser ? .notify : .allow))
    #expect(try decides(bare, "getxattr") == .error(95))
    for call in ["read", "openat", "execve", "fchmod", "clone"] {
      #expect(try decides(bare, call, 0) == decides(policy, call, 0), "\(call)")
    }
  }

  /// Nothing is allowed that was not.
  @Test(arguments: all, [false, true])
  func nothingIsAdded(name: String, sharesUser: Bool) throws {
    let policy = try Policies.named(name)
    let bare = BarePolicy.narrowed(policy, sharesUser: sharesUser)
    #expect(bare.allowed.isSubset(of: policy.allowed))
    for call in bare.allowed where SyscallTable.number(of: call) != nil {
      for first: UInt64 in [0, 1, 2, 1000, 1 << 33] {
        for second: UInt64 in [0, 1, 5, 4096] where try decides(bare, call, first, second) == .allow
        {
          #expect(try decides(policy, call, first, second) == .allow, "\(call)")
        }
      }
    }
    // And it can be compiled.
    _ = try SeccompFilter.make(bare, reporting: true, cache: nil)
  }

  /// A document that allows only a part keeps to it.
  @Test func aNarrowerRuleStaysNarrow() throws {
    let policy = try Policies.plain(
      [
        Policies.basics,
        Policies.allow("socketpair", Policies.compare(0, "EQ", 2)),
        Policies.allow("setpriority", Policies.compare(0, "EQ", 0)),
      ].joined(separator: ",")
    ).policy
    let bare = BarePolicy.narrowed(policy, sharesUser: true)
    #expect(try decides(bare, "socketpair", 1, 1) == .notify)
    #expect(try decides(bare, "socketpair", 2, 1) == .notify)
    #expect(try decides(bare, "setpriority", 0, 0) == .allow)
    #expect(try decides(bare, "setpriority", 1, 0) == .notify)
  }
}
