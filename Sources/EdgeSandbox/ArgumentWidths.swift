/// Which arguments the kernel takes as 32 bit: it drops the high half of the register, so a rule
/// that compares it as well can be got round with rubbish there (CVE-2019-10063).
enum ArgumentWidths {
  /// Low half of a register.
  static let word: UInt64 = 0xFFFF_FFFF

  /// True where only the low half of this argument counts.
  static func isWord(_ name: String, _ index: UInt32) -> Bool {
    table[name]?.contains(index) ?? false
  }

  private static let table: [String: Set<UInt32>] = {
    var table: [String: Set<UInt32>] = [:]
    for entry in text.split(whereSeparator: \.isWhitespace) {
      let parts = entry.split(separator: ":")
      guard parts.count == 2 else { continue }
      table[String(parts[0])] = Set(parts[1].compactMap { $0.wholeNumberValue.map(UInt32.init) })
    }
    return table
  }()

  /// Names and the arguments that are int, unsigned int or a type of that size in the kernel's own
  /// definition of the call. Not here, since they are long there: the flags of clone, unshare, mmap
  /// and mount, and the request of ptrace.
  private static let text = """
    accept:0 accept4:03 access:1 add_key:4 arch_prctl:0 bind:02 bpf:02 chmod:1 clock_getres:0
    clock_gettime:0 clock_nanosleep:01 clock_settime:0 close:0 close_range:012 connect:02
    copy_file_range:025 creat:1 delete_module:1 dup:0 dup2:01 dup3:012 epoll_create:0
    epoll_create1:0 epoll_ctl:012 epoll_pwait:023 epoll_pwait2:02 epoll_wait:023 eventfd:0
    eventfd2:01 execveat:04 exit:0 exit_group:0 faccessat:02 faccessat2:023 fadvise64:03
    fallocate:01 fanotify_init:01 fanotify_mark:013 fchmod:01 fchmodat:02 fchmodat2:023 fchown:012
    fchownat:0234 fcntl:01 finit_module:02 flock:01 fsconfig:014 fsmount:012 fsopen:1 fspick:02
    fstat:0 fsync:0 ftruncate:0 futex:125 futex_waitv:124 getpgid:0 getpriority:01 getrandom:2
    getrlimit:0 getrusage:0 getsid:0 getsockname:0 getpeername:0 getsockopt:012 inotify_init1:0
    io_uring_enter:0123 io_uring_register:013 io_uring_setup:0 ioctl:01 ioperm:2 iopl:0
    ioprio_get:01 ioprio_set:012 kcmp:012 kexec_file_load:01 keyctl:0 kill:01
    landlock_add_rule:013 landlock_create_ruleset:2 landlock_restrict_self:01 linkat:024
    listen:01 lseek:02 madvise:2 mbind:5 membarrier:012 memfd_create:1 memfd_secret:0
    migrate_pages:0 mkdir:1 mkdirat:02 mknod:12 mknodat:023 mlock2:2 mlockall:0 modify_ldt:0
    mount_setattr:02 move_mount:024 move_pages:05 mq_notify:0 mq_open:12 msgctl:01 msgget:01
    msgrcv:04 msgsnd:03 msync:2 name_to_handle_at:04 newfstatat:03 open:12 open_by_handle_at:02
    open_tree:02 openat:023 openat2:0 perf_event_open:123 personality:0 pidfd_getfd:012
    pidfd_open:01 pidfd_send_signal:013 pipe2:1 pkey_free:0 pkey_mprotect:3 poll:12 prctl:0
    preadv2:5 prlimit64:01 process_madvise:034 process_mrelease:01 process_vm_readv:0
    process_vm_writev:0 pwritev2:5 quotactl:02 read:0 readlinkat:03 reboot:012 recvfrom:03
    recvmmsg:023 recvmsg:02 renameat2:024 request_key:3 rseq:123 rt_sigqueueinfo:01
    rt_tgsigqueueinfo:012 sched_getaffinity:01 sched_getattr:023 sched_getparam:0
    sched_setaffinity:01 sched_setattr:02 sched_setparam:0 sched_setscheduler:01 seccomp:01
    select:0 semctl:012 semget:012 semop:02 sendmmsg:023 sendmsg:02 sendto:035 set_mempolicy:0
    setfsgid:0 setfsuid:0 setgid:0 setns:01 setpgid:01 setpriority:012 setregid:01 setresgid:012
    setresuid:012 setreuid:01 setrlimit:0 setsockopt:0124 setuid:0 shmat:02 shmctl:01 shmget:02
    shutdown:01 signalfd4:03 socket:012 socketpair:012 splice:025 statx:023 swapon:1 symlinkat:1
    sync_file_range:03 syslog:02 tee:013 tgkill:012 timer_create:0 timerfd_create:01
    timerfd_settime:01 tkill:01 umask:0 umount2:1 unlinkat:02 userfaultfd:0 utimensat:03
    vmsplice:03 wait4:02 waitid:013 write:0
    """
}
