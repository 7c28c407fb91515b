#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <signal.h>
#include <spawn.h>
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
#include <time.h>
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
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  return fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
}

int ec_ofd_unlock(int fd) {
  struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
  return fcntl(fd, F_OFD_SETLK, &lock);
}

int ec_ofd_is_locked(int fd) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
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

long ec_file_system(int fd) {
  struct statfs info;
  return fstatfs(fd, &info) < 0 ? -1 : (long)info.f_type;
}

int ec_kill_timer(void) {
  // The kernel's own numbers: a timer_t of the library may be a pointer.
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
  int timer = -1;
  return syscall(SYS_timer_create, CLOCK_BOOTTIME, &event, &timer) < 0 ? -1 : timer;
}

int ec_set_kill_timer(int timer, int64_t when) {
  struct itimerspec time = {
      .it_value = {.tv_sec = when / 1000000000, .tv_nsec = when % 1000000000}};
  return (int)syscall(SYS_timer_settime, timer, TIMER_ABSTIME, &time, (void *)0);
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
  struct {
    uint32_t version;
    struct ec_acl_entry entry[EC_ACL_USERS_MAX + 4];
  } old, acl = {.version = 2};
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
  uint16_t own = (uint16_t)((info.st_mode >> 6) & 7);
  acl.entry[n++] = (struct ec_acl_entry){EC_USER_OBJ, own, (uint32_t)-1};
  for (int i = 0; i < count; i++) acl.entry[n++] = (struct ec_acl_entry){EC_USER, 4, users[i]};
  acl.entry[n++] = (struct ec_acl_entry){EC_GROUP_OBJ, 0, (uint32_t)-1};
  acl.entry[n++] = (struct ec_acl_entry){EC_MASK, 4, (uint32_t)-1};
  acl.entry[n++] = (struct ec_acl_entry){EC_OTHER, 0, (uint32_t)-1};
  return fsetxattr(fd, "system.posix_acl_access", &acl, 4 + n * sizeof(struct ec_acl_entry), 0);
}

#include <sys/eventfd.h>
int ec_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

#include <signal.h>
#include <sys/signalfd.h>
int ec_signal_descriptor(int with_hangup) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  if (with_hangup) sigaddset(&set, SIGHUP);
  int failure = pthread_sigmask(SIG_BLOCK, &set, NULL);
  if (failure != 0) { errno = failure; return -1; }
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}
int ec_read_signal(int fd) {
  struct signalfd_siginfo info;
  return read(fd, &info, sizeof info) == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}
void ec_ignore_broken_pipes(void) { signal(SIGPIPE, SIG_IGN); }

int ec_landlock_abi(void) { return (int)syscall(444, (void *)0, 0, 1u); }

int ec_landlock_deny(uint64_t files, uint64_t network, uint64_t scope, uint64_t size) {
  uint64_t handled[3] = {files, network, scope};
  int set = (int)syscall(444, handled, size, 0);
  if (set < 0) return -1;
  int answer = (int)syscall(446, set, 0);
  int error = errno;
  close(set);
  errno = error;
  return answer;
}

int ec_seccomp_install(const void *instructions, unsigned short count) {
  struct {
    unsigned short count;
    const void *instructions;
  } program = {count, instructions};
  // SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC; with it the answer can name a thread.
  int answer = (int)syscall(SYS_seccomp, 1, 1, &program);
  if (answer > 0) {
    errno = ESRCH;
    return -1;
  }
  return answer;
}

static int set_number(int context, const char *key, uint64_t number) {
  char value[24];
  snprintf(value, sizeof value, "%llu", (unsigned long long)number);
  return (int)syscall(431, context, 1, key, value, 0);
}

int ec_tmpfs(uint64_t bytes, uint64_t inodes) {
  int context = (int)syscall(430, "tmpfs", 1);
  if (context < 0) return -1;
  int fd = -1;
  if ((bytes == 0 || set_number(context, "size", bytes) == 0) &&
      (inodes == 0 || set_number(context, "nr_inodes", inodes) == 0) &&
      syscall(431, context, 1, "mode", "0755", 0) == 0 &&
      syscall(431, context, 6, (void *)0, (void *)0, 0) == 0)
    fd = (int)syscall(432, context, 1, 2 | 4);  // no setuid programs, no devices
  int error = errno;
  close(context);
  errno = error;
  return fd;
}

int ec_clone_tree(int directory) {
  return (int)syscall(428, directory, "", 1u | O_CLOEXEC | 0x1000u /* AT_EMPTY_PATH */);
}

int ec_map_tree(int directory, int user_namespace) {
  int copy = ec_clone_tree(directory);
  if (copy < 0) return -1;
  struct {
    uint64_t set, clear, propagation, user;
  } wanted = {.set = 0x100000 | 1 /* read-only */, .user = (uint64_t)user_namespace};
  if (syscall(442, copy, "", 0x1000u, &wanted, sizeof wanted) == 0) return copy;
  int error = errno;
  close(copy);
  errno = error;
  return -1;
}

