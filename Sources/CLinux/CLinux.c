#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

const int ec_o_path = O_PATH;
const int ec_o_tmpfile = O_TMPFILE;
const uint64_t ec_resolve_beneath_nofollow =
    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

int ec_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve) {
  struct open_how how = {.flags = (uint64_t)flags, .mode = mode, .resolve = resolve};
  return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof how);
}

int ec_openat(int dirfd, const char *path, int flags, mode_t mode) {
  return openat(dirfd, path, flags, mode);
}

int ec_rename_noreplace(int olddir, const char *oldname, int newdir, const char *newname) {
  return renameat2(olddir, oldname, newdir, newname, RENAME_NOREPLACE);
}

int ec_link_descriptor(int fd, int newdir, const char *newname) {
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return linkat(AT_FDCWD, path, newdir, newname, AT_SYMLINK_FOLLOW);
}

int ec_ofd_lock(int fd, int wait) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0};
  return fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
}

int ec_ofd_unlock(int fd) {
  struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0};
  return fcntl(fd, F_OFD_SETLK, &lock);
}

int ec_ofd_is_locked(int fd) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0};
  if (fcntl(fd, F_OFD_GETLK, &lock) < 0) return -1;
  return lock.l_type != F_UNLCK;
}

int ec_syncfs(int fd) { return syncfs(fd); }

int ec_pipe2(int fds[2], int flags) { return pipe2(fds, flags); }

int ec_dup3(int from, int to, int flags) { return dup3(from, to, flags); }

int ec_dup_cloexec(int fd, int lowest) { return fcntl(fd, F_DUPFD_CLOEXEC, lowest); }

int ec_set_cloexec(int fd, int on) { return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0); }

int ec_set_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int ec_memfd(const char *name) {
  return (int)syscall(SYS_memfd_create, name, 1u /* MFD_CLOEXEC */);
}

int ec_close_range(unsigned first, unsigned last, unsigned flags) {
  return (int)syscall(SYS_close_range, first, last, flags);
}

int ec_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int ec_pidfd_signal(int pidfd, int signal) {
  return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, (void *)0, 0);
}

ssize_t ec_random(void *buffer, size_t length) { return getrandom(buffer, length, 0); }

int ec_clone_file(int from, int to) { return ioctl(to, FICLONE, from); }

ssize_t ec_copy_range(int from, int to, size_t length) {
  return copy_file_range(from, (void *)0, to, (void *)0, length, 0);
}

int ec_free_space(int fd, uint64_t *bytes, uint64_t *inodes) {
  struct statfs info;
  if (fstatfs(fd, &info) < 0) return -1;
  *bytes = (uint64_t)info.f_bavail * (uint64_t)info.f_bsize;
  *inodes = (uint64_t)info.f_ffree;
  return 0;
}

int ec_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
  return prctl(option, a, b, c, d);
}

int ec_setrlimit(int resource, uint64_t soft, uint64_t hard) {
  struct rlimit64 limit = {.rlim_cur = soft, .rlim_max = hard};
  return prlimit64(0, (enum __rlimit_resource)resource, &limit, (void *)0);
}

#include <sys/xattr.h>

// The layout of system.posix_acl_access, include/uapi/linux/posix_acl_xattr.h: version 2, then
// entries sorted by tag and id.
struct ec_acl_entry { uint16_t tag, perm; uint32_t id; };
enum { EC_USER_OBJ = 0x01, EC_USER = 0x02, EC_GROUP_OBJ = 0x04, EC_MASK = 0x10, EC_OTHER = 0x20 };
enum { EC_ACL_USERS_MAX = 64 };

int ec_grant_read(int fd, uint32_t uid) {
  struct { uint32_t version; struct ec_acl_entry entry[EC_ACL_USERS_MAX + 4]; } old, acl = {.version = 2};
  uint32_t users[EC_ACL_USERS_MAX + 1];
  int count = 0, known = 0;
  struct stat info;
  if (fstat(fd, &info) < 0) return -1;
  ssize_t size = fgetxattr(fd, "system.posix_acl_access", &old, sizeof old);
  for (int i = 0; size > 4 && i < (int)((size - 4) / sizeof(struct ec_acl_entry)); i++)
    if (old.entry[i].tag == EC_USER && count < EC_ACL_USERS_MAX) {
      users[count++] = old.entry[i].id;
      if (old.entry[i].id == uid) known = 1;
    }
  if (known) return 0;
  if (count == EC_ACL_USERS_MAX) { errno = ENOSPC; return -1; }
  int at = count++;
  while (at > 0 && users[at - 1] > uid) { users[at] = users[at - 1]; at--; }
  users[at] = uid;
  int n = 0;
  acl.entry[n++] = (struct ec_acl_entry){EC_USER_OBJ, (uint16_t)((info.st_mode >> 6) & 7), (uint32_t)-1};
  for (int i = 0; i < count; i++) acl.entry[n++] = (struct ec_acl_entry){EC_USER, 4, users[i]};
  acl.entry[n++] = (struct ec_acl_entry){EC_GROUP_OBJ, 0, (uint32_t)-1};
  acl.entry[n++] = (struct ec_acl_entry){EC_MASK, 4, (uint32_t)-1};
  acl.entry[n++] = (struct ec_acl_entry){EC_OTHER, 0, (uint32_t)-1};
  return fsetxattr(fd, "system.posix_acl_access", &acl, 4 + n * sizeof(struct ec_acl_entry), 0);
}
