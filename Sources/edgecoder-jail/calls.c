#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// The jail's own entry and system calls, in place of a C library. Before main, the library asks the
// processor for its caches; in a virtual machine that takes longer than all the rest of a launch.
// The declarations are the library's, so that the compiler compares. No threads, no cancellation.

static int error_number;
int *__errno_location(void) { return &error_number; }

#if defined(__x86_64__)
// The stack pointer is a multiple of 16 here, System V ABI AMD64 3.4.1.
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tcall main\n\thlt\n");

// The child finds what to call on its new stack, clone(2).
__asm__(".globl start_on\nstart_on:\n\tsub $8, %rsi\n\tmov %rdx, (%rsi)\n\txor %edx, %edx\n\t"
        "xor %r10d, %r10d\n\txor %r8d, %r8d\n\tmov $56, %eax\n\tsyscall\n\t"
        "test %rax, %rax\n\tjnz 1f\n\txor %ebp, %ebp\n\tpop %rax\n\tcall *%rax\n\thlt\n"
        "1:\tret\n");

static long kernel(long number, const long *a) {
  register long fourth __asm__("r10") = a[3];
  register long fifth __asm__("r8") = a[4];
  register long sixth __asm__("r9") = a[5];
  long answer;
  __asm__ volatile("syscall"
                   : "=a"(answer)
                   : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(fourth), "r"(fifth),
                     "r"(sixth)
                   : "rcx", "r11", "memory");
  return answer;
}
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x30, #0\n\tbl main\n\tbrk #1\n");

// The child finds what to call on its new stack, clone(2).
__asm__(".globl start_on\nstart_on:\n\tstr x2, [x1, #-16]!\n\tmov x2, #0\n\tmov x3, #0\n\t"
        "mov x4, #0\n\tmov x8, #220\n\tsvc #0\n\tcbnz x0, 1f\n\tmov x29, #0\n\t"
        "ldr x1, [sp], #16\n\tblr x1\n\tbrk #1\n1:\tret\n");

static long kernel(long number, const long *a) {
  register long code __asm__("x8") = number;
  register long answer __asm__("x0") = a[0];
  register long second __asm__("x1") = a[1];
  register long third __asm__("x2") = a[2];
  register long fourth __asm__("x3") = a[3];
  register long fifth __asm__("x4") = a[4];
  register long sixth __asm__("x5") = a[5];
  __asm__ volatile("svc 0"
                   : "+r"(answer)
                   : "r"(code), "r"(second), "r"(third), "r"(fourth), "r"(fifth), "r"(sixth)
                   : "memory");
  return answer;
}
#else
#error "the jail knows no system calls of this processor"
#endif

static long finish(long answer) {
  if (answer >= 0 || answer < -4095) return answer;
  error_number = (int)-answer;
  return -1;
}

#define CALL(number, ...) finish(kernel(number, (const long[6]){__VA_ARGS__}))
#define AT(path) AT_FDCWD, (long)(path)

