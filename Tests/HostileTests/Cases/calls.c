#include "hostile.h"

#include <arpa/inet.h>
#include <linux/sched.h>
#include <linux/seccomp.h>

#ifndef SYS_lookup_dcookie
#define SYS_lookup_dcookie 212
#endif

// 5.4: single system calls. Arguments are such that nothing happens to the machine where a call
// gets through: wrong magic numbers, empty lists, oneself.

static char block[4096];
static struct timespec no_time = {-1, -1};
static struct iovec here = {block, 1};

/// Arguments that are known only at run time.
enum { BLOCK = -1000, SELF, NO_TIME, HERE, HERE_TOO, DIRECTORY, EMPTY };

struct call {
  const char *name;
  long number;
  long arguments[6];
};

static const struct call calls[] = {
    {"ptrace", SYS_ptrace, {0}},
    {"ptrace-attach", SYS_ptrace, {16, 1}},
    {"process_vm_readv", SYS_process_vm_readv, {SELF, HERE, 1, HERE_TOO, 1, 0}},
    {"process_vm_writev", SYS_process_vm_writev, {SELF, HERE, 1, HERE_TOO, 1, 0}},
    {"kcmp", SYS_kcmp, {SELF, SELF, 1}},
    {"pidfd_getfd", SYS_pidfd_getfd, {-1, 0, 0}},
    {"keyctl", SYS_keyctl, {0, -3, 0}},
    {"add_key", SYS_add_key, {BLOCK, BLOCK, BLOCK, 4, -2}},
    {"request_key", SYS_request_key, {BLOCK, BLOCK, 0, -2}},
    {"bpf", SYS_bpf, {100, BLOCK, 8}},
    {"perf_event_open", SYS_perf_event_open, {BLOCK, 0, -1, -1, 0}},
    {"userfaultfd", SYS_userfaultfd, {1}},
    {"lookup_dcookie", SYS_lookup_dcookie, {0, BLOCK, 1}},
    {"kexec_load", SYS_kexec_load, {0, 1000, 0, 0}},
    {"kexec_file_load", SYS_kexec_file_load, {-1, -1, 0, 0, ~0}},
    {"init_module", SYS_init_module, {BLOCK, 0, BLOCK}},
    {"finit_module", SYS_finit_module, {-1, BLOCK, 0}},
    {"delete_module", SYS_delete_module, {BLOCK, 0}},
    {"reboot", SYS_reboot, {1, 2, 3, 0}},
    {"swapon", SYS_swapon, {EMPTY, -1}},
    {"swapoff", SYS_swapoff, {EMPTY}},
    {"acct", SYS_acct, {EMPTY}},
    {"quotactl", SYS_quotactl, {0x80000200, EMPTY, 0, BLOCK}},
    {"syslog", SYS_syslog, {10, 0, 0}},
    {"fanotify_init", SYS_fanotify_init, {0xffff0000, 0}},
    {"io_uring_setup", 425, {4, BLOCK}},
    {"io_uring_enter", 426, {-1, 0, 0, 0, 0, 0}},
    {"io_uring_register", 427, {-1, 0, 0, 0}},
    {"mount", SYS_mount, {EMPTY, DIRECTORY, 0, 1 << 20, 0}},
    {"umount2", SYS_umount2, {DIRECTORY, 2}},
    {"pivot_root", SYS_pivot_root, {EMPTY, EMPTY}},
    {"chroot", SYS_chroot, {DIRECTORY}},
    {"open_tree", 428, {-100, DIRECTORY, 1}},
    {"move_mount", 429, {-1, EMPTY, -100, DIRECTORY, 0}},
    {"fsopen", 430, {EMPTY, 0}},
    {"fsmount", 432, {-1, 0, 0}},
    {"fspick", 433, {-100, DIRECTORY, 0}},
    {"mount_setattr", 442, {-100, DIRECTORY, 0, BLOCK, 32}},
    {"setns", SYS_setns, {-1, 0}},
    {"settimeofday", SYS_settimeofday, {NO_TIME, 0}},
    {"clock_settime", SYS_clock_settime, {0, NO_TIME}},
#ifdef __x86_64__
    {"iopl", SYS_iopl, {3}},
    {"ioperm", SYS_ioperm, {128, 1, 1}},
    {"modify_ldt", SYS_modify_ldt, {0, BLOCK, 16}},
    {"x32", 0x40000000 | 39, {0}},
#endif
    {"read-implies-exec", SYS_personality, {0x0400000}},
    {"no-randomize", SYS_personality, {0x0040000}},
    {"vhangup", SYS_vhangup, {0}},
    {"tiocsti", SYS_ioctl, {0, 0x5412, BLOCK}},
    {"tiocsti-high", SYS_ioctl, {0, 0x5412 | 1l << 32, BLOCK}},
    {"tioclinux", SYS_ioctl, {0, 0x541c, BLOCK}},
    {"tiocsetd", SYS_ioctl, {0, 0x5423, BLOCK}},
    {"fs-flags", SYS_ioctl, {0, 0x40086602, BLOCK}},
    {"tiocsctty", SYS_ioctl, {0, 0x540e, 0}},
    {"memfd_secret", 447, {0}},
    {"prctl-seccomp", SYS_prctl, {22, 1}},
    {"seccomp-strict", SYS_seccomp, {0, 1, 0}},
    {"no-new-privileges-off", SYS_prctl, {38, 0, 0, 0, 0}},
    {"prctl-mm", SYS_prctl, {35, 6, BLOCK, 0, 0}},
    {"dumpable", SYS_prctl, {4, 1, 0, 0, 0}},
    {"shmget", SYS_shmget, {0x4543, 4096, 01600}},
    {"semget", SYS_semget, {0x4543, 1, 01600}},
    {"msgget", SYS_msgget, {0x4543, 01600}},
    {"setuid", SYS_setresuid, {0, 0, 0}},
    {"setgid", SYS_setresgid, {0, 0, 0}},
    {"setgroups", SYS_setgroups, {0, 0}},
    {"setfsuid", SYS_setfsuid, {0}},
    {"affinity", SYS_sched_setaffinity, {0, 128, BLOCK}},
    {"io-priority", SYS_ioprio_set, {1, 0, 1 << 13}},
    {"mseal", 462, {BLOCK, 1, 0}},
    {"unknown", 900, {0}},
    {"prlimit-init", SYS_prlimit64, {1, 4, BLOCK, 0}},
    {0, 0, {0}}};

