#include "hostile.h"

#include <dirent.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

// 5.3: files of others, and /proc.

/// The first line of a file.
static int read_line(int file) {
  char line[200] = "";
  ssize_t length = file < 0 ? -1 : read(file, line, sizeof line - 1);
  if (length < 0) return say(-1);
  line[strcspn(line, "\n")] = 0;
  puts(line);
  return 0;
}

static int read_file(const char *path, const char *unused) {
  return read_line(open(path, O_RDONLY | O_NONBLOCK));
}

static int read_link(const char *path, const char *unused) {
  if (symlink(path, "link") < 0) return say(-1);
  return read_line(open("link", O_RDONLY));
}

/// The way out of a root that was changed with chroot(2): a directory that stayed open.
static int leave_root(const char *path, const char *unused) {
  int root = open("/", O_RDONLY | O_DIRECTORY);
  if (mkdir("cell", 0700) < 0 || chroot("cell") < 0 || fchdir(root) < 0) return say(-1);
  for (int i = 0; i < 64; i++) chdir("..");
  if (chroot(".") < 0) return say(-1);
  return read_line(open(path, O_RDONLY));
}

/// By every directory that somebody left open.
static int read_by_descriptor(const char *path, const char *unused) {
  const char *error = "none";
  for (int i = 3; i < 256; i++) {
    if (fcntl(i, F_GETFD) < 0) continue;
    int file = openat(i, path + strspn(path, "/"), O_RDONLY);
    if (file >= 0) return read_line(file);
    error = strerrorname_np(errno);
  }
  return tell(error);
}

static int exists(const char *path, const char *unused) {
  return say(access(path, F_OK));
}

/// Opens, and writes nothing: what follows would hurt.
static int open_for_writing(const char *path, const char *unused) {
  return say(open(path, O_WRONLY | O_NONBLOCK));
}

static int create(const char *path, const char *unused) {
  return say(open(path, O_WRONLY | O_CREAT, 0644));
}

/// A file without a name, so that nothing stays where it works.
static int create_unnamed(const char *directory, const char *unused) {
  return say(open(directory, O_WRONLY | O_TMPFILE, 0600));
}

/// The program files of other processes, among them the one that started us.
static int executables(const char *part, const char *unused) {
  DIR *directory = opendir("/proc");
  struct dirent *entry;
  while (directory && (entry = readdir(directory))) {
    char path[300], target[4096] = "";
    snprintf(path, sizeof path, "/proc/%s/exe", entry->d_name);
    if (readlink(path, target, sizeof target - 1) < 0 || !strstr(target, part)) continue;
    if (open(path, O_RDONLY) >= 0) return tell("OK");
  }
  return tell("none");
}

/// Makes the machine's read-only mounts writable in namespaces of one's own.
static int remount(const char *path, const char *unused) {
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) return say(-1);
  puts("unshared");
  return say(mount(0, path, 0, MS_REMOUNT | MS_BIND, 0));
}

static char handle_bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];

static int name_handle(const char *path, const char *unused) {
  struct file_handle *handle = (void *)handle_bytes;
  handle->handle_bytes = MAX_HANDLE_SZ;
  int id;
  return say(name_to_handle_at(AT_FDCWD, path, handle, &id, 0));
}

static int open_handle(const char *path, const char *unused) {
  struct file_handle *handle = (void *)handle_bytes;
  handle->handle_bytes = MAX_HANDLE_SZ;
  int id;
  name_to_handle_at(AT_FDCWD, path, handle, &id, 0);
  return say(open_by_handle_at(open(path, O_RDONLY), handle, O_RDONLY));
}

static int make_device(const char *path, const char *unused) {
  return say(mknod(path, S_IFCHR | 0666, makedev(1, 3)));
}

static int use_device(const char *path, const char *unused) {
  if (mknod(path, S_IFCHR | 0666, makedev(1, 3)) < 0) return say(-1);
  return say(open(path, O_RDONLY));
}

/// What hides a file in the upper layer of an overlay.
static int whiteout(const char *path, const char *unused) {
  return say(mknod(path, S_IFCHR, makedev(0, 0)));
}

static int effective_user(const char *unused, const char *more) {
  return tell(geteuid() == 0 && getuid() != 0 ? "OK" : "same");
}

static int file_capability(const char *unused, const char *more) {
  // CAP_CHOWN and all others, version 2.
  unsigned bytes[5] = {0x02000001, ~0u, 0, ~0u, 0};
  close(open("capable", O_WRONLY | O_CREAT, 0755));
  return say(setxattr("capable", "security.capability", bytes, sizeof bytes, 0));
}

static int attribute(const char *name, const char *unused) {
  close(open("marked", O_WRONLY | O_CREAT, 0644));
  return say(setxattr("marked", name, "y", 1, 0));
}

