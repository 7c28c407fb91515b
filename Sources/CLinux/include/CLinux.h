#pragma once
// Plain types only: with more of the system's headers this module and Glibc would define the same
// structures in two ways, since only this one is compiled with _GNU_SOURCE.
#include <stdint.h>
#include <sys/types.h>

// Calls and constants that `import Glibc` hides, because its importer does not define _GNU_SOURCE,
// or because they are variadic. Every function answers as the system call does: -1 and errno.

extern const int ec_o_path;
extern const int ec_o_tmpfile;

/// openat2(2), with the RESOLVE_* flags that keep a path below `dirfd`.
int ec_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve);
extern const uint64_t ec_resolve_beneath_nofollow;

/// openat(2); the libc function is variadic.
int ec_openat(int dirfd, const char *path, int flags, mode_t mode);

/// renameat2(2) that fails with EEXIST where the new name is taken.
int ec_rename_noreplace(int olddir, const char *oldname, int newdir, const char *newname);

/// linkat(2) of an open file by its descriptor (proc must be mounted).
int ec_link_descriptor(int fd, int newdir, const char *newname);

/// An open-file-description write lock on the whole file, fcntl(2) F_OFD_SETLK; `wait` blocks.
int ec_ofd_lock(int fd, int wait);
int ec_ofd_unlock(int fd);
/// 1 where somebody else holds the lock, 0 where it is free.
int ec_ofd_is_locked(int fd);

int ec_syncfs(int fd);
int ec_pipe2(int fds[2], int flags);
int ec_dup3(int from, int to, int flags);
int ec_dup_cloexec(int fd, int lowest);
int ec_set_cloexec(int fd, int on);
int ec_set_nonblocking(int fd);
/// memfd_create(2), close-on-exec.
int ec_memfd(const char *name);
int ec_close_range(unsigned first, unsigned last, unsigned flags);
int ec_pidfd_open(pid_t pid);
int ec_pidfd_signal(int pidfd, int signal);
ssize_t ec_random(void *buffer, size_t length);

/// ioctl(2) FICLONE: shares the blocks of `from` with `to` where the file system can.
int ec_clone_file(int from, int to);
ssize_t ec_copy_range(int from, int to, size_t length);
/// The free bytes and inodes that the file system of `fd` offers an ordinary user.
int ec_free_space(int fd, uint64_t *bytes, uint64_t *inodes);
int ec_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
int ec_setrlimit(int resource, uint64_t soft, uint64_t hard);

/// Gives `uid` read access to a file of ours by a POSIX access list, acl(5); others keep none.
int ec_grant_read(int fd, uint32_t uid);

/// eventfd(2), close-on-exec and non-blocking, at zero.
int ec_eventfd(void);

/// Blocks SIGINT and SIGTERM, and SIGHUP if asked, in this thread and those that it starts, and
/// answers a signalfd(2) for them, close-on-exec and non-blocking.
int ec_signal_descriptor(int with_hangup);
/// Reads one signal number from it, or 0.
int ec_read_signal(int fd);
/// Leaves SIGPIPE to the caller: writes fail with EPIPE instead.
void ec_ignore_broken_pipes(void);

// What the sandbox needs.

/// The version of Landlock, landlock_create_ruleset(2); -1 where there is none.
int ec_landlock_abi(void);
/// Takes every named right on files, ports and foreign processes from the calling thread.
int ec_landlock_deny(uint64_t files, uint64_t network, uint64_t scope, uint64_t size);
/// Installs a filter of `count` instructions of 8 bytes for all threads of the process, seccomp(2).
int ec_seccomp_install(const void *instructions, unsigned short count);
/// Tries in a child what a sandbox of namespaces begins with: the namespaces, with `user` one of
/// users among them, a mount of a tmpfs, and a fresh proc. 0 where all of it works, otherwise the
/// error of the first step that failed, clone(2) or mount(2); -1 where the child was killed.
int ec_try_namespaces(int user);
/// A lock of flock(2) on a file or directory, without waiting; it goes with the last descriptor.
int ec_flock(int fd);
/// A detached tmpfs with these limits (0 = the system's), as fsmount(2) gives it: the mount lives
/// as long as this descriptor, which is for paths alone (O_PATH).
int ec_tmpfs(uint64_t bytes, uint64_t inodes);
/// A detached copy of the mount that `directory` is on, beginning there, open_tree(2).
int ec_clone_tree(int directory);
/// As ec_clone_tree; whoever owns files there is another user in the copy, as the user namespace
/// says, mount_setattr(2) MOUNT_ATTR_IDMAP.
int ec_map_tree(int directory, int user_namespace);
/// A detached overlay of three open directories, as fsmount(2) gives it; Linux 6.13 takes them so.
/// What is below is never written, a directory of it cannot be renamed, and nothing is flushed.
int ec_overlay(int lower, int upper, int work);
/// memfd_create(2) with sealing allowed; `ec_seal` then makes its content final.
int ec_memfd_sealable(const char *name);
int ec_seal(int fd);
/// Sends one message with descriptors over a socket of the UNIX domain, unix(7); without SIGPIPE.
int ec_send_descriptors(int socket, const void *bytes, size_t length, const int *descriptors,
                        int count);
/// Receives one message over a socket of the UNIX domain, unix(7), and the descriptors that come
/// with it, close-on-exec: at most four, the others of the array are -1. 0 bytes are the end.
ssize_t ec_receive(int socket, void *bytes, size_t length, int descriptors[4]);
/// Takes all ids of a user and the group of the same number, and no other group, for good.
int ec_become(uint32_t id);
/// Puts a detached mount at a name below a directory, which may be detached itself (Linux 6.15),
/// move_mount(2).
int ec_attach(int mount, int directory, const char *name);
/// The processors that a process may use, one bit for each, sched_getaffinity(2); 0 is this one.
/// How many bytes there are.
int ec_processors(pid_t process, uint8_t *bits, size_t length);
/// And what it may use from now on, sched_setaffinity(2).
int ec_set_processors(pid_t process, const uint8_t *bits, size_t length);
/// The kind of file system that holds `fd`, statfs(2).
long ec_file_system(int fd);
/// A timer of the kernel that kills this process, timer_create(2) with SIGKILL; it counts also
/// while the machine sleeps and while the process is stopped. Its number, or -1.
int ec_kill_timer(void);
/// When it does so, nanoseconds of CLOCK_BOOTTIME; 0 never.
int ec_set_kill_timer(int timer, int64_t when);
/// fork(2) of a process with one thread.
pid_t ec_fork(void);
/// Total and free bytes and inodes of a file system.
int ec_quota(int fd, uint64_t *bytes, uint64_t *bytes_free, uint64_t *inodes,
             uint64_t *inodes_free);

/// posix_spawn_file_actions_addclosefrom_np(3); `actions` is a posix_spawn_file_actions_t.
int ec_spawn_close_from(void *actions, int lowest);
