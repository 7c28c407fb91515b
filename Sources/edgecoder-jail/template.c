#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV 32u
#endif

static uint32_t groups_length;

/// Whatever is started later is born in the groups of the jail, and counted from its first moment.
/// The worker is told where that is; seen from inside it is the top.
static void join_groups(void) {
  step(EC_STAGE_GROUP);
  for (uint32_t i = 0; i < plan->groups; i++) {
    int fd = EC_FD_GROUPS + (int)i;
    if (write(fd, "0", 1) < 0) fail(EC_STAGE_GROUP, "cgroup.procs");
    close(fd);
  }
  int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(EC_STAGE_GROUP, "/proc/self/cgroup");
  groups_length = take_text(fd, 0, EC_STAGE_GROUP);
  close(fd);
  if (plan->namespaces & CLONE_NEWCGROUP && unshare(CLONE_NEWCGROUP) < 0)
    fail(EC_STAGE_GROUP, "cgroup namespace");
}

/// The C library of whoever has started us keeps some to itself, and leaves them ignored.
static void reset_signals(void) {
  const uint64_t fresh[4] = {0};
  for (int i = 1; i <= 64; i++) syscall(SYS_rt_sigaction, i, fresh, (void *)0, 8);
}

/// Where memory runs out, the kernel is to take it from programs; where we may not say so, it
/// takes what is larger, and that is a program, too.
static void protect_from_shortage(void) {
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  (void)!write(fd, "-1000", 5);
  close(fd);
}

/// Once for all: programs inherit it, and nobody can get anything back.
static void drop_bounding_set(void) {
  if (!(plan->flags & EC_DROP_CAPABILITIES)) return;
  step(EC_STAGE_BOUNDING_SET);
  for (int i = 0; i < 64; i++)
    if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0) {
      if (errno == EINVAL) break;
      // An ordinary user has no power over it, and with no_new_privs it gives none.
      if (errno == EPERM && plan->flags & EC_BARE) break;
      fail(EC_STAGE_BOUNDING_SET, "prctl");
    }
}

/// The profile's filter, which lets through what the launch itself still has to do: such calls only
/// from where the jail's code lies, and programs get a second filter against those.
static void confine_calls(void) {
  if (!(plan->flags & EC_SECCOMP)) return;
  step(EC_STAGE_SECCOMP);
  struct sock_fprog filter = {(unsigned short)plan->filter.count,
                              (struct sock_filter *)text(plan->filter.offset)};
  unsigned flags = plan->flags & EC_LISTENER ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
  // Where every call waits for us, a signal would break off calls that nothing else breaks off.
  unsigned steady = plan->flags & EC_LEARN ? SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV : 0;
  int answer = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | steady, &filter);
  // Kernels before 5.19 do not know it.
  if (answer < 0 && steady)
    answer = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
  if (answer < 0) fail(EC_STAGE_SECCOMP, "filter");
  if (flags) listener = answer;
}

/// The namespaces of the template, and what is seen in them.
static void leave_machine(void) {
  step(EC_STAGE_NAMESPACES);
  if (unshare((int)plan->namespaces & ~CLONE_NEWCGROUP) < 0)
    fail(EC_STAGE_NAMESPACES, "unshare");
  protect_from_shortage();
  if (plan->flags & EC_USER_NAMESPACE) map_user();
  join_groups();
  build_root();
  step(EC_STAGE_HOST_NAME);
  const char *name = text(plan->host_name);
  if (*name && syscall(SYS_sethostname, name, strlen(name)) < 0) fail(EC_STAGE_HOST_NAME, name);
}

void make_template(void) {
  open_for_warm();
  close(EC_FD_PLAN);
  personality(PER_LINUX);
  setsid();
  reset_signals();
  if (plan->flags & EC_BARE) {
    protect_from_shortage();
    join_groups();
  } else {
    leave_machine();
  }
  if (plan->flags & EC_WARM) pass_capabilities();
  drop_bounding_set();
  step(EC_STAGE_NO_NEW_PRIVILEGES);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail(EC_STAGE_NO_NEW_PRIVILEGES, "prctl");
  if (plan->flags & EC_BARE) {
    remember_jail();
    enter_domain();
  }
  confine_calls();
  start_warm();
  record(EC_RECORD_READY, 0, 0, shared->shown.texts, groups_length, -1);
}
