#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static void set_limits(void) {
  step(EC_STAGE_RLIMIT);
  const struct ec_limit *limits = (const void *)text(plan->limits.offset);
  for (uint32_t i = 0; i < plan->limits.count; i++) {
    struct rlimit limit = {limits[i].soft, limits[i].hard};
    if (setrlimit((int)limits[i].resource, &limit) < 0) fail(EC_STAGE_RLIMIT, "setrlimit");
  }
}

/// Takes every right on files, ports and foreign processes that no rule gives back, landlock(7).
static void confine_files(void) {
  if (!(plan->flags & EC_LANDLOCK)) return;
  step(EC_STAGE_LANDLOCK);
  struct {
    uint64_t files, network, scope;
  } handled = {plan->landlock_files, plan->landlock_network, plan->landlock_scope};
  int set = (int)syscall(444, &handled, plan->landlock_size, 0);
  if (set < 0) fail(EC_STAGE_LANDLOCK, "ruleset");
  const struct ec_rule *rules = (const void *)text(plan->rules.offset);
  for (uint32_t i = 0; i < plan->rules.count; i++) {
    struct {
      uint64_t access;
      int32_t parent;
    } __attribute__((packed)) rule = {rules[i].access, -1};
    const char *path = text(rules[i].path);
    rule.parent = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent < 0) fail(EC_STAGE_LANDLOCK, path);
    if (syscall(445, set, 1, &rule, 0) < 0) fail(EC_STAGE_LANDLOCK, path);
    close(rule.parent);
  }
  if (syscall(446, set, 0) < 0) fail(EC_STAGE_LANDLOCK, "restrict");
  close(set);
}

static int open_own(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(EC_STAGE_PROOF, path);
  return fd;
}

/// The second filter: the calls of a launch are over.
static void confine_calls(void) {
  if (!(plan->flags & EC_SECCOMP)) return;
  struct sock_fprog filter = {(unsigned short)plan->filter.count,
                              (struct sock_filter *)text(plan->filter.offset)};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0)
    fail(EC_STAGE_FILTER, "filter");
}

void confine_program(void) {
  setsid();
  // Honest programs do not even outlive an init that is killed together with the jail.
  if (plan->flags & EC_BARE) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  set_limits();
  step(EC_STAGE_WORK_DIRECTORY);
  if (chdir(text(plan->work_directory)) < 0)
    fail(EC_STAGE_WORK_DIRECTORY, text(plan->work_directory));
  confine_files();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, 0);
  step(EC_STAGE_PROOF);
  int status = open_own("/proc/self/status"), groups = open_own("/proc/self/cgroup");
  int mounts = open_own("/proc/self/mountinfo");
  unsigned first = plan->flags & EC_REPORT_CHANNEL ? 4 : 3;
  if (plan->flags & EC_CLOSE_DESCRIPTORS && syscall(SYS_close_range, first, ~0u, 4) < 0)
    fail(EC_STAGE_DESCRIPTORS, "close on exec");
  step(EC_STAGE_FILTER);
  step(EC_STAGE_EXEC);
  confine_calls();
  // From here on only read, write, execve and exit_group; in a copy, close_range and munmap.
  struct ec_proof *proof = &shared->shown.proof;
  proof->status = take_text(status, 0, EC_STAGE_PROOF);
  proof->groups = take_text(groups, proof->status, EC_STAGE_PROOF);
  proof->mounts = take_text(mounts, proof->status + proof->groups, EC_STAGE_PROOF);
  size_t length = sizeof *proof + proof->status + proof->groups + proof->mounts;
  shared->shown.head = (struct ec_record){
      EC_RECORD_MAGIC, EC_RECORD_PROOF, EC_STAGE_PROOF, 0, (uint32_t)length};
  if (write(FD_CHANNEL, &shared->shown, sizeof shared->shown.head + length) < 0) _exit(125);
  char byte;
  // The worker has compared the proof with the plan when this comes; otherwise the channel closes.
  if (read(FD_CHANNEL, &byte, 1) != 1) _exit(125);
}

_Noreturn void run_program(void) {
  char *const *programs = texts(plan->programs), *const *arguments = texts(plan->arguments);
  char *const *environment = texts(plan->environment);
  confine_program();
  int error = ENOENT;
  for (uint32_t i = 0; programs[i]; i++) {
    // A process of the worker that is being started may still hold a file that was just written.
    for (int tries = 0; tries < 2000; tries++) {
      execve(programs[i], arguments, environment);
      if (errno != ETXTBSY) break;
    }
    if (errno != ENOENT && errno != ENOTDIR && error != EACCES) error = errno;
  }
  shared->ending.exec_error = error;
  _exit(126);
}
