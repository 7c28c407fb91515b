#include "jail.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/// What goes out at the end: the ending, and the calls that were denied or learned.
static struct {
  struct ec_ending ending;
  struct ec_denied denied[EC_LEARNED_MAX];
} outcome;

_Static_assert(sizeof(struct ec_record) + sizeof outcome <= EC_MESSAGE_BYTES_MAX, "one message");

/// Entries of one number; more differences than these only say that there are many.
#define DENIED_OF_ONE_CALL 8

/// True where this run was killed by us.
static int is_killing;

static void end_run(pid_t init) {
  is_killing = 1;
  if (plan->flags & EC_BARE)
    kill_all();
  else
    kill(init, SIGKILL);
}

/// A call in the convention of another architecture is no honest program's.
static int is_killed(int32_t number, uint32_t architecture) {
  if (architecture != EC_ARCHITECTURE || number >= 0x40000000) return 1;
  const uint64_t *kills = (const void *)text(plan->kills.offset);
  for (uint32_t i = 0; i < plan->kills.count; i++)
    if (kills[i] == (uint64_t)number) return 1;
  return 0;
}

static int is_same(const struct ec_denied *a, const struct ec_denied *b) {
  for (int i = 0; i < 6; i++)
    if (a->arguments[i] != b->arguments[i]) return 0;
  return a->watch == b->watch;
}

static void note(const struct ec_denied *call) {
  struct ec_denied *first = 0;
  uint32_t of_this_call = 0, learns = plan->flags & EC_LEARN;
  for (uint32_t i = 0; i < outcome.ending.denied; i++) {
    struct ec_denied *entry = &outcome.denied[i];
    if (entry->number != call->number || entry->architecture != call->architecture) continue;
    if (!first) first = entry;
    of_this_call++;
    if (is_same(entry, call)) {
      entry->count++;
      return;
    }
  }
  if (outcome.ending.denied < (learns ? EC_LEARNED_MAX : EC_DENIED_MAX) &&
      (learns || of_this_call < DENIED_OF_ONE_CALL)) {
    outcome.denied[outcome.ending.denied++] = *call;
  } else if (learns) {
    outcome.ending.lost++;
  } else if (first) {
    first->count++;
  }
}

static int holds(const struct ec_watch *watch, const struct ec_denied *call) {
  if (watch->number != call->number) return 0;
  for (int i = 0; i < 6; i++)
    if ((call->arguments[i] & watch->masks[i]) != watch->values[i]) return 0;
  return 1;
}

/// Decides about a call that is learned, and leaves what is kept of its arguments.
static void judge(struct ec_denied *call) {
  const struct ec_watch *watches = (const void *)text(plan->watches.offset);
  uint32_t i = 0;
  while (i < plan->watches.count && !holds(&watches[i], call)) i++;
  int is_watched = i < plan->watches.count;
  call->watch = is_watched ? i + 1 : 0;
  call->granted = is_watched ? watches[i].granted : 1;
  for (int k = 0; k < 6; k++) call->arguments[k] &= is_watched ? watches[i].kept[k] : 0;
}

/// The kernel holds a process in a call and waits for our answer. Only the registers decide: memory
/// could be changed meanwhile, and they cannot, also not before a call that goes on.
static void answer_call(pid_t init) {
  struct {
    struct seccomp_notif notice;
    char more[256];
  } buffer;
  memset(&buffer, 0, sizeof buffer);
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &buffer) < 0) return;
  const struct seccomp_data *data = &buffer.notice.data;
  if (is_killed(data->nr, data->arch)) {
    if (!outcome.ending.violation_architecture) {
      outcome.ending.violation = data->nr;
      outcome.ending.violation_architecture = data->arch;
    }
    end_run(init);
    return;
  }
  struct ec_denied call = {.number = data->nr, .architecture = data->arch, .count = 1};
  for (int i = 0; i < 6; i++) call.arguments[i] = data->args[i];
  if (plan->flags & EC_LEARN) judge(&call);
  note(&call);
  struct {
    struct seccomp_notif_resp answer;
    char more[256];
  } reply;
  memset(&reply, 0, sizeof reply);
  reply.answer.id = buffer.notice.id;
  if (call.granted)
    reply.answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  else
    reply.answer.error = -(int32_t)plan->denied_error;
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

void answer_start(void) {
  char notice[sizeof(struct seccomp_notif) + 256] __attribute__((aligned(8)));
  memset(notice, 0, sizeof notice);
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, notice) < 0) return;
  char reply[sizeof(struct seccomp_notif_resp) + 256] __attribute__((aligned(8)));
  memset(reply, 0, sizeof reply);
  struct seccomp_notif_resp *answer = (void *)reply;
  answer->id = ((struct seccomp_notif *)notice)->id;
  answer->error = -EPERM;
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, reply);
}

