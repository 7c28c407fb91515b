#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// A warm interpreter is a child of the jail that has started, has loaded what every program of its
// kind loads, and waits; for each run it is copied, fork(2). It sees neither the run's files nor
// anything that a program wrote. It has this file's code in its memory, at the jail's addresses,
// because filters let nobody else do what a launch has to do; so the copy is confined by the very
// functions that confine a program which is executed, and nothing of the task is read before.

/// In the jail and in init: where the interpreter takes orders. In it, EC_WARM_FD_ORDERS.
static int orders = -1;
/// What becomes of EC_WARM_FD_ORDERS and the following, until it has started.
static int given[EC_WARM_FD_PROCESSES - EC_WARM_FD_ORDERS + 1];
/// The namespaces of the run, then what its program gets.
#define SENT (2 + EC_MOUNTS)
union control {
  struct cmsghdr head;
  char bytes[CMSG_SPACE(SENT * sizeof(int))];
};

/// Numbers that nothing else is put under.
static int keep(int fd, const char *subject) {
  int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 20);
  if (copy < 0) fail(EC_STAGE_WARM, subject);
  close(fd);
  return copy;
}

void open_for_warm(void) {
  if (!(plan->flags & EC_WARM)) return;
  step(EC_STAGE_WARM);
  int ends[2];
  if (syscall(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
    fail(EC_STAGE_WARM, "orders");
  orders = keep(ends[0], "orders");
  given[0] = keep(ends[1], "orders");
  given[1] = keep(EC_FD_PLAN, "plan");
  given[2] = keep((int)syscall(SYS_memfd_create, "shared", 1u), "shared");
  if (syscall(SYS_ftruncate, given[2], sizeof *shared) < 0) fail(EC_STAGE_WARM, "shared");
  shared = mmap(0, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, given[2], 0);
  if (shared == MAP_FAILED) fail(EC_STAGE_WARM, "shared");
  given[3] = keep(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), "/proc/self/exe");
  given[4] = keep(open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC), "/proc/self/ns/pid");
}

void pass_capabilities(void) {
  // CAP_SETGID, CAP_SETUID, CAP_SYS_CHROOT, CAP_SYS_ADMIN.
  const uint32_t needed = 1u << 6 | 1u << 7 | 1u << 18 | 1u << 21;
  struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[2];
  if (syscall(SYS_capget, &head, sets) < 0) fail(EC_STAGE_WARM, "capget");
  sets[0].inheritable |= needed & sets[0].permitted;
  if (syscall(SYS_capset, &head, sets) < 0) fail(EC_STAGE_WARM, "capset");
  for (int i = 0; i < 32; i++)
    if (sets[0].inheritable & needed & 1u << i)
      prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0);
}

/// Without memory of its own until it executes.
static void become_interpreter(void) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < EC_WARM_FD_ORDERS; fd++)
    if (dup2(null, fd) < 0) _exit(127);
  for (int i = 0; i < (int)(sizeof given / sizeof given[0]); i++)
    if (dup2(given[i], EC_WARM_FD_ORDERS + i) < 0) _exit(127);
  syscall(SYS_close_range, EC_WARM_FD_PROCESSES + 1, ~0u, 0);
  char *const *programs = texts(plan->programs), *const *arguments = texts(plan->arguments);
  char *const *environment = texts(plan->environment);
  for (uint32_t i = 0; programs[i]; i++) execve(programs[i], arguments, environment);
  _exit(127);
}

void start_warm(void) {
  if (!(plan->flags & EC_WARM)) return;
  if (start_apart(become_interpreter) < 0) fail(EC_STAGE_WARM, "clone");
  for (int i = 0; i < (int)(sizeof given / sizeof given[0]); i++) close(given[i]);
  long (*function)(int, int) = ec_warm;
  if (write(orders, &function, sizeof function) < 0) fail(EC_STAGE_WARM, "orders");
  struct pollfd waits[2] = {{orders, POLLIN, 0}, {listener, POLLIN, 0}};
  for (;;) {
    if (poll(waits, 2, -1) < 0) continue;
    if (waits[1].revents & POLLIN) answer_start();
    if (!waits[0].revents) continue;
    uint32_t ready;
    if (read(orders, &ready, sizeof ready) == sizeof ready) return;
    errno = ECHILD;
    fail(EC_STAGE_WARM, "the interpreter does not start");
  }
}

