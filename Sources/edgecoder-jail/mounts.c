#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TREE_CLONE 1u
#define TREE_RECURSIVE 0x8000u
#define MOVE_FROM_DESCRIPTOR 4u
#define ATTRIBUTE_READ_ONLY 1u
#define ATTRIBUTE_NO_SUID 2u
#define ATTRIBUTE_NO_DEVICES 4u
#define ATTRIBUTE_NO_EXEC 8u

struct attributes {
  uint64_t set, clear, propagation, user;
};

int tree_of(int dirfd, const char *path, int recursive) {
  unsigned flags = TREE_CLONE | O_CLOEXEC | (recursive ? TREE_RECURSIVE : 0);
  if (!*path) flags |= AT_EMPTY_PATH;
  return (int)syscall(428 /* open_tree */, dirfd, path, flags);
}

int set_mount(int dirfd, const char *path, uint64_t set, int recursive) {
  struct attributes wanted = {.set = set};
  unsigned flags = (recursive ? TREE_RECURSIVE : 0) | (*path ? 0u : AT_EMPTY_PATH);
  return (int)syscall(442 /* mount_setattr */, dirfd, path, flags, &wanted, sizeof wanted);
}

int attach_mount(int fd, const char *target) {
  return (int)syscall(429 /* move_mount */, fd, "", AT_FDCWD, target, MOVE_FROM_DESCRIPTOR);
}

void write_text(int stage, const char *path, const char *content) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, content, strlen(content)) < 0) fail(stage, path);
  close(fd);
}

static char *put_number(char *end, uint32_t number) {
  char digits[12];
  int length = 0;
  do digits[length++] = (char)('0' + number % 10);
  while (number /= 10);
  while (length) *end++ = digits[--length];
  return end;
}

/// "inside outside 1", user_namespaces(7).
static void map_one(const char *path, uint32_t inside, uint32_t outside) {
  char line[32], *end = put_number(line, inside);
  *end++ = ' ';
  end = put_number(end, outside);
  memcpy(end, " 1", 3);
  write_text(EC_STAGE_MAP, path, line);
}

void map_user(void) {
  step(EC_STAGE_MAP);
  write_text(EC_STAGE_MAP, "/proc/self/setgroups", "deny");
  map_one("/proc/self/uid_map", plan->uid, plan->outer_uid);
  map_one("/proc/self/gid_map", plan->gid, plan->outer_gid);
}

/// Makes the directories above `path`, which is below the new root.
static void make_parents(const char *path, int stage) {
  char part[4096];
  size_t length = strlen(path);
  if (length >= sizeof part) {
    errno = ENAMETOOLONG;
    fail(stage, path);
  }
  memcpy(part, path, length + 1);
  for (size_t i = 1; i < length; i++) {
    if (part[i] != '/') continue;
    part[i] = 0;
    if (mkdir(part, 0755) < 0 && errno != EEXIST) fail(stage, part);
    part[i] = '/';
  }
}

static void make_target(const char *path, mode_t kind, int stage) {
  make_parents(path, stage);
  if (S_ISDIR(kind)) {
    if (mkdir(path, 0755) < 0 && errno != EEXIST) fail(stage, path);
  } else {
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0444);
    if (fd < 0) fail(stage, path);
    close(fd);
  }
}

static uint64_t attributes_of(const struct ec_operation *op) {
  uint64_t set = ATTRIBUTE_NO_SUID;
  if (op->flags & EC_READ_ONLY) set |= ATTRIBUTE_READ_ONLY;
  if (!(op->flags & EC_DEVICES)) set |= ATTRIBUTE_NO_DEVICES;
  if (op->flags & EC_NO_EXEC) set |= ATTRIBUTE_NO_EXEC;
  return set;
}

static void bind(const struct ec_operation *op, int stage) {
  const char *source = text(op->source), *target = text(op->target);
  int recursive = !!(op->flags & EC_RECURSIVE);
  int fd = tree_of(AT_FDCWD, source, recursive);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) < 0) fail(stage, source);
  if (op->inode && (info.st_ino != op->inode || info.st_dev != op->device)) {
    errno = ESTALE;
    fail(stage, source);
  }
  if (set_mount(fd, "", attributes_of(op), recursive) < 0) fail(stage, source);
  make_target(target, info.st_mode, stage);
  if (attach_mount(fd, target) < 0) fail(stage, target);
  close(fd);
}

/// Mount points of a run are made by the template, whose root is read-only by now.
static void move(const struct ec_operation *op) {
  const char *target = text(op->target);
  int fd = received[op->fd];
  if (op->kind == EC_OP_COPY) fd = tree_of(fd, text(op->source), 0);
  if (fd < 0 || set_mount(fd, "", attributes_of(op), 0) < 0) fail(EC_STAGE_MOUNT, target);
  if (attach_mount(fd, target) < 0) fail(EC_STAGE_MOUNT, target);
  close(fd);
}