/// Watches one run until everything in it is dead. True where the worker is gone.
static int watch(pid_t init, int pidfd) {
  struct pollfd waits[3] = {
      {EC_FD_CONTROL, POLLIN, 0}, {pidfd, POLLIN, 0}, {listener, POLLIN, 0}};
  for (;;) {
    if (poll(waits, 3, -1) < 0) continue;
    if (waits[2].revents & POLLIN) answer_call(init);
    if (waits[0].revents) {
      // To kill the run is all that is asked for now, also by who is gone.
      if (!receive_order()) waits[0].fd = -1;
      end_run(init);
    }
    if (waits[1].revents) return waits[0].fd < 0;
  }
}

static void add(struct rusage *sum, const struct rusage *more) {
  sum->ru_utime.tv_sec += more->ru_utime.tv_sec;
  sum->ru_utime.tv_usec += more->ru_utime.tv_usec;
  sum->ru_stime.tv_sec += more->ru_stime.tv_sec;
  sum->ru_stime.tv_usec += more->ru_stime.tv_usec;
  if (sum->ru_maxrss < more->ru_maxrss) sum->ru_maxrss = more->ru_maxrss;
  sum->ru_inblock += more->ru_inblock;
  sum->ru_oublock += more->ru_oublock;
  sum->ru_nvcsw += more->ru_nvcsw;
  sum->ru_nivcsw += more->ru_nivcsw;
}

/// Init leaves nobody, unless it was killed: then they are our children now.
static void end_orphans(struct rusage *usage) {
  for (;;) {
    int status;
    struct rusage more = {0};
    pid_t pid = wait4(-1, &status, WNOHANG, &more);
    if (pid == 0) {
      kill_all();
      pid = wait4(-1, &status, 0, &more);
    }
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) return;
    add(usage, &more);
  }
}

static void report(pid_t init) {
  int status = 0;
  struct rusage usage = {0};
  // Returns only when every process of the namespace is dead, pid_namespaces(7).
  while (wait4(init, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  if (plan->flags & EC_BARE) end_orphans(&usage);
  if (shared->failed_stage) {
    record(EC_RECORD_FAILURE, shared->failed_stage, shared->failed_error, shared->subject,
           strlen(shared->subject), -1);
    return;
  }
  struct ec_ending *ending = &outcome.ending;
  // Nobody saw the end of a program whose init was killed; where that was us, it is known.
  ending->status = shared->ending.status < 0 && is_killing ? SIGKILL : shared->ending.status;
  ending->exec_error = shared->ending.exec_error;
  ending->orphans = shared->ending.orphans;
  add(&usage, &shared->copy);
  ending->user_microseconds = usage.ru_utime.tv_sec * 1000000ll + usage.ru_utime.tv_usec;
  ending->system_microseconds = usage.ru_stime.tv_sec * 1000000ll + usage.ru_stime.tv_usec;
  ending->resident_kibibytes = usage.ru_maxrss;
  ending->blocks_read = usage.ru_inblock;
  ending->blocks_written = usage.ru_oublock;
  ending->voluntary_switches = usage.ru_nvcsw;
  ending->involuntary_switches = usage.ru_nivcsw;
  record(EC_RECORD_END, 0, 0, &outcome,
         sizeof outcome.ending + ending->denied * sizeof outcome.denied[0], -1);
}

/// Pipes whose ends would wake the worker one by one; it needs the last record alone.
static int is_output(int descriptor) {
  return descriptor == EC_STDOUT || descriptor == EC_STDERR || descriptor == EC_REPORT;
}

void serve_run(void) {
  run_number++;
  shared->failed_stage = 0;
  shared->ending = (struct ec_ending){.status = -1};
  shared->copy = (struct rusage){0};
  is_killing = 0;
  outcome.ending = (struct ec_ending){.violation = -1};
  step(EC_STAGE_CLONE);
  int pidfd = -1;
  uint64_t flags = plan->namespaces | CLONE_PIDFD | SIGCHLD;
  pid_t init = (pid_t)syscall(SYS_clone, flags, 0, &pidfd, 0, 0);
  if (init < 0) fail(EC_STAGE_CLONE, "namespaces");
  if (init == 0) {
    is_inside = 1;
    run_init();
  }
  for (int i = 0; i < received_count; i++)
    if (!is_output(i)) close(received[i]);
  // Whoever holds the mounts last takes them apart; the worker need not wait for that.
  int mounts = plan->flags & EC_BARE ? -1 : ioctl(pidfd, 0xFF03 /* PIDFD_GET_MNT_NAMESPACE */, 0);
  int is_alone = watch(init, pidfd);
  close(pidfd);
  report(init);
  for (int i = 0; i < received_count; i++)
    if (is_output(i)) close(received[i]);
  close(mounts);
  if (is_alone) _exit(0);
}
