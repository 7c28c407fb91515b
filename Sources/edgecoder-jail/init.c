#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// The descriptors of init after the root is built; the program gets none above 3.
#define FD_CHILD 12
#define FD_ALIVE 13
#define FD_READY 14

static pid_t program;
static int program_status, program_ended;

static void arrange_descriptors(int alive) {
  step(EC_STAGE_DESCRIPTORS);
  // Above everything that the plan numbers, then down to where it stays.
  int high = fcntl(alive, F_DUPFD, 200);
  if (high < 0) fail(EC_STAGE_DESCRIPTORS, "alive");
  if (plan->flags & EC_NULL_INPUT) {
    // The node inside: the machine's own lies on a mount that no rule of Landlock opens.
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, EC_FD_STDIN) < 0) fail(EC_STAGE_DESCRIPTORS, "/dev/null");
    close(null);
  }
  for (int i = 0; i < 3; i++)
    if (dup2(EC_FD_STDIN + i, i) < 0) fail(EC_STAGE_DESCRIPTORS, "standard");
  if (plan->flags & EC_REPORT_CHANNEL && dup2(EC_FD_REPORT, 3) < 0)
    fail(EC_STAGE_DESCRIPTORS, "report");
  if (plan->flags & EC_CLOSE_DESCRIPTORS) {
    close(EC_FD_CONTROL);
    syscall(SYS_close_range, EC_FD_STDIN, 199, 0);
    syscall(SYS_close_range, 201, ~0u, 0);
  }
  if (dup2(high, FD_ALIVE) < 0) fail(EC_STAGE_DESCRIPTORS, "alive");
  close(high);
}

static int open_child_signal(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &set, 0) < 0) return -1;
  int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0 || dup2(fd, FD_CHILD) < 0) return -1;
  if (fd != FD_CHILD) close(fd);
  return FD_CHILD;
}

/// Sends a file of /proc in records.
static void send_file(uint16_t kind, const char *path) {
  char bytes[EC_RECORD_BYTES_MAX - sizeof(struct ec_record)];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(EC_STAGE_PROOF, path);
  for (;;) {
    ssize_t got = read(fd, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(EC_STAGE_PROOF, path);
    if (got == 0) break;
    record(kind, EC_STAGE_PROOF, 0, bytes, (size_t)got);
  }
  close(fd);
}

/// Reads from inside what the kernel says about the program, which is confined by now and waits.
static void send_proof(void) {
  step(EC_STAGE_PROOF);
  char path[64] = "/proc/";
  char digits[12], *end = path + 6;
  int length = 0;
  for (int rest = program; rest; rest /= 10) digits[length++] = (char)('0' + rest % 10);
  while (length) *end++ = digits[--length];
  strcpy(end, "/status");
  send_file(EC_RECORD_STATUS, path);
  strcpy(end, "/cgroup");
  send_file(EC_RECORD_GROUPS, path);
  strcpy(end, "/mountinfo");
  send_file(EC_RECORD_MOUNTS, path);
}

void drop_user(void) {
  if (!(plan->flags & EC_SET_USER)) return;
  step(EC_STAGE_USER);
  if (syscall(SYS_setgroups, 0, (void *)0) < 0) fail(EC_STAGE_USER, "setgroups");
  if (syscall(SYS_setresgid, plan->gid, plan->gid, plan->gid) < 0) fail(EC_STAGE_USER, "gid");
  if (syscall(SYS_setresuid, plan->uid, plan->uid, plan->uid) < 0) fail(EC_STAGE_USER, "uid");
}

/// Init needs no power any more: it signals processes of its own user, and writes records.
static void become_ordinary(void) {
  drop_user();
  drop_capabilities();
  // Neither traced nor read by the program, which may have the same user.
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

static void reap(void) {
  for (;;) {
    int status;
    pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    if (pid == program) {
      program_status = status;
      program_ended = 1;
    }
  }
}

/// Kills whatever is left, counts it, and reports the end.
static _Noreturn void finish(void) {
  uint32_t orphans = 0;
  reap();
  for (;;) {
    kill(-1, SIGKILL);
    int status;
    pid_t pid = waitpid(-1, &status, 0);
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) break;
    if (pid == program) {
      program_status = status;
      program_ended = 1;
    } else {
      orphans++;
    }
  }
  struct ec_ending ending = {.status = program_status, .orphans = orphans};
  record(EC_RECORD_EXIT, 0, shared->exec_error, &ending, sizeof ending);
  _exit(0);
}

/// The kernel stopped the program in a forbidden call and waits for our answer; it gets none.
static void receive_violation(void) {
  struct {
    struct seccomp_notif notice;
    char more[256];
  } buffer;
  memset(&buffer, 0, sizeof buffer);
  if (ioctl(shared->listener, SECCOMP_IOCTL_NOTIF_RECV, &buffer) < 0) return;
  struct ec_violation violation = {buffer.notice.data.nr, buffer.notice.data.arch};
  record(EC_RECORD_VIOLATION, 0, 0, &violation, sizeof violation);
  finish();
}

static _Noreturn void supervise(void) {
  struct pollfd waits[3] = {
      {FD_CHILD, POLLIN, 0}, {FD_ALIVE, POLLIN, 0}, {shared->listener, POLLIN, 0}};
  for (;;) {
    if (poll(waits, 3, -1) < 0) continue;
    if (waits[1].revents) _exit(1);
    if (waits[2].revents & POLLIN) receive_violation();
    if (waits[2].revents & ~POLLIN) waits[2].fd = -1;
    if (waits[0].revents) {
      struct signalfd_siginfo info;
      while (read(FD_CHILD, &info, sizeof info) > 0) {
      }
      reap();
      if (program_ended) finish();
    }
  }
}

/// Waits until the program is confined; it ends earlier where a step failed, which it has reported.
static void await_ready(void) {
  struct pollfd waits[3] = {{FD_READY, POLLIN, 0}, {FD_CHILD, POLLIN, 0}, {FD_ALIVE, POLLIN, 0}};
  for (;;) {
    if (poll(waits, 3, -1) < 0) continue;
    if (waits[0].revents & POLLIN) break;
    if (waits[1].revents || waits[2].revents) _exit(1);
  }
  close(FD_READY);
}

_Noreturn void run_init(int alive) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (plan->flags & EC_USER_NAMESPACE) map_user();
  build_root();
  step(EC_STAGE_HOST_NAME);
  const char *name = text(plan->host_name);
  if (*name && syscall(SYS_sethostname, name, strlen(name)) < 0) fail(EC_STAGE_HOST_NAME, name);
  arrange_descriptors(alive);
  if (open_child_signal() < 0) fail(EC_STAGE_DESCRIPTORS, "signalfd");
  char byte;
  // The outer process has put us into the control groups; what is started now is inside, too.
  if (read(FD_ALIVE, &byte, 1) != 1) _exit(1);
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) < 0) fail(EC_STAGE_DESCRIPTORS, "pipe");
  drop_bounding_set();
  step(EC_STAGE_START);
  // The table of descriptors is shared until execve(2) gives the program its own: that is how the
  // seccomp listener, which the program has to make, reaches us.
  program = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
  if (program < 0) fail(EC_STAGE_START, "clone");
  if (program == 0) run_program(ready[1]);
  if (ready[0] != FD_READY) {
    if (dup2(ready[0], FD_READY) < 0) fail(EC_STAGE_DESCRIPTORS, "ready");
    close(ready[0]);
  }
  await_ready();
  send_proof();
  become_ordinary();
  record(EC_RECORD_READY, 0, 0, 0, 0);
  supervise();
}