static long argument(long value) {
  switch (value) {
    case BLOCK: return (long)block;
    case SELF: return getpid();
    case NO_TIME: return (long)&no_time;
    case HERE:
    case HERE_TOO: return (long)&here;
    case DIRECTORY: return (long)"/tmp";
    case EMPTY: return (long)"";
  }
  return value;
}

static int call(const char *name, const char *unused) {
  for (const struct call *known = calls; known->name; known++) {
    if (strcmp(known->name, name)) continue;
    long a[6];
    for (int i = 0; i < 6; i++) a[i] = argument(known->arguments[i]);
    if (!strcmp(name, "affinity")) memset(block, 0xff, 128);
    if (strstr(name, "key")) strcpy(block, "user");
    return say(syscall(known->number, a[0], a[1], a[2], a[3], a[4], a[5]));
  }
  return 64;
}

/// A file system of one's own over a directory.
static int cover(const char *path, const char *unused) {
  return say(syscall(SYS_mount, "none", path, "tmpfs", 0, 0));
}

static int capabilities(const char *unused, const char *more) {
  unsigned head[2] = {0x20080522, 0}, sets[6] = {1, 1, 1, 0, 0, 0};
  return say(syscall(SYS_capset, head, sets));
}

static int unshare_one(const char *flag, const char *unused) {
  return say(unshare((int)strtol(flag, 0, 16)));
}

/// With each of the flags for a namespace alone; what the first one answers that is not EPERM.
static int clone_each(const char *unused, const char *more) {
  static const long flags[] = {0x10000000, 0x00020000, 0x20000000, 0x40000000,
                               0x08000000, 0x04000000, 0x02000000};
  for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
    long child = syscall(SYS_clone, flags[i] | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) _exit(0);
    if (child > 0 || errno != EPERM) return say(child);
  }
  return tell("EPERM");
}

static int clone_in_memory(const char *unused, const char *more) {
  struct clone_args all = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
  long child = syscall(SYS_clone3, &all, sizeof all);
  if (child == 0) _exit(0);
  return say(child);
}

/// getpid(2) by its number of the 32-bit machine.
static int old_gate(const char *unused, const char *more) {
#ifdef __x86_64__
  long answer;
  __asm__ volatile("int $0x80" : "=a"(answer) : "a"(20) : "memory");
  return tell(answer > 0 ? "OK" : "none");
#else
  return tell("none");
#endif
}

/// A second filter that allows everything, and one that others listen to.
static int filter(const char *flags, const char *unused) {
  struct {
    unsigned short code;
    unsigned char yes, no;
    unsigned k;
  } allow = {6, 0, 0, 0x7fff0000};
  struct {
    unsigned short count;
    void *at;
  } program = {1, &allow};
  return say(syscall(SYS_seccomp, 1, strtol(flags, 0, 16), &program));
}

/// The families that are not for this machine's own files; the first answer that is not EPERM.
static int families(const char *how, const char *unused) {
  // INET, INET6, NETLINK, PACKET, RDS, CAN, TIPC, BLUETOOTH, ALG, VSOCK, SMC, XDP, and some more.
  static const int numbers[] = {2, 10, 16, 17, 21, 29, 30, 31, 38, 40, 43, 44, 3, 4, 5, 9, 15, 45};
  for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
    for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; type++) {
      int ends[2];
      int answer = strcmp(how, "pair") ? socket(numbers[i], type, 0)
                                       : socketpair(numbers[i], type, 0, ends);
      if (answer >= 0 || errno != EPERM) {
        printf("%d ", numbers[i]);
        return say(answer);
      }
    }
  return tell("EPERM");
}

static int internet(const char *port, const char *type) {
  struct sockaddr_in address = {AF_INET, htons((uint16_t)atoi(port)), {htonl(0x7f000001)}};
  int kind = !strcmp(type, "tcp") ? SOCK_STREAM : !strcmp(type, "raw") ? SOCK_RAW : SOCK_DGRAM;
  int end = socket(AF_INET, kind, kind == SOCK_RAW ? 1 : 0);
  if (end < 0 || connect(end, (void *)&address, sizeof address) < 0) return say(-1);
  return say(write(end, block, 64));
}

const struct attack call_attacks[] = {
    {"call", call}, {"cover", cover}, {"capabilities", capabilities}, {"unshare", unshare_one},
    {"clone-each", clone_each}, {"clone-in-memory", clone_in_memory}, {"old-gate", old_gate},
    {"filter", filter}, {"families", families}, {"internet", internet}, {0, 0}};
