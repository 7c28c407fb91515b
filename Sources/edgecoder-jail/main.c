#include "jail.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct ec_plan *plan;
struct shared *shared;
int received[EC_DESCRIPTORS_MAX];
int received_count;
int listener = -1;
uint32_t run_number;
int is_inside;

union control {
  struct cmsghdr head;
  char bytes[CMSG_SPACE(sizeof received)];
};

const char *text(uint32_t offset) { return (const char *)plan + offset; }

char *const *texts(struct ec_table table) {
  uint64_t *items = (uint64_t *)((char *)plan + table.offset);
  for (uint32_t i = 0; i < table.count; i++)
    if (items[i] < plan->size) items[i] = (uint64_t)(uintptr_t)((char *)plan + items[i]);
  return (char *const *)items;
}

void record(uint16_t kind, int stage, int error, const void *payload, size_t length, int fd) {
  struct ec_record head = {EC_RECORD_MAGIC, kind, (uint16_t)stage, error, (uint32_t)length};
  struct iovec parts[2] = {{&head, sizeof head}, {(void *)payload, length}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = length ? 2 : 1};
  union control control;
  if (fd >= 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof fd);
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
  }
  while (sendmsg(EC_FD_CONTROL, &message, MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
}

uint32_t receive_order(void) {
  struct ec_order order = {0, 0};
  struct iovec part = {&order, sizeof order};
  union control control;
  struct msghdr message = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof control};
  ssize_t got;
  while ((got = recvmsg(EC_FD_CONTROL, &message, 0)) < 0 && errno == EINTR) {
  }
  if (got != sizeof order || order.magic != EC_RECORD_MAGIC) return 0;
  if (order.kind != EC_ORDER_PLAN) return order.kind;
  received_count = 0;
  if (message.msg_controllen >= sizeof control.head && control.head.cmsg_type == SCM_RIGHTS) {
    received_count = (int)((control.head.cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(received, CMSG_DATA(&control.head), (size_t)received_count * sizeof(int));
  }
  return order.kind;
}

_Noreturn void fail(int stage, const char *subject) {
  int error = errno;
  if (!is_inside) {
    record(EC_RECORD_FAILURE, stage, error, subject, subject ? strlen(subject) : 0, -1);
  } else if (!shared->failed_stage) {
    size_t length = subject ? strlen(subject) : 0;
    if (length >= sizeof shared->subject) length = sizeof shared->subject - 1;
    memcpy(shared->subject, subject, length);
    shared->subject[length] = 0;
    shared->failed_error = error;
    shared->failed_stage = stage;
  }
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

uint32_t take_text(int fd, uint32_t offset, int stage) {
  uint32_t end = offset;
  for (;;) {
    ssize_t got = read(fd, shared->shown.texts + end, sizeof shared->shown.texts - end);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(stage, "read");
    if (got == 0) return end - offset;
    end += (uint32_t)got;
  }
}

static void check_plan(void) {
  int problem = ec_plan_check(plan, plan->size);
#ifndef DEBUG
  if (!problem && plan->failing_stage) problem = 26;
#endif
  if (!problem && plan->kind == EC_KIND_RUN && (int)plan->descriptors != received_count)
    problem = 25;
  if (problem) {
    char letter[2] = {(char)('a' + problem - 1), 0};
    errno = EBADMSG;
    fail(EC_STAGE_PLAN, letter);
  }
  step(EC_STAGE_PLAN);
}

void map_memory(int plans, int common) {
  int protection = PROT_READ | PROT_WRITE;
  plan = mmap(0, EC_PLAN_BYTES_MAX, protection, MAP_SHARED, plans, 0);
  int kind = common < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
  shared = mmap(0, sizeof *shared, protection, kind, common, 0);
  if (plan == MAP_FAILED || shared == MAP_FAILED) fail(EC_STAGE_PLAN, "map");
}

static void take_memory(void) {
  struct stat info;
  if (fstat(EC_FD_PLAN, &info) < 0) fail(EC_STAGE_PLAN, "descriptor");
  errno = EBADMSG;
  if (info.st_size != EC_PLAN_BYTES_MAX) fail(EC_STAGE_PLAN, "size");
  map_memory(EC_FD_PLAN, -1);
}

int main(void) {
  umask(022);
  struct ec_hello hello = {ec_plan_build()};
  record(EC_RECORD_HELLO, 0, 0, &hello, sizeof hello, -1);
  take_memory();
  int has_template = 0;
  for (;;) {
    uint32_t order = receive_order();
    if (!order) _exit(0);
    // A run can end just before the order to kill it.
    if (order != EC_ORDER_PLAN) continue;
    check_plan();
    if (plan->kind == EC_KIND_WORKSPACE) make_workspace();
    if (plan->kind == EC_KIND_MAPPING) make_mapping();
    if (has_template != (plan->kind == EC_KIND_RUN)) {
      errno = EBADMSG;
      fail(EC_STAGE_PLAN, "order of plans");
    }
    if (has_template) {
      serve_run();
    } else {
      make_template();
      has_template = 1;
    }
  }
}
