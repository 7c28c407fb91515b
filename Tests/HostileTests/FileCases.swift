import EdgeJob
import EdgeSandbox

/// 5.3: files of others, and /proc. An ordinary user has no power over the machine's own files
/// even without layers, so twins that need it are not tried on that level.
extension HostileCase {
  static let files = reading + writing + processTable + mounting + making + sockets

  private static let secret = Expectation.prints("secret", .passed)
  private static let asRoot = Expectation.works.not(on: .userNamespace)
  /// Nothing of that name is there; without a root of one's own it is, and Landlock stands before.
  private static let absent = Expectation.denied("ENOENT").but(on: .landlock, .denied("EACCES"))
  private static let names = "no rule of Landlock is about names: stat(2) answers for every file"

  private static let reading: [HostileCase] = [
    HostileCase(35, ["read", "{secret}"], absent, .without([.root], secret)),
    HostileCase(35, ["read", "{up}"], absent, .without([.root], secret)),
    HostileCase(35, ["read-link", "{secret}"], absent, .without([.root], secret)),
    HostileCase(
      36, ["leave-root", "{secret}"], .killed("chroot"),
      .without([.seccomp], .denied("EPERM")),
      // Even with the power to change the root there is nothing behind it.
      .without([.seccomp, .user], .denied("ENOENT")),
      .without([.seccomp, .user, .root], secret)),
    HostileCase(
      37, ["read-by-descriptor", "{secret}"], .denied("none"),
      withoutTwin: "the worker's spawn closes them as well, which is no layer of a launch"
    ).with { $0.leavesRootOpen = true },
    HostileCase(
      37, ["open-descriptors"], .prints("0 1 2 ", .passed),
      .without(
        [.descriptors],
        .ends(.passed).and("none leaks") { $0.word.utf8.count > 8 }.not(
          on: .withoutGroups, .userNamespace))),
    HostileCase(
      56, ["find", "edgecoder-hostile", "/proc/self/mountinfo"], .denied("none"),
      withoutTwin: "the next two show what mountinfo and its like tell"
    ).with { $0.showsFolder = true }
      .hole("mountinfo tells the machine's path of a directory that is shown read-only")
      .closed(on: .landlock),
    HostileCase(
      56, ["find", "cgroup", "/proc/self/mountinfo"], .denied("none"), .without([.root])
    ).hole("without a mount namespace the machine's mounts are told", on: .landlock),
    HostileCase(
      56, ["find", "edgecoder-", "/proc/self/cgroup"], .denied("none"),
      .without([.user], .works.not(on: .withoutGroups, .userNamespace))),
  ]

  private static let writing: [HostileCase] = [
    HostileCase(
      45, ["create-unnamed", "/usr"], .denied("EROFS", "EACCES"),
      .without([.user, .landlock], .denied("EROFS", "EACCES").not(on: .landlock)),
      .without([.root, .user, .landlock], asRoot)),
    HostileCase(
      45, ["create-unnamed", "/etc"], .denied("EROFS", "EACCES", "EOPNOTSUPP"),
      .without([.root, .user, .landlock], asRoot)),
    HostileCase(
      45, ["create", "/x"], .denied("EROFS", "EACCES"),
      .without([.user, .landlock], .denied("EROFS").not(on: .landlock))),
    HostileCase(
      45, ["create", "{folder}/x"], absent, .without([.root], .denied("EACCES").not(on: .landlock)),
      .without([.root, .landlock])),
    HostileCase(
      49, ["hard-link", "{folder}/open", "{folder}/taken"], absent,
      .without([.root], .denied("EACCES", "EXDEV").not(on: .landlock)),
      .without([.root, .landlock])),
    HostileCase(
      49, ["hard-link", "hostile", "/tmp/hostile"], .denied("EXDEV"),
      withoutTwin: "between two mounts there are no links on any machine"),
  ]

  private static let processTable: [HostileCase] = [
    HostileCase(38, ["exists", "/proc/{worker}"], .denied("ENOENT"), .without([.processTable]))
      .hole(names, on: .landlock),
    HostileCase(38, ["exists", "/proc/1/environ"], .denied("ENOENT"), .without([.processTable]))
      .hole(names, on: .landlock),
    HostileCase(
      38, ["read", "/proc/1/root/etc/hostname"], absent,
      withoutTwin: "the link is closed to others on any machine"),
    HostileCase(
      39, ["open-for-writing", "/proc/sys/kernel/core_pattern"],
      .denied("EACCES", "EROFS", "EPERM"),
      .without([.landlock, .user], asRoot.not(on: .container))),
    HostileCase(
      39, ["open-for-writing", "/proc/sys/vm/overcommit_memory"],
      .denied("EACCES", "EROFS", "EPERM"),
      .without([.landlock, .user], asRoot.not(on: .container))),
    HostileCase(
      39, ["open-for-writing", "/proc/sysrq-trigger"],
      .denied("EACCES", "EROFS", "EPERM", "ENOENT"),
      withoutTwin: "not every machine has it, and on those that have it one had better not"),
    HostileCase(
      39, ["exists", "/proc/sys/kernel/core_pattern"], .denied("ENOENT"), .without([.processTable])
    ).with { $0.profile = "python" }.hole(names, on: .landlock),
    HostileCase(
      39, ["exists", "/proc/kallsyms"], .denied("ENOENT"), .without([.processTable])
    ).with { $0.profile = "python" }.hole(names, on: .landlock),
    HostileCase(39, ["exists", "/sys/kernel"], .denied("ENOENT"), .without([.root])).hole(
      names, on: .landlock),
    HostileCase(
      40, ["executables", "edgecoder-jail"], .denied("none"),
      .without([.processTable, .user, .landlock], asRoot.not(on: .landlock))),
    HostileCase(
      40, ["open-for-writing", "/proc/self/exe"], .denied("ETXTBSY"),
      withoutTwin: "the kernel lets nobody write to a program that runs"),
  ]