long syscall(long number, ...) {
  long a[6];
  va_list list;
  va_start(list, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  return finish(kernel(number, a));
}

void _exit(int status) {
  for (;;) CALL(SYS_exit_group, status);
}

static long next(va_list *list) { return va_arg(*list, long); }

#define VARIABLE(number, first, second, before)                             \
  va_list list;                                                             \
  va_start(list, before);                                                   \
  long third = next(&list), fourth = next(&list), fifth = next(&list);      \
  va_end(list);                                                             \
  return (int)CALL(number, first, second, third, fourth, fifth)

int open(const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  long mode = flags & O_CREAT ? va_arg(list, int) : 0;
  va_end(list);
  return (int)CALL(SYS_openat, AT(path), flags, mode);
}
int fcntl(int fd, int command, ...) { VARIABLE(SYS_fcntl, fd, command, command); }
int ioctl(int fd, unsigned long request, ...) {
  VARIABLE(SYS_ioctl, fd, (long)request, request);
}
int prctl(int option, ...) {
  va_list list;
  va_start(list, option);
  long a = next(&list), b = next(&list), c = next(&list), d = next(&list);
  va_end(list);
  return (int)CALL(SYS_prctl, option, a, b, c, d);
}

int close(int fd) { return (int)CALL(SYS_close, fd); }
ssize_t read(int fd, void *to, size_t count) { return CALL(SYS_read, fd, (long)to, (long)count); }
ssize_t write(int fd, const void *from, size_t count) {
  return CALL(SYS_write, fd, (long)from, (long)count);
}
int dup2(int from, int to) {
  // dup3(2) refuses equal numbers.
  return from == to ? (int)CALL(SYS_fcntl, from, F_GETFD) < 0 ? -1 : to
                    : (int)CALL(SYS_dup3, from, to, 0);
}
int fstat(int fd, struct stat *info) { return (int)CALL(SYS_fstat, fd, (long)info); }
int poll(struct pollfd *fds, nfds_t count, int milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000l};
  return (int)CALL(SYS_ppoll, (long)fds, (long)count, milliseconds < 0 ? 0 : (long)&time);
}
ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  return CALL(SYS_recvmsg, fd, (long)message, flags);
}
ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  return CALL(SYS_sendmsg, fd, (long)message, flags);
}
void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
  return (void *)CALL(SYS_mmap, (long)at, (long)length, protection, flags, fd, offset);
}

int chdir(const char *path) { return (int)CALL(SYS_chdir, (long)path); }
int chmod(const char *path, mode_t mode) { return (int)CALL(SYS_fchmodat, AT(path), mode); }
int mkdir(const char *path, mode_t mode) { return (int)CALL(SYS_mkdirat, AT(path), mode); }
int mknod(const char *path, mode_t mode, dev_t device) {
  return (int)CALL(SYS_mknodat, AT(path), mode, (long)device);
}
int symlink(const char *target, const char *path) {
  return (int)CALL(SYS_symlinkat, (long)target, AT(path));
}
int mount(const char *source, const char *target, const char *type, unsigned long flags,
          const void *data) {
  return (int)CALL(SYS_mount, (long)source, (long)target, (long)type, (long)flags, (long)data);
}
int umount2(const char *target, int flags) { return (int)CALL(SYS_umount2, (long)target, flags); }
mode_t umask(mode_t mask) { return (mode_t)CALL(SYS_umask, mask); }

int execve(const char *path, char *const arguments[], char *const environment[]) {
  return (int)CALL(SYS_execve, (long)path, (long)arguments, (long)environment);
}
int kill(pid_t process, int signal) { return (int)CALL(SYS_kill, process, signal); }
int personality(unsigned long persona) { return (int)CALL(SYS_personality, (long)persona); }
pid_t setsid(void) { return (pid_t)CALL(SYS_setsid, 0); }
int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit) {
  return (int)CALL(SYS_prlimit64, 0, resource, (long)limit);
}
int unshare(int flags) { return (int)CALL(SYS_unshare, flags); }
pid_t wait4(pid_t process, int *status, int options, struct rusage *usage) {
  return (pid_t)CALL(SYS_wait4, process, (long)status, options, (long)usage);
}
pid_t waitpid(pid_t process, int *status, int options) {
  return wait4(process, status, options, 0);
}

// The kernel's set of signals has 64 bits, the library's 1024.
#define SIGNALS_SIZE 8
int sigemptyset(sigset_t *set) {
  memset(set, 0, sizeof *set);
  return 0;
}
int sigprocmask(int how, const sigset_t *set, sigset_t *old) {
  return (int)CALL(SYS_rt_sigprocmask, how, (long)set, (long)old, SIGNALS_SIZE);
}

// The compiler calls these by itself, and must not make calls of them out of their loops.
__attribute__((no_builtin)) void *memcpy(void *to, const void *from, size_t count) {
  for (size_t i = 0; i < count; i++) ((char *)to)[i] = ((const char *)from)[i];
  return to;
}
__attribute__((no_builtin)) void *memset(void *to, int byte, size_t count) {
  for (size_t i = 0; i < count; i++) ((char *)to)[i] = (char)byte;
  return to;
}
__attribute__((no_builtin)) size_t strlen(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  return length;
}
