#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEYCTL_JOIN_SESSION 1

static char stack[32 << 10] __attribute__((aligned(64)));

void arrange_descriptors(void) {
  step(EC_STAGE_DESCRIPTORS);
  int input = received[EC_STDIN];
  if (plan->flags & EC_NULL_INPUT) {
    // The node inside: the machine's own lies on a mount that no rule of Landlock opens.
    input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (input < 0) fail(EC_STAGE_DESCRIPTORS, "/dev/null");
  }
  // None of ours is below 5 but the standard ones, so that no copy covers a source.
  if (dup2(input, 0) < 0 || dup2(received[EC_STDOUT], 1) < 0 || dup2(received[EC_STDERR], 2) < 0)
    fail(EC_STAGE_DESCRIPTORS, "standard");
  if (plan->flags & EC_REPORT_CHANNEL && dup2(received[EC_REPORT], 3) < 0)
    fail(EC_STAGE_DESCRIPTORS, "report");
  if (dup2(received[EC_CHANNEL], FD_CHANNEL) < 0) fail(EC_STAGE_DESCRIPTORS, "channel");
  if (plan->flags & EC_CLOSE_DESCRIPTORS) syscall(SYS_close_range, FD_CHANNEL + 1, ~0u, 0);
}

/// The only interface of a fresh network namespace, netdevice(7).
static void raise_loopback(void) {
  if (!(plan->flags & EC_LOOPBACK)) return;
  step(EC_STAGE_NETWORK);
  struct {
    char name[16];
    short flags;
    char rest[22];
  } request = {.name = "lo", .flags = 1 /* IFF_UP */};
  int fd = (int)syscall(SYS_socket, 2 /* AF_INET */, 2 /* SOCK_DGRAM */, 0);
  if (fd < 0 || ioctl(fd, 0x8914 /* SIOCSIFFLAGS */, &request) < 0) fail(EC_STAGE_NETWORK, "lo");
  close(fd);
}

static void drop_user(void) {
  if (!(plan->flags & EC_SET_USER)) return;
  step(EC_STAGE_USER);
  if (syscall(SYS_setgroups, 0, (void *)0) < 0) fail(EC_STAGE_USER, "setgroups");
  if (syscall(SYS_setresgid, plan->gid, plan->gid, plan->gid) < 0) fail(EC_STAGE_USER, "gid");
  if (syscall(SYS_setresuid, plan->uid, plan->uid, plan->uid) < 0) fail(EC_STAGE_USER, "uid");
}

static void drop_capabilities(void) {
  if (!(plan->flags & EC_DROP_CAPABILITIES)) return;
  step(EC_STAGE_CAPABILITIES);
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2] = {{0}};
  if (syscall(SYS_capset, &head, none) < 0) fail(EC_STAGE_CAPABILITIES, "capset");
}

/// Init needs no power any more, and the program inherits that: init signals processes of its own
/// user, and waits.
void become_ordinary(void) {
  int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (score >= 0) {
    if (write(score, "1000", 4) < 0) fail(EC_STAGE_START, "oom_score_adj");
    close(score);
  }
  // An own session keyring; where there are no keyrings, nothing is inherited either.
  syscall(SYS_keyctl, KEYCTL_JOIN_SESSION, (char *)0);
  drop_user();
  drop_capabilities();
  // Neither traced nor read by the program, which has the same user; execve(2) ends it there.
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

pid_t start_apart(void (*entry)(void)) {
  return (pid_t)start_on(CLONE_VM | CLONE_VFORK | SIGCHLD, stack + sizeof stack, entry);
}

/// Kills whatever is left when the program has ended, and counts it. 0: it has.
static _Noreturn void reap(pid_t program) {
  int has_ended = program == 0;
  for (;;) {
    int status;
    if (has_ended) kill_all();
    pid_t pid = waitpid(-1, &status, 0);
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) _exit(0);
    if (pid == program) {
      shared->ending.status = status;
      has_ended = 1;
    } else if (has_ended) {
      shared->ending.orphans++;
    }
  }
}

_Noreturn void run_init(void) {
  confine_init();
  follow_jail();
  int is_warm = !!(plan->flags & EC_WARM);
  run_operations();
  raise_loopback();
  if (is_warm)
    order_copy();
  else
    arrange_descriptors();
  become_ordinary();
  // Changing the user has taken it back.
  follow_jail();
  step(EC_STAGE_START);
  if (is_warm) {
    await_copy();
    reap(0);
  }
  pid_t program = start_apart(run_program);
  if (program < 0) fail(EC_STAGE_START, "clone");
  // Ours alone would keep them open.
  if (plan->flags & EC_CLOSE_DESCRIPTORS) syscall(SYS_close_range, 0, ~0u, 0);
  reap(program);
}