/// The kernel gives a fresh one only to who sees another one whole, mount_namespaces(7); so in a
/// user namespace the old one goes afterwards.
static void show_processes(const struct ec_operation *op) {
  const char *target = text(op->target);
  const char *place = plan->flags & EC_REPLACE_PROC ? ".proc" : target;
  if (mount("proc", place, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, text(op->source)) < 0)
    fail(EC_STAGE_PROC, target);
  if (place == target) return;
  if (umount2(target, MNT_DETACH) < 0) fail(EC_STAGE_PROC, target);
  int fd = (int)syscall(428 /* open_tree */, AT_FDCWD, place, O_CLOEXEC);
  if (fd < 0 || attach_mount(fd, target) < 0) fail(EC_STAGE_PROC, target);
  close(fd);
}

static void device(const struct ec_operation *op) {
  const char *target = text(op->target);
  make_parents(target, EC_STAGE_DEVICE);
  if (mknod(target, S_IFCHR | op->mode, (dev_t)op->device) == 0) {
    if (chmod(target, op->mode) < 0) fail(EC_STAGE_DEVICE, target);
    return;
  }
  if (errno != EPERM) fail(EC_STAGE_DEVICE, target);
  // Without CAP_MKNOD in the first user namespace the machine's own node is bound.
  struct ec_operation copy = *op;
  copy.flags = EC_DEVICES | EC_NO_EXEC;
  copy.inode = 0;
  bind(&copy, EC_STAGE_DEVICE);
}

static void file(const struct ec_operation *op) {
  const char *target = text(op->target);
  make_parents(target, EC_STAGE_FILE);
  int fd = open(target, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, op->mode);
  if (fd < 0) fail(EC_STAGE_FILE, target);
  if (op->length && write(fd, text(op->source), op->length) != (ssize_t)op->length)
    fail(EC_STAGE_FILE, target);
  close(fd);
}

static void run_operation(const struct ec_operation *op) {
  const char *source = text(op->source), *target = text(op->target);
  switch (op->kind) {
    case EC_OP_DIRECTORY:
      step(EC_STAGE_DIRECTORY);
      make_parents(target, EC_STAGE_DIRECTORY);
      if (mkdir(target, op->mode) < 0 && errno != EEXIST) fail(EC_STAGE_DIRECTORY, target);
      if (chmod(target, op->mode) < 0) fail(EC_STAGE_DIRECTORY, target);
      break;
    case EC_OP_LINK:
      step(EC_STAGE_LINK);
      make_parents(target, EC_STAGE_LINK);
      if (symlink(source, target) < 0) fail(EC_STAGE_LINK, target);
      break;
    case EC_OP_FILE:
      step(EC_STAGE_FILE);
      file(op);
      break;
    case EC_OP_BIND:
      step(EC_STAGE_BIND);
      bind(op, EC_STAGE_BIND);
      break;
    case EC_OP_MOUNT:
    case EC_OP_COPY:
      step(EC_STAGE_MOUNT);
      move(op);
      break;
    case EC_OP_DEVICE:
      step(EC_STAGE_DEVICE);
      device(op);
      break;
    case EC_OP_PROC:
      step(EC_STAGE_PROC);
      show_processes(op);
      break;
    case EC_OP_DETACH:
      if (umount2(target, MNT_DETACH) < 0) fail(EC_STAGE_MOUNT, target);
      break;
  }
}

void run_operations(void) {
  const struct ec_operation *ops = (const void *)text(plan->operations.offset);
  for (uint32_t i = 0; i < plan->operations.count; i++) run_operation(&ops[i]);
}

void build_root(void) {
  step(EC_STAGE_PRIVATE);
  if (mount(0, "/", 0, MS_REC | MS_PRIVATE, 0) < 0) fail(EC_STAGE_PRIVATE, "/");
  step(EC_STAGE_ROOT);
  const char *point = text(plan->mount_point);
  if (plan->flags & EC_HOST_ROOT) {
    int fd = tree_of(AT_FDCWD, "/", 1);
    if (fd < 0 || attach_mount(fd, point) < 0) fail(EC_STAGE_ROOT, point);
    close(fd);
    // The device nodes live on this file system, so it cannot be MS_NODEV.
  } else if (mount("tmpfs", point, "tmpfs", MS_NOSUID, text(plan->root_options)) < 0) {
    fail(EC_STAGE_ROOT, point);
  }
  if (chdir(point) < 0) fail(EC_STAGE_ROOT, point);
  run_operations();
  step(EC_STAGE_PIVOT);
  // The old root ends up on top of the new one, pivot_root(2), NOTES.
  if (syscall(SYS_pivot_root, ".", ".") < 0) fail(EC_STAGE_PIVOT, "pivot_root");
  if (umount2(".", MNT_DETACH) < 0) fail(EC_STAGE_PIVOT, "umount");
  if (chdir("/") < 0) fail(EC_STAGE_PIVOT, "/");
  step(EC_STAGE_SEAL);
  if (plan->flags & EC_HOST_ROOT) return;
  if (set_mount(AT_FDCWD, "/", ATTRIBUTE_READ_ONLY | ATTRIBUTE_NO_SUID, 0) < 0)
    fail(EC_STAGE_SEAL, "/");
}
