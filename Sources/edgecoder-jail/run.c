#include "jail.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/// What goes out at the end: the ending, and the calls that were denied.
static struct {
  struct ec_ending ending;
  struct ec_denied denied[EC_DENIED_MAX];
} outcome;

/// Entries of one number; more differences than these only say that there are many.
#define DENIED_OF_ONE_CALL 8

/// A call in the convention of another architecture is no honest program's.
static int is_killed(int32_t number, uint32_t architecture) {
  if (architecture != EC_ARCHITECTURE || number >= 0x40000000) return 1;
  const uint64_t *kills = (const void *)text(plan->kills.offset);
  for (uint32_t i = 0; i < plan->kills.count; i++)
    if (kills[i] == (uint64_t)number) return 1;
  return 0;
}

static int is_same(const struct ec_denied *entry, const struct seccomp_data *call) {
  for (int i = 0; i < 6; i++)
    if (entry->arguments[i] != call->args[i]) return 0;
  return 1;
}

static void note_denied(const struct seccomp_data *call) {
  struct ec_denied *first = 0;
  uint32_t of_this_call = 0;
  for (uint32_t i = 0; i < outcome.ending.denied; i++) {
    struct ec_denied *entry = &outcome.denied[i];
    if (entry->number != call->nr || entry->architecture != call->arch) continue;
    if (!first) first = entry;
    of_this_call++;
    if (is_same(entry, call)) {
      entry->count++;
      return;
    }
  }
  if (of_this_call < DENIED_OF_ONE_CALL && outcome.ending.denied < EC_DENIED_MAX) {
    struct ec_denied *entry = &outcome.denied[outcome.ending.denied++];
    entry->number = call->nr;
    entry->architecture = call->arch;
    for (int i = 0; i < 6; i++) entry->arguments[i] = call->args[i];
    entry->count = 1;
  } else if (first) {
    first->count++;
  }
}

/// The kernel holds a process in a denied call and waits for our answer. Only the registers decide:
/// memory could be changed meanwhile.
static void answer_denied(pid_t init) {
  struct {
    struct seccomp_notif notice;
    char more[256];
  } buffer;
  memset(&buffer, 0, sizeof buffer);
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &buffer) < 0) return;
  const struct seccomp_data *call = &buffer.notice.data;
  if (is_killed(call->nr, call->arch)) {
    if (!outcome.ending.violation_architecture) {
      outcome.ending.violation = call->nr;
      outcome.ending.violation_architecture = call->arch;
    }
    kill(init, SIGKILL);
    return;
  }
  note_denied(call);
  struct {
    struct seccomp_notif_resp answer;
    char more[256];
  } reply;
  memset(&reply, 0, sizeof reply);
  reply.answer.id = buffer.notice.id;
  reply.answer.error = -(int32_t)plan->denied_error;
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

static void send_proof(void) {
  size_t length = shared->proof.status + shared->proof.groups + shared->proof.mounts;
  if (length > sizeof shared->texts) length = sizeof shared->texts;
  record(EC_RECORD_PROOF, 0, 0, &shared->proof, sizeof shared->proof + length, -1);
}

/// Watches one run until everything in it is dead. True where the worker is gone.
static int watch(pid_t init, int pidfd, int channel) {
  struct pollfd waits[4] = {
      {EC_FD_CONTROL, POLLIN, 0}, {pidfd, POLLIN, 0}, {channel, POLLIN, 0}, {listener, POLLIN, 0}};
  char byte = 'g';
  for (;;) {
    if (poll(waits, 4, -1) < 0) continue;
    if (waits[3].revents & POLLIN) answer_denied(init);
    if (waits[2].revents & POLLIN && read(channel, &byte, 1) == 1)
      send_proof();
    else if (waits[2].revents)
      waits[2].fd = -1;
    if (waits[0].revents) {
      uint32_t order = receive_order();
      if (order == EC_ORDER_GO) {
        (void)!write(channel, &byte, 1);
      } else {
        kill(init, SIGKILL);
        if (!order) waits[0].fd = -1;
      }
    }
    if (waits[1].revents) return waits[0].fd < 0;
  }
}

static void report(pid_t init) {
  int status = 0;
  struct rusage usage = {0};
  // Returns only when every process of the namespace is dead, pid_namespaces(7).
  while (wait4(init, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  if (shared->failed_stage) {
    record(EC_RECORD_FAILURE, shared->failed_stage, shared->failed_error, shared->subject,
           strlen(shared->subject), -1);
    return;
  }
  struct ec_ending *ending = &outcome.ending;
  ending->status = shared->ending.status;
  ending->exec_error = shared->ending.exec_error;
  ending->orphans = shared->ending.orphans;
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

void serve_run(void) {
  shared->failed_stage = 0;
  shared->ending = (struct ec_ending){.status = SIGKILL};
  shared->proof = (struct ec_proof){0};
  outcome.ending = (struct ec_ending){.violation = -1};
  int channel[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0)
    fail(EC_STAGE_CLONE, "socketpair");
  step(EC_STAGE_CLONE);
  int pidfd = -1;
  uint64_t flags = plan->namespaces | CLONE_PIDFD | SIGCHLD;
  pid_t init = (pid_t)syscall(SYS_clone, flags, 0, &pidfd, 0, 0);
  if (init < 0) fail(EC_STAGE_CLONE, "namespaces");
  if (init == 0) {
    is_inside = 1;
    run_init(channel[1]);
  }
  // Kept open here, the program's pipes would never end.
  for (int i = 0; i < received_count; i++) close(received[i]);
  close(channel[1]);
  int is_alone = watch(init, pidfd, channel[0]);
  close(channel[0]);
  close(pidfd);
  report(init);
  if (is_alone) _exit(0);
}