int ec_overlay(int lower, int upper, int work) {
  int context = (int)syscall(430, "overlay", 1);
  if (context < 0) return -1;
  static const char *const off[] = {"redirect_dir", "index", "metacopy", "xino"};
  // FSCONFIG_SET_FD 5, _STRING 1, _FLAG 0, _CREATE 6
  int failed = syscall(431, context, 5, "lowerdir+", (void *)0, lower) < 0 ||
               syscall(431, context, 5, "upperdir", (void *)0, upper) < 0 ||
               syscall(431, context, 5, "workdir", (void *)0, work) < 0 ||
               syscall(431, context, 0, "volatile", (void *)0, 0) < 0;
  for (int i = 0; i < 4 && !failed; i++)
    failed = syscall(431, context, 1, off[i], "off", 0) < 0;
  int fd = -1;
  if (!failed && syscall(431, context, 6, (void *)0, (void *)0, 0) == 0)
    fd = (int)syscall(432, context, 1, 2 | 4);  // no setuid programs, no devices
  int error = errno;
  close(context);
  errno = error;
  return fd;
}

int ec_attach(int mount, int directory, const char *name) {
  return (int)syscall(429, mount, "", directory, name, 4u /* MOVE_MOUNT_F_EMPTY_PATH */);
}

int ec_memfd_sealable(const char *name) {
  return (int)syscall(SYS_memfd_create, name, 3u);  // close-on-exec, sealing allowed
}

int ec_seal(int fd) { return fcntl(fd, 1033 /* F_ADD_SEALS */, 15); }

int ec_send_descriptors(int socket, const void *bytes, size_t length, const int *descriptors,
                        int count) {
  struct iovec part = {(void *)bytes, length};
  union {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(64 * sizeof(int))];
  } control;
  if (count > 64) {
    errno = E2BIG;
    return -1;
  }
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (count > 0) {
    memset(&control, 0, sizeof control);
    size_t size = (size_t)count * sizeof(int);
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(size);
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(&control.head), descriptors, size);
  }
  return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

ssize_t ec_receive(int socket, void *bytes, size_t length, int descriptors[4]) {
  struct iovec part = {bytes, length};
  union {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(4 * sizeof(int))];
  } control;
  struct msghdr message = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof control.bytes};
  for (int i = 0; i < 4; i++) descriptors[i] = -1;
  ssize_t got;
  while ((got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
  }
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  if (got > 0 && head && head->cmsg_type == SCM_RIGHTS)
    memcpy(descriptors, CMSG_DATA(head), head->cmsg_len - CMSG_LEN(0));
  return got;
}

int ec_become(uint32_t id) {
  if (setgroups(0, 0) < 0 || setresgid(id, id, id) < 0) return -1;
  return setresuid(id, id, id);
}

int ec_processors(pid_t process, uint8_t *bits, size_t length) {
  return (int)syscall(SYS_sched_getaffinity, process, length, bits);
}

int ec_set_processors(pid_t process, const uint8_t *bits, size_t length) {
  return (int)syscall(SYS_sched_setaffinity, process, length, bits);
}

pid_t ec_fork(void) { return fork(); }

int ec_quota(int fd, uint64_t *bytes, uint64_t *bytes_free, uint64_t *inodes,
             uint64_t *inodes_free) {
  struct statfs info;
  if (fstatfs(fd, &info) < 0) return -1;
  *bytes = (uint64_t)info.f_blocks * (uint64_t)info.f_bsize;
  *bytes_free = (uint64_t)info.f_bfree * (uint64_t)info.f_bsize;
  *inodes = (uint64_t)info.f_files;
  *inodes_free = (uint64_t)info.f_ffree;
  return 0;
}

int ec_spawn_close_from(void *actions, int lowest) {
  return posix_spawn_file_actions_addclosefrom_np(actions, lowest);
}

#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/wait.h>

int ec_try_namespaces(int user) {
  unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET;
  if (user) flags |= CLONE_NEWUSER;
  pid_t child = (pid_t)syscall(SYS_clone, flags | SIGCHLD, (void *)0, (void *)0, (void *)0, 0);
  if (child < 0) return errno;
  if (child == 0) {
    // Nothing but system calls: other threads may have held locks of the library. As root the
    // mounts would otherwise appear on the machine.
    if (syscall(SYS_mount, "", "/", (void *)0, MS_REC | MS_PRIVATE, (void *)0) < 0 ||
        syscall(SYS_mount, "tmpfs", "/tmp", "tmpfs", MS_NOSUID, "size=1m") < 0 ||
        syscall(SYS_mount, "proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, (void *)0) <
            0)
      syscall(SYS_exit_group, errno);
    syscall(SYS_exit_group, 0);
  }
  int status = 0;
  pid_t waited;
  while ((waited = waitpid(child, &status, 0)) < 0 && errno == EINTR) {
  }
  return waited == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int ec_flock(int fd) { return flock(fd, LOCK_EX | LOCK_NB); }
