internal import Glibc

/// The control group that a service manager has handed to this process, cgroups(7).
package enum ServiceGroup {
  /// Moves this process, alone in its group, into one below: a group of version 2 that has members
  /// itself can hand no controllers down to others, and the children of a worker's jobs need some.
  ///
  /// Does so only where systemd started this very process, systemd.exec(5) `SYSTEMD_EXEC_PID`, and
  /// has handed the group to us (`Delegate=`): otherwise the kernel refuses, and nothing happens.
  /// - Parameter name: of the group below.
  /// - Returns: true where it was done.
  @discardableResult package static func enter(_ name: String) -> Bool {
    guard Identity.environment("SYSTEMD_EXEC_PID") == "\(Identity.process)",
      let own = try? Directory(path: "/proc/self").read("cgroup", atMost: 1 << 16),
      let line = String(decoding: own, as: UTF8.self).split(separator: "\n")
        .first(where: { $0.hasPrefix("0::/") }), line != "0::/"
    else { return false }
    for mount in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
      guard let group = try? Directory(path: mount + line.dropFirst(3)),
        let members = try? group.read("cgroup.procs", atMost: 1 << 16),
        String(decoding: members, as: UTF8.self) == "\(Identity.process)\n"
      else { continue }
      do throws(SystemError) {
        try group.ensureDirectory(name, mode: 0o755)
        try group.open("\(name)/cgroup.procs", O_WRONLY).write("\(Identity.process)\n".utf8)
        return true
      } catch {
        return false
      }
    }
    return false
  }
}
