#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct ec_plan *plan;
struct shared *shared;

const char *text(uint32_t offset) { return (const char *)plan + offset; }

char *const *texts(struct ec_table table) {
  uint64_t *items = (uint64_t *)((char *)plan + table.offset);
  for (uint32_t i = 0; i < table.count; i++)
    if (items[i] < plan->size) items[i] = (uint64_t)(uintptr_t)((char *)plan + items[i]);
  return (char *const *)items;
}

void record(uint16_t kind, int stage, int error, const void *payload, size_t length) {
  char bytes[EC_RECORD_BYTES_MAX];
  struct ec_record head = {EC_RECORD_MAGIC, kind, (uint16_t)stage, error, (uint32_t)length};
  if (length > sizeof bytes - sizeof head) length = head.length = sizeof bytes - sizeof head;
  memcpy(bytes, &head, sizeof head);
  if (length) memcpy(bytes + sizeof head, payload, length);
  while (write(EC_FD_STATUS, bytes, sizeof head + length) < 0 && errno == EINTR) {
  }
}

_Noreturn void fail(int stage, const char *subject) {
  record(EC_RECORD_FAILURE, stage, errno, subject, subject ? strlen(subject) : 0);
  _exit(1);
}

void step(int stage) {
#ifdef DEBUG
  if (plan->failing_stage == (uint32_t)stage) {
    errno = ECANCELED;
    fail(stage, "made to fail");
  }
#else
  (void)stage;
#endif
}

static void read_plan(void) {
  struct stat info;
  if (fstat(EC_FD_PLAN, &info) < 0) fail(EC_STAGE_PLAN, "descriptor");
  errno = EBADMSG;
  if (info.st_size < (off_t)sizeof *plan || info.st_size > EC_PLAN_BYTES_MAX)
    fail(EC_STAGE_PLAN, "size");
  void *bytes = mmap(0, (size_t)info.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, EC_FD_PLAN, 0);
  if (bytes == MAP_FAILED) fail(EC_STAGE_PLAN, "map");
  int problem = ec_plan_check(bytes, (size_t)info.st_size);
  if (problem) {
    char number[2] = {(char)('a' + problem - 1), 0};
    errno = EBADMSG;
    fail(EC_STAGE_PLAN, number);
  }
  plan = bytes;
  close(EC_FD_PLAN);
#ifndef DEBUG
  if (plan->failing_stage) {
    errno = EBADMSG;
    fail(EC_STAGE_PLAN, "failing stage");
  }
#endif
}

/// Kills the tree when Swift closes the control pipe, and reports how the tree ended.
static _Noreturn void watch(pid_t init, int pidfd) {
  struct pollfd waits[2] = {{EC_FD_CONTROL, POLLIN, 0}, {pidfd, POLLIN, 0}};
  for (;;) {
    if (poll(waits, 2, -1) < 0) continue;
    if (waits[0].revents) {
      kill(init, SIGKILL);
      waits[0].fd = -1;
    }
    if (waits[1].revents) break;
  }
  int status = 0;
  struct rusage usage = {0};
  // Returns only when every process of the namespace is dead, pid_namespaces(7).
  while (wait4(init, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  struct ec_ending ending = {
      .status = status,
      .user_microseconds = usage.ru_utime.tv_sec * 1000000ll + usage.ru_utime.tv_usec,
      .system_microseconds = usage.ru_stime.tv_sec * 1000000ll + usage.ru_stime.tv_usec,
      .resident_kibibytes = usage.ru_maxrss,
  };
  record(EC_RECORD_END, 0, 0, &ending, sizeof ending);
  _exit(0);
}

static _Noreturn void give_up(pid_t init, int error) {
  kill(init, SIGKILL);
  while (waitpid(init, 0, 0) < 0 && errno == EINTR) {
  }
  errno = error;
  fail(EC_STAGE_GROUP, "cgroup.procs");
}

/// Puts init, which has not started anything yet, into the control groups of the run.
static void join_groups(pid_t init) {
  char number[16], digits[16];
  int length = 0;
  for (int rest = init; rest; rest /= 10) digits[length++] = (char)('0' + rest % 10);
  for (int i = 0; i < length; i++) number[i] = digits[length - 1 - i];
#ifdef DEBUG
  if (plan->failing_stage == EC_STAGE_GROUP) give_up(init, ECANCELED);
#endif
  for (uint32_t i = 0; i < plan->groups; i++) {
    int fd = EC_FD_MOUNTS + (int)plan->mounts + (int)i;
    if (write(fd, number, (size_t)length) < 0) give_up(init, errno);
    close(fd);
  }
}

int main(void) {
  umask(022);
  struct ec_hello hello = {ec_plan_build()};
  record(EC_RECORD_HELLO, 0, 0, &hello, sizeof hello);
  read_plan();
  step(EC_STAGE_PLAN);
  unsigned last = EC_FD_MOUNTS + plan->mounts + plan->groups;
  if (plan->flags & EC_CLOSE_DESCRIPTORS) syscall(SYS_close_range, last, ~0u, 0);
  personality(PER_LINUX);
  setsid();
  if (plan->kind == EC_KIND_WORKSPACE) make_workspace();
  shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) fail(EC_STAGE_PLAN, "map");
  shared->listener = -1;
  int alive[2];
  if (pipe2(alive, O_CLOEXEC) < 0) fail(EC_STAGE_CLONE, "pipe");
  step(EC_STAGE_CLONE);
  int pidfd = -1;
  uint64_t flags = plan->clone_flags | CLONE_PIDFD | SIGCHLD;
  pid_t init = (pid_t)syscall(SYS_clone, flags, 0, &pidfd, 0, 0);
  if (init < 0) fail(EC_STAGE_CLONE, "namespaces");
  if (init == 0) {
    close(alive[1]);
    run_init(alive[0]);
  }
  close(alive[0]);
  join_groups(init);
  // Init waits for this byte, and dies when this pipe closes.
  if (write(alive[1], "a", 1) < 0) kill(init, SIGKILL);
  close(EC_FD_GO);
  // Kept open here, the program's pipes would never end. 11 has no number in the plan, and may be
  // our own.
  for (int fd = EC_FD_STDIN; fd <= EC_FD_REPORT; fd++) close(fd);
  for (int fd = 0; fd < (int)plan->mounts; fd++) close(EC_FD_MOUNTS + fd);
  watch(init, pidfd);
}