static int hard_link(const char *from, const char *to) { return say(link(from, to)); }

/// Makes a file that everybody may read, and stays.
static int plant(const char *path, const char *milliseconds) {
  int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
  if (file < 0) return say(-1);
  write(file, "planted\n", 8);
  tell("OK");
  sleep_for(atol(milliseconds));
  return 0;
}

/// A leading @ stands for the zero byte of an abstract name.
static int unix_address(const char *name, struct sockaddr_un *address) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  strncpy(address->sun_path, name, sizeof address->sun_path - 1);
  if (name[0] == '@') address->sun_path[0] = 0;
  return (int)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
}

static int call_socket(const char *name, const char *unused) {
  struct sockaddr_un address;
  int length = unix_address(name, &address), end = socket(AF_UNIX, SOCK_STREAM, 0);
  return say(end < 0 ? -1 : connect(end, (void *)&address, (socklen_t)length));
}

static int listen_at(const char *name, const char *milliseconds) {
  struct sockaddr_un address;
  int length = unix_address(name, &address), end = socket(AF_UNIX, SOCK_STREAM, 0);
  if (end < 0 || bind(end, (void *)&address, (socklen_t)length) < 0) return say(-1);
  listen(end, 8);
  tell("OK");
  sleep_for(atol(milliseconds));
  return 0;
}

/// What happens to files in a directory, whoever does it.
static int spy(const char *path, const char *milliseconds) {
  struct pollfd wait = {inotify_init(), POLLIN, 0};
  if (wait.fd < 0 || inotify_add_watch(wait.fd, path, IN_OPEN | IN_ACCESS) < 0) return say(-1);
  return tell(poll(&wait, 1, atoi(milliseconds)) > 0 ? "OK" : "none");
}

/// Holds a lock that needs no right to write.
static int lock_shared(const char *path, const char *milliseconds) {
  if (flock(open(path, O_RDONLY), LOCK_EX | LOCK_NB) < 0) return say(-1);
  tell("OK");
  sleep_for(atol(milliseconds));
  return 0;
}

static int enter_namespace(const char *path, const char *unused) {
  int file = open(path, O_RDONLY);
  return say(file < 0 ? -1 : setns(file, 0));
}

/// Whether a text occurs in a file.
static int find(const char *text, const char *path) {
  static char bytes[1 << 16];
  int file = open(path, O_RDONLY);
  if (file < 0) return say(-1);
  size_t length = 0;
  ssize_t more;
  while ((more = read(file, bytes + length, sizeof bytes - 1 - length)) > 0) length += (size_t)more;
  return tell(memmem(bytes, length, text, strlen(text)) ? "OK" : "none");
}

/// Things that stand in the way of whoever collects: each in the work directory.
static int leftovers(const char *target, const char *unused) {
  mkfifo("fifo", 0666);
  symlink(target, "link");
  symlink(".", "loop");
  mkdir("closed", 0700);
  close(open("closed/file", O_WRONLY | O_CREAT, 0600));
  chmod("closed", 0);
  close(open("unreadable", O_WRONLY | O_CREAT, 0));
  close(open("new\nline", O_WRONLY | O_CREAT, 0644));
  close(open("\033]0;title\007", O_WRONLY | O_CREAT, 0644));
  close(open("\xff\xfe", O_WRONLY | O_CREAT, 0644));
  char name[256];
  memset(name, 'n', 255);
  name[255] = 0;
  close(open(name, O_WRONLY | O_CREAT, 0644));
  signal(SIGXFSZ, SIG_IGN);
  int file = open("holes", O_WRONLY | O_CREAT, 0644);
  ftruncate(file, 8 << 20);
  struct sockaddr_un address;
  int length = unix_address("socket", &address);
  bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, (socklen_t)length);
  return tell("OK");
}

const struct attack file_attacks[] = {
    {"read", read_file}, {"read-link", read_link}, {"leave-root", leave_root},
    {"read-by-descriptor", read_by_descriptor}, {"exists", exists},
    {"open-for-writing", open_for_writing}, {"create", create}, {"create-unnamed", create_unnamed},
    {"executables", executables}, {"remount", remount}, {"name-handle", name_handle},
    {"open-handle", open_handle}, {"make-device", make_device}, {"use-device", use_device},
    {"whiteout", whiteout}, {"effective-user", effective_user},
    {"file-capability", file_capability}, {"attribute", attribute}, {"hard-link", hard_link},
    {"plant", plant}, {"call-socket", call_socket}, {"listen-at", listen_at}, {"spy", spy},
    {"lock-shared", lock_shared}, {"enter-namespace", enter_namespace}, {"find", find},
    {"leftovers", leftovers}, {0, 0}};