void order_copy(void) {
  step(EC_STAGE_WARM);
  int sent[SENT] = {open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC),
                    open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC)};
  if (sent[0] < 0 || sent[1] < 0) fail(EC_STAGE_WARM, "/proc/self/ns");
  memcpy(sent + 2, received, EC_MOUNTS * sizeof(int));
  struct iovec part = {&run_number, sizeof run_number};
  union control control;
  memset(&control, 0, sizeof control);
  struct msghdr message = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof control};
  control.head.cmsg_level = SOL_SOCKET;
  control.head.cmsg_type = SCM_RIGHTS;
  control.head.cmsg_len = CMSG_LEN(sizeof sent);
  memcpy(CMSG_DATA(&control.head), sent, sizeof sent);
  if (sendmsg(orders, &message, MSG_NOSIGNAL) < 0) fail(EC_STAGE_WARM, "order");
}

/// How a copy ended, from the interpreter, which is its parent, to init.
struct end {
  uint32_t run_number;
  int32_t status;
  struct rusage usage;
};

/// What the copy's children leave behind is init's, and goes by itself until the copy has ended.
void await_copy(void) {
  uint64_t ignore[4] = {1 /* SIG_IGN */};
  syscall(SYS_rt_sigaction, SIGCHLD, ignore, (void *)0, 8);
  if (plan->flags & EC_CLOSE_DESCRIPTORS) {
    syscall(SYS_close_range, 0, orders - 1, 0);
    syscall(SYS_close_range, orders + 1, ~0u, 0);
  }
  struct end end = {0};
  while (end.run_number != run_number) {
    ssize_t got = read(orders, &end, sizeof end);
    if (got < 0 && errno == EINTR) continue;
    if (got == sizeof end) continue;
    errno = ECHILD;
    fail(EC_STAGE_WARM, "the interpreter is gone");
  }
  shared->ending.status = end.status;
  shared->copy = end.usage;
  ignore[0] = 0;
  syscall(SYS_rt_sigaction, SIGCHLD, ignore, (void *)0, 8);
}

// From here on in the interpreter.

static int processes = -1, mounts = -1;

static long be_ready(void) {
  map_memory(EC_WARM_FD_PLAN, EC_WARM_FD_SHARED);
  is_inside = 1;
  for (int fd = EC_WARM_FD_PLAN; fd <= EC_WARM_FD_JAIL; fd++) close(fd);
  return write(EC_WARM_FD_ORDERS, &run_number, sizeof run_number) == sizeof run_number;
}

/// Takes the next order, and lets the next child be born among the processes of the run.
static long next_run(void) {
  struct iovec part = {&run_number, sizeof run_number};
  union control control;
  struct msghdr message = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof control};
  ssize_t got;
  while ((got = recvmsg(EC_WARM_FD_ORDERS, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
  }
  if (got != sizeof run_number) return 0;
  int sent[SENT];
  if (control.head.cmsg_len != CMSG_LEN(sizeof sent)) return 0;
  memcpy(sent, CMSG_DATA(&control.head), sizeof sent);
  processes = sent[0];
  mounts = sent[1];
  memcpy(received, sent + 2, EC_MOUNTS * sizeof(int));
  if (syscall(SYS_setns, processes, CLONE_NEWPID) < 0) fail(EC_STAGE_WARM, "processes");
  return 1;
}

static long wait_for_copy(pid_t copy) {
  close(processes);
  close(mounts);
  for (int i = 0; i < EC_MOUNTS; i++) close(received[i]);
  if (syscall(SYS_setns, EC_WARM_FD_PROCESSES, CLONE_NEWPID) < 0) fail(EC_STAGE_WARM, "own");
  struct end end = {.run_number = run_number};
  while (wait4(copy, &end.status, 0, &end.usage) < 0 && errno == EINTR) {
  }
  return write(EC_WARM_FD_ORDERS, &end, sizeof end) == sizeof end;
}

static long enter_run(void) {
  if (syscall(SYS_setns, mounts, CLONE_NEWNS) < 0) fail(EC_STAGE_WARM, "mounts");
  uint32_t flags = plan->flags;
  arrange_descriptors();
  become_ordinary();
  // As after an execution; nobody else is there who could look.
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  confine_program();
  unsigned first = flags & EC_REPORT_CHANNEL ? 4 : 3;
  if (flags & EC_CLOSE_DESCRIPTORS) syscall(SYS_close_range, first, ~0u, 0);
  // What the jail and the worker read is out of the program's reach.
  syscall(SYS_munmap, shared, sizeof *shared);
  syscall(SYS_munmap, plan, EC_PLAN_BYTES_MAX);
  return 0;
}

long ec_warm(int request, int argument) {
  switch (request) {
    case EC_WARM_READY: return be_ready();
    case EC_WARM_NEXT: return next_run();
    case EC_WARM_ARGUMENTS: return plan->arguments.offset;
    case EC_WARM_ENVIRONMENT: return plan->environment.offset;
    case EC_WARM_FAIL: errno = argument; fail(EC_STAGE_WARM, "copy");
    case EC_WARM_WAIT: return wait_for_copy(argument);
    case EC_WARM_ENTER: return enter_run();
    default: return -1;
  }
}
