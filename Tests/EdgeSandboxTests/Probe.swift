import EdgeSystem
import EdgeTestSupport
import Glibc

/// A small C program that tries one thing and prints `OK` or the name of the error.
enum Probe {
  /// The compiled program; nil where this machine has no C compiler.
  static let bytes: [UInt8]? = {
    guard let compiler = programPath("cc") ?? programPath("clang") else { return nil }
    let directory = TemporaryDirectory()
    let output = directory.path + "/probe"
    let result = try? runProgram(
      compiler, ["-x", "c", "-O1", "-w", "-D_GNU_SOURCE", "-o", output, "-"],
      environment: ["PATH=/usr/local/bin:/usr/bin:/bin"], input: Array(source.utf8))
    return result?.status == 0 ? try? directory.read("probe") : nil
  }()

  static var isAvailable: Bool { bytes != nil }

  private static let source = #"""
    #include <errno.h>
    #include <fcntl.h>
    #include <linux/io_uring.h>
    #include <linux/sched.h>
    #include <sched.h>
    #include <signal.h>
    #include <stddef.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <arpa/inet.h>
    #include <sys/mman.h>
    #include <sys/mount.h>
    #include <sys/prctl.h>
    #include <sys/ptrace.h>
    #include <sys/resource.h>
    #include <sys/socket.h>
    #include <sys/stat.h>
    #include <sys/syscall.h>
    #include <sys/sysmacros.h>
    #include <sys/un.h>
    #include <sys/wait.h>
    #include <unistd.h>
    static int say(long answer) {
      puts(answer < 0 ? strerrorname_np(errno) : "OK");
      return 0;
    }
    static long unix_connect(const char *path) {
      struct sockaddr_un a = {AF_UNIX};
      size_t n = strlen(path);
      memcpy(a.sun_path, path, n);
      if (path[0] == '@') a.sun_path[0] = 0;
      int s = socket(AF_UNIX, SOCK_STREAM, 0);
      return s < 0 ? s : connect(s, (void *)&a, offsetof(struct sockaddr_un, sun_path) + n);
    }
    static long tcp(int port) {
      struct sockaddr_in a = {AF_INET, htons(port), {htonl(0x7f000001)}};
      int s = socket(AF_INET, SOCK_STREAM, 0);
      return s < 0 ? s : connect(s, (void *)&a, sizeof a);
    }
    static int forks(int most) {
      int started = 0;
      for (int i = 0; i < most; i++) {
        pid_t p = fork();
        if (p == 0) { pause(); _exit(0); }
        if (p > 0) started++;
      }
      printf("%d\n", started);
      fflush(stdout);
      return started == most ? 0 : 1;
    }
    static int eat(long megabytes) {
      for (long i = 0; i < megabytes; i++) {
        char *p = malloc(1 << 20);
        if (!p) { puts("ENOMEM"); return 1; }
        memset(p, 1, 1 << 20);
      }
      puts("OK");
      return 0;
    }
    static int descriptors(void) {
      for (int i = 0; i < 256; i++) if (fcntl(i, F_GETFD) >= 0) printf("%d ", i);
      puts("");
      return 0;
    }
    int main(int c, char **v) {
      const char *w = c > 1 ? v[1] : "", *x = c > 2 ? v[2] : "";
      char block[4096] = {0};
      if (!strcmp(w, "ptrace")) return say(ptrace(PTRACE_TRACEME, 0, 0, 0));
      if (!strcmp(w, "keyctl")) return say(syscall(SYS_keyctl, 0, -3, 0));
      if (!strcmp(w, "io_uring")) return say(syscall(425, 4, block));
      if (!strcmp(w, "unshare")) return say(unshare(CLONE_NEWUSER));
      if (!strcmp(w, "bpf")) return say(syscall(SYS_bpf, 100, block, 8));
      if (!strcmp(w, "mount")) return say(mount("x", "/tmp", "tmpfs", 0, 0));
      if (!strcmp(w, "clone")) {
        long p = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
        if (p == 0) _exit(0);
        return say(p);
      }
      if (!strcmp(w, "clone3")) {
        struct clone_args a = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
        long p = syscall(SYS_clone3, &a, sizeof a);
        if (p == 0) _exit(0);
        return say(p);
      }
    #ifdef __x86_64__
      if (!strcmp(w, "int80")) {
        long answer;
        __asm__ volatile("int $0x80" : "=a"(answer) : "a"(20) : "memory");
        puts(answer > 0 ? "OK" : "none");
        return 0;
      }
      // keyctl(2) from where the jail's code lay: moves of the arguments, syscall, ret.
      if (!strcmp(w, "gate")) {
        static const unsigned char code[] = {0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, 0x48, 0x89,
                                             0xd6, 0x0f, 0x05, 0xc3};
        void *place = mmap((void *)strtoul(x, 0, 16), 4096, 7, 0x100022, -1, 0);
        if (place == MAP_FAILED) return say(-1);
        memcpy(place, code, sizeof code);
        long answer = ((long (*)(long, long, long))place)(SYS_keyctl, 1, 0);
        errno = (int)-answer;
        return say(answer < 0 ? -1 : 0);
      }
      if (!strcmp(w, "x32")) return say(syscall(0x40000000 | 39));
    #endif
      if (!strcmp(w, "mknod")) return say(mknod("/tmp/null", S_IFCHR | 0666, makedev(1, 3)));
      if (!strcmp(w, "fifo")) return say(mkfifo("/tmp/fifo", 0666));
      if (!strcmp(w, "mseal")) return say(syscall(462, block, 1, 0));
      if (!strcmp(w, "family")) return say(socket(atoi(x), SOCK_RAW, 0));
      if (!strcmp(w, "tcp")) return say(tcp(atoi(x)));
      if (!strcmp(w, "unix")) return say(unix_connect(x));
      if (!strcmp(w, "setuid")) return say(setresuid(0, 0, 0));
      if (!strcmp(w, "chown")) return say(chown("probe", 0, 0));
      if (!strcmp(w, "prlimit")) {
        struct rlimit r = {1, 1};
        return say(prlimit(atoi(x), RLIMIT_NOFILE, &r, 0));
      }
      if (!strcmp(w, "personality")) return say(syscall(SYS_personality, 0x0400000));
      if (!strcmp(w, "tiocsti")) return say(syscall(SYS_ioctl, 0, 0x5412ul | 1ul << 32, "x"));
      if (!strcmp(w, "undumpable")) return say(prctl(PR_SET_DUMPABLE, atoi(x)));
      if (!strcmp(w, "subreaper")) return say(prctl(PR_SET_CHILD_SUBREAPER, 1));
      if (!strcmp(w, "forks")) return forks(atoi(x));
      if (!strcmp(w, "eat")) return eat(atol(x));
      if (!strcmp(w, "fds")) return descriptors();
      if (!strcmp(w, "spin")) {
        struct rusage u;
        long used;
        do {
          getrusage(RUSAGE_SELF, &u);
          used = (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000;
          used += (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
        } while (used < atol(x));
        puts("OK");
        return 0;
      }
      if (!strcmp(w, "raise")) { raise(atoi(x)); return 0; }
      if (!strcmp(w, "exit")) return atoi(x);
      return 64;
    }
    """#
}
