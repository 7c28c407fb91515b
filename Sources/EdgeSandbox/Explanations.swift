extension LaunchFailure {
  /// The same with a hint for people, by step.
  func explained() -> LaunchFailure {
    LaunchFailure(stage: stage, errno: errno, subject: subject, hint: hint ?? advice)
  }

  private var advice: String? {
    // ENOSYS: open_tree, move_mount and mount_setattr came with Linux 5.2 and 5.12.
    if errno == 38 { return "The kernel is too old: Linux 5.12 or newer is needed." }
    return switch stage {
    case "namespaces", "clone", "user namespace", "workspace":
      "Namespaces are not allowed here: run as root, or allow user namespaces for this user."
    case "proc":
      "A new /proc cannot be mounted: in a container, run with an unmasked /proc."
    case "cgroup": "The control group took no process: look at its owner and its limits."
    case "processors": "The worker may no longer use the processors that it began with: restart it."
    case "landlock": "The kernel refused a Landlock rule."
    case "snapshot": "The kernel made no overlay; look into dmesg for its reason."
    case "start": "The machine may be overloaded; try again, and look into dmesg if it stays."
    case "supervise":
      "Something outside of the sandbox has ended it: nothing is known of the program; try again."
    case "seccomp", "program filter":
      "The kernel refused the filter; a listener of another supervisor may be active."
    case "warm":
      "The interpreter that is copied does not start or has ended; the next launch starts another."
    case "signal domain": "The kernel refused a domain of Landlock: Linux 6.12 or newer is needed."
    case "work directory": "The directory has to exist inside the sandbox."
    default: nil
    }
  }
}