  private static let mounting: [HostileCase] =
    [
      HostileCase(
        41, ["cover", "/tmp"], .killed("mount"), .without([.seccomp], .denied("EPERM")),
        .without([.seccomp, .user], .denied("EPERM")), .without([.seccomp, .user, .landlock])),
      HostileCase(
        42, ["call", "chroot"], .killed("chroot"), .without([.seccomp], .denied("EPERM")),
        .without([.seccomp, .user])),
      HostileCase(
        43, ["remount", "/usr"], .killed("unshare"),
        // The mounts stay locked in the new namespace, so that it is only the first of two steps.
        .without(
          [.seccomp], .denied("EPERM").and("no namespace") { $0.text.contains("unshared") })),
      HostileCase(
        54, ["enter-namespace", "/proc/self/ns/net"], .killed("setns"),
        .without([.seccomp], .denied("EPERM")), .without([.seccomp, .user])),
    ]
    + ["mount", "umount2", "open_tree", "move_mount", "fsopen", "fsmount", "fspick"].map {
      HostileCase(41, ["call", $0], .killed($0), .without([.seccomp], .denied("EPERM")))
    }
    + [
      HostileCase(
        41, ["call", "mount_setattr"], .killed("mount_setattr"),
        .without([.seccomp], .reachesTheKernel)),
      HostileCase(
        42, ["call", "pivot_root"], .killed("pivot_root"), .without([.seccomp], .denied("EPERM"))),
    ]

  private static let making: [HostileCase] = [
    HostileCase(44, ["name-handle", "/tmp"], .denied("EPERM"), .without([.seccomp])),
    HostileCase(
      44, ["open-handle", "/tmp"], .killed("open_by_handle_at"),
      .without([.seccomp], .reachesTheKernel), .without([.seccomp, .user], asRoot)),
    HostileCase(
      46, ["make-device", "x"], .denied("EPERM"), .without([.seccomp], .denied("EPERM")),
      .without([.seccomp, .user, .landlock], asRoot)),
    HostileCase(
      46, ["use-device", "x"], .denied("EPERM"),
      .without(
        [.seccomp, .user, .landlock], .denied("EACCES").not(on: .userNamespace))),
    HostileCase(
      46, ["exists", "/dev/ptmx"], .denied("ENOENT"), .without([.root], .works.not(on: .container))
    ).hole(names, on: .landlock).closed(on: .container),
    HostileCase(
      46, ["exists", "/dev/kmsg"], .denied("ENOENT"), .without([.root], .works.not(on: .container))
    ).hole(names, on: .landlock).closed(on: .container),
    HostileCase(
      46, ["exists", "/dev/fuse"], .denied("ENOENT"), .without([.root], .works.not(on: .container))
    ).hole(names, on: .landlock).closed(on: .container),
    HostileCase(
      47, ["effective-user"], .denied("same"), .outside(asRoot)
    ).with { $0.showsFolder = true },
    HostileCase(
      48, ["file-capability"], .denied("EPERM"), .without([.seccomp], .denied("EPERM")),
      .without([.seccomp, .user], asRoot)),
    HostileCase(48, ["attribute", "user.x"], .denied("EPERM"), .without([.seccomp])),
    HostileCase(55, ["whiteout", "x"], .denied("EPERM"), .without([.seccomp])),
    HostileCase(
      55, ["attribute", "trusted.overlay.redirect"], .denied("EPERM"),
      .without([.seccomp], .denied("EPERM")), .without([.seccomp, .user], asRoot)),
  ]

  private static let sockets: [HostileCase] = [
    HostileCase(52, ["exists", "/run"], .denied("ENOENT"), .without([.root])).hole(
      names, on: .landlock),
    HostileCase(
      52, ["call-socket", "{socket}"],
      .denied("ENOENT").and("somebody called") { $0.callers == 0 }.but(
        on: .landlock, .denied("EPERM").and("somebody called") { $0.callers == 0 }),
      .without(
        [.root],
        .works.and("nobody called") { $0.callers == 1 }.but(
          on: .landlock, .denied("EPERM"))),
      .without([.root, .seccomp], .works.and("nobody called") { $0.callers == 1 })),
    HostileCase(
      53, ["call-socket", "{abstract}"],
      .denied("ECONNREFUSED").and("somebody called") { $0.callers == 0 }.but(
        on: .landlock, .denied("EPERM").and("somebody called") { $0.callers == 0 }),
      .without([.seccomp], .denied("ECONNREFUSED", "EPERM")),
      .without([.network], .denied("EPERM").not(on: .landlock)),
      .without([.network, .landlock], .works.and("nobody called") { $0.callers == 1 })),
  ]
}
