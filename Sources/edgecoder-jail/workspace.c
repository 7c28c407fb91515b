#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void put_decimal(char *end, uint64_t number) {
  char digits[24];
  int length = 0;
  do digits[length++] = (char)('0' + number % 10);
  while (number /= 10);
  while (length) *end++ = digits[--length];
  *end = 0;
}

static void configure(int context, const char *key, uint64_t number) {
  char value[24];
  put_decimal(value, number);
  // fsconfig(2), FSCONFIG_SET_STRING
  if (syscall(431, context, 1, key, value, 0) < 0) fail(EC_STAGE_WORKSPACE, key);
}

/// Makes the quota file system in a user namespace of its own and hands it back; it lives as long
/// as its descriptor does.
_Noreturn void make_workspace(void) {
  step(EC_STAGE_WORKSPACE);
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) fail(EC_STAGE_WORKSPACE, "user namespace");
  map_user();
  int context = (int)syscall(430 /* fsopen */, "tmpfs", 1);
  if (context < 0) fail(EC_STAGE_WORKSPACE, "fsopen");
  if (plan->workspace_bytes) configure(context, "size", plan->workspace_bytes);
  if (plan->workspace_inodes) configure(context, "nr_inodes", plan->workspace_inodes);
  if (syscall(431, context, 1, "mode", "0755", 0) < 0) fail(EC_STAGE_WORKSPACE, "mode");
  if (syscall(431, context, 6 /* create */, 0, 0, 0) < 0) fail(EC_STAGE_WORKSPACE, "create");
  // fsmount(2): close-on-exec; no setuid programs, no devices.
  int fd = (int)syscall(432, context, 1, 2 | 4);
  if (fd < 0) fail(EC_STAGE_WORKSPACE, "fsmount");
  record(EC_RECORD_WORKSPACE, 0, 0, 0, 0, fd);
  _exit(0);
}

/// A user namespace for mounts that show files as another user's; nothing runs in it.
_Noreturn void make_mapping(void) {
  step(EC_STAGE_WORKSPACE);
  if (unshare(CLONE_NEWUSER) < 0) fail(EC_STAGE_WORKSPACE, "user namespace");
  record(EC_RECORD_READY, 0, 0, 0, 0, -1);
  receive_order();
  _exit(0);
}
