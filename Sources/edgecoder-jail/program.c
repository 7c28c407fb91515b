#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEYCTL_JOIN_SESSION 1

/// Once, by init: the program inherits it, and nobody can get anything back.
void drop_bounding_set(void) {
  if (!(plan->flags & EC_DROP_CAPABILITIES)) return;
  step(EC_STAGE_BOUNDING_SET);
  for (int i = 0; i < 64; i++)
    if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0) {
      if (errno == EINVAL) break;
      fail(EC_STAGE_BOUNDING_SET, "prctl");
    }
}

void drop_capabilities(void) {
  if (!(plan->flags & EC_DROP_CAPABILITIES)) return;
  step(EC_STAGE_CAPABILITIES);
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2] = {{0}};
  if (syscall(SYS_capset, &head, none) < 0) fail(EC_STAGE_CAPABILITIES, "capset");
}

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

static void confine_calls(void) {
  if (!(plan->flags & EC_SECCOMP)) return;
  step(EC_STAGE_SECCOMP);
  struct sock_fprog filter = {(unsigned short)plan->filter.count,
                              (struct sock_filter *)text(plan->filter.offset)};
  unsigned flags = plan->flags & EC_LISTENER ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
  int answer = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
  if (answer < 0) fail(EC_STAGE_SECCOMP, "filter");
  if (flags) shared->listener = answer;
}

_Noreturn void run_program(int ready) {
  char *const *programs = texts(plan->programs), *const *arguments = texts(plan->arguments);
  char *const *environment = texts(plan->environment);
  setsid();
  if (plan->flags & EC_GROUP_NAMESPACE && unshare(CLONE_NEWCGROUP) < 0)
    fail(EC_STAGE_START, "cgroup namespace");
  // An own session keyring; where there are no keyrings, nothing is inherited either.
  syscall(SYS_keyctl, KEYCTL_JOIN_SESSION, (char *)0);
  int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (score >= 0) {
    // The program is what memory is taken from, never init.
    if (write(score, "1000", 4) < 0) fail(EC_STAGE_START, "oom_score_adj");
    close(score);
  }
  set_limits();
  drop_user();
  drop_capabilities();
  step(EC_STAGE_WORK_DIRECTORY);
  if (chdir(text(plan->work_directory)) < 0)
    fail(EC_STAGE_WORK_DIRECTORY, text(plan->work_directory));
  unsigned first = plan->flags & EC_REPORT_CHANNEL ? 4 : 3;
  if (plan->flags & EC_CLOSE_DESCRIPTORS && syscall(SYS_close_range, first, ~0u, 4) < 0)
    fail(EC_STAGE_DESCRIPTORS, "close on exec");
  if (plan->flags & EC_NO_NEW_PRIVILEGES) {
    step(EC_STAGE_NO_NEW_PRIVILEGES);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail(EC_STAGE_NO_NEW_PRIVILEGES, "prctl");
  }
  confine_files();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, 0);
  step(EC_STAGE_EXEC);
  confine_calls();
  // From here on only read, write, execve and exit_group.
  char byte = 'r';
  if (write(ready, &byte, 1) != 1) _exit(125);
  // The parent has compared the proof with the plan when this comes; otherwise the pipe closes.
  if (read(EC_FD_GO, &byte, 1) != 1) _exit(125);
  int error = ENOENT;
  for (uint32_t i = 0; programs[i]; i++) {
    execve(programs[i], arguments, environment);
    if (errno != ENOENT && errno != ENOTDIR && error != EACCES) error = errno;
  }
  shared->exec_error = error;
  _exit(126);
}
