// Starts a program whose calls that flush to the disk do nothing and succeed, or, as the other side
// of a comparison, the same program under the same filter with every call let through. A filter of
// the kernel's instead of a preloaded library, since a static executable loads none, and instead of
// strace, whose stops at every start and end of a process would cost more than a flush. A process
// may add filters of its own to it, as a sandbox does.
// usage: no-flush drop|keep PROGRAM [ARGUMENT]...

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int stop(const char *what) {
  fprintf(stderr, "no-flush: %s: %s\n", what, strerror(errno));
  return 125;
}

// The next-but-one instruction, the answer, is reached where the number is the one named.
#define IS(number, answer) \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), BPF_STMT(BPF_RET | BPF_K, (answer))

int main(int argc, char **argv) {
  int drops = argc > 2 && strcmp(argv[1], "drop") == 0;
  if (argc < 3 || (!drops && strcmp(argv[1], "keep") != 0)) {
    fprintf(stderr, "usage: no-flush drop|keep PROGRAM [ARGUMENT]...\n");
    return 125;
  }
  // An error number of 0 is a call that returns 0.
  unsigned answer = drops ? SECCOMP_RET_ERRNO : SECCOMP_RET_ALLOW;
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      IS(SYS_fsync, answer),
      IS(SYS_fdatasync, answer),
      IS(SYS_syncfs, answer),
      IS(SYS_sync, answer),
      IS(SYS_msync, answer),
      IS(SYS_sync_file_range, answer),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  // Who is not root has to promise to gain no rights.
  if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return stop("no_new_privs");
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) return stop("seccomp");
  execvp(argv[2], argv + 2);
  return stop(argv[2]);
}
