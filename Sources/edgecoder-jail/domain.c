#include "jail.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Without a process namespace a run is what lies in a domain of Landlock: whatever its processes
// do, they and all that they start stay in it, and signals do not leave it, landlock(7).

/// LANDLOCK_SCOPE_SIGNAL
#define SCOPE_SIGNALS 2u
#define RESTORER 0x04000000ul

/// True once this process's own signals reach nobody but what it has started.
static int is_scoped;
/// The jail, which init must not outlive.
static pid_t jail;

void kill_all(void) {
  // Anywhere else it would end every process of the user, and of the machine where that is root.
  if (is_scoped || syscall(SYS_getpid) == 1) kill(-1, SIGKILL);
}

void enter_domain(void) {
  step(EC_STAGE_DOMAIN);
  is_scoped = 0;
  struct {
    uint64_t files, network, scope;
  } handled = {0, 0, SCOPE_SIGNALS};
  int set = (int)syscall(444, &handled, sizeof handled, 0);
  if (set < 0) fail(EC_STAGE_DOMAIN, "ruleset");
  if (syscall(446, set, 0) < 0) fail(EC_STAGE_DOMAIN, "restrict");
  close(set);
  // What loses its parent comes to us and to nobody outside.
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) fail(EC_STAGE_DOMAIN, "subreaper");
  is_scoped = 1;
}

/// The jail is gone, or somebody outside wants the end: only calls that a handler may make.
static void end_everything(int number) {
  (void)number;
  if (is_scoped && is_inside)
    for (;;) {
      kill_all();
      int status;
      if (waitpid(-1, &status, 0) < 0) break;
    }
  _exit(0);
}

void remember_jail(void) { jail = (pid_t)syscall(SYS_getpid); }

void follow_jail(void) {
  if (!(plan->flags & EC_BARE)) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    return;
  }
  prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
  if ((pid_t)syscall(SYS_getppid) != jail) end_everything(0);
}

void confine_init(void) {
  if (!(plan->flags & EC_BARE)) return;
  // What holds for the jail is not our own: its signals reach the jail.
  is_scoped = 0;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, 0);
  // As the kernel takes it: handler, flags, way back (never taken), all signals blocked meanwhile.
  const struct {
    void (*handler)(int);
    uint64_t flags;
    void (*restorer)(int);
    uint64_t blocked;
  } action = {end_everything, RESTORER, end_everything, ~0ull};
  if (syscall(SYS_rt_sigaction, SIGTERM, &action, (void *)0, 8) < 0)
    fail(EC_STAGE_DOMAIN, "handler");
  enter_domain();
}
