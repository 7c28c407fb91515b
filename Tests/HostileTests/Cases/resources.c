#include "hostile.h"

#include <mqueue.h>
#include <pthread.h>
#include <sys/inotify.h>

// 5.1: using too much.

static int forks(const char *most, const char *unused) {
  long done = 0, wanted = atol(most);
  for (long i = 0; i < wanted; i++) {
    pid_t child = fork();
    if (child == 0) {
      pause();
      _exit(0);
    }
    if (child > 0) done++;
  }
  return count(done, wanted);
}

static void *wait_forever(void *unused) {
  pause();
  return 0;
}

static int threads(const char *most, const char *unused) {
  long done = 0, wanted = atol(most);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 << 10);
  for (long i = 0; i < wanted; i++) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, wait_forever, 0) == 0) done++;
  }
  return count(done, wanted);
}

/// Every process forks until all together have tried so often.
static int bomb(const char *most, const char *unused) {
  long wanted = atol(most);
  struct {
    _Atomic long tried, done;
  } *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t first = getpid();
  while (shared->tried++ < wanted)
    if (fork() > 0) shared->done++;
  if (getpid() != first) {
    pause();
    _exit(0);
  }
  sleep_for(100);
  return count(shared->done, wanted);
}

static int zombies(const char *most, const char *unused) {
  long done = 0, wanted = atol(most);
  for (long i = 0; i < wanted; i++) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    if (child > 0) done++;
  }
  return count(done, wanted);
}

static int eat(const char *megabytes, const char *how) {
  for (long i = 0; i < atol(megabytes); i++) {
    void *block = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return say(-1);
    memset(block, 1, 1 << 20);
    // To swap, where there is any.
    if (!strcmp(how, "out")) madvise(block, 1 << 20, 21 /* MADV_PAGEOUT */);
  }
  return tell("OK");
}

static int fill_descriptor(int file, long megabytes) {
  static char block[1 << 20];
  memset(block, 1, sizeof block);
  signal(SIGXFSZ, SIG_IGN);
  for (long i = 0; i < megabytes; i++)
    for (size_t done = 0; done < sizeof block;) {
      ssize_t more = write(file, block + done, sizeof block - done);
      if (more < 0) return -1;
      done += (size_t)more;
    }
  return 0;
}

static int fill(const char *path, const char *megabytes) {
  int file = open(path, O_WRONLY | O_CREAT, 0600);
  return say(file < 0 ? -1 : fill_descriptor(file, atol(megabytes)));
}

/// In pieces of 8 MB, so that no limit of one file is met.
static int memory_files(const char *megabytes, const char *unused) {
  for (long i = 0; i < atol(megabytes); i += 8) {
    int file = memfd_create("hostile", 0);
    if (file < 0 || fill_descriptor(file, 8) < 0) return say(-1);
  }
  return tell("OK");
}

static int pipes(const char *most, const char *unused) {
  static char block[4096];
  for (long i = 0; i < atol(most); i++) {
    int ends[2];
    if (pipe2(ends, O_NONBLOCK) < 0) return say(-1);
    fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
    while (write(ends[1], block, sizeof block) > 0) {
    }
  }
  return tell("OK");
}

static int sockets(const char *most, const char *unused) {
  static char block[16384];
  for (long i = 0; i < atol(most); i++) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0) return say(-1);
    while (write(ends[0], block, sizeof block) > 0) {
    }
    while (write(ends[1], block, sizeof block) > 0) {
    }
  }
  return tell("OK");
}

/// Reads one byte in every 2 MB: no page is ever filled, but each needs a table of its own.
static int tables(const char *most, const char *unused) {
  size_t step = 2 << 20, length = (size_t)atol(most) * step;
  char *area = mmap(0, length, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (area == MAP_FAILED) return say(-1);
  madvise(area, length, MADV_NOHUGEPAGE);
  for (size_t at = 0; at < length; at += step) *(volatile char *)(area + at);
  return tell("OK");
}

static int maps(const char *most, const char *unused) {
  for (long i = 0; i < atol(most); i++) {
    int protection = i % 2 ? PROT_READ : PROT_NONE;
    if (mmap(0, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) return say(-1);
  }
  return tell("OK");
}

static long used(void) { return clock() / (CLOCKS_PER_SEC / 1000); }

/// Uses the processor for so many milliseconds, 0 = for ever.
static int spin(const char *milliseconds, const char *how) {
  char byte;
  ignore_signals();
  for (long most = atol(milliseconds); most == 0 || used() < most;) {
    if (!strcmp(how, "yield")) sched_yield();
    if (!strcmp(how, "random")) syscall(SYS_getrandom, &byte, 1, 0);
  }
  return tell("OK");
}

static void *burn(void *milliseconds) {
  spin(milliseconds, "");
  return 0;
}

static int spin_threads(const char *number, const char *milliseconds) {
  pthread_t other[64];
  long wanted = atol(number);
  for (long i = 0; i < wanted; i++) pthread_create(&other[i], 0, burn, (void *)milliseconds);
  for (long i = 0; i < wanted; i++) pthread_join(other[i], 0);
  return 0;
}

static int spin_tree(const char *number, const char *milliseconds) {
  for (long i = 0; i < atol(number); i++)
    if (fork() == 0) {
      close(1);
      _exit(spin(milliseconds, ""));
    }
  while (wait(0) > 0) {
  }
  return tell("OK");
}

/// The kernel adds a child's time to its parent's when the parent waits for it, and never where the
/// parent has said that it does not care.
static int spin_hidden(const char *number, const char *milliseconds) {
  for (long i = 0; i < atol(number); i++)
    if (fork() == 0) {
      close(1);
      _exit(spin(milliseconds, ""));
    }
  signal(SIGCHLD, SIG_IGN);
  while (wait(0) > 0) {
  }
  return tell("OK");
}

static int inodes(const char *most, const char *unused) {
  for (long i = 0; i < atol(most); i++) {
    char name[32];
    snprintf(name, sizeof name, "file-%ld", i);
    int file = open(name, O_WRONLY | O_CREAT, 0600);
    if (file < 0) return say(-1);
    close(file);
  }
  return tell("OK");
}

static int deep(const char *most, const char *unused) {
  char name[200];
  memset(name, 'd', sizeof name);
  name[sizeof name - 1] = 0;
  for (long i = 0; i < atol(most); i++)
    if (mkdir(name, 0700) < 0 || chdir(name) < 0) return say(-1);
  return tell("OK");
}

/// Writes so many bytes without a line's end to a descriptor, 0 = for ever.
static int flood(const char *descriptor, const char *bytes) {
  static char block[65536];
  memset(block, 0x80, sizeof block);
  ignore_signals();
  for (long done = 0, most = atol(bytes); most == 0 || done < most;) {
    ssize_t more = write(atoi(descriptor), block, sizeof block);
    if (more < 0) return 1;
    done += more;
  }
  return 0;
}

static int sparse(const char *gigabytes, const char *unused) {
  signal(SIGXFSZ, SIG_IGN);
  int file = open("sparse", O_WRONLY | O_CREAT, 0600);
  return say(ftruncate(file, atol(gigabytes) << 30));
}

static int allocate(const char *kilobytes, const char *unused) {
  signal(SIGXFSZ, SIG_IGN);
  int file = open("allocated", O_WRONLY | O_CREAT, 0600);
  return say(fallocate(file, 0, 0, atol(kilobytes) << 10));
}

static int descriptors(const char *most, const char *unused) {
  for (long i = 0; i < atol(most); i++)
    if (open("/dev/null", O_RDONLY) < 0) return say(-1);
  return tell("OK");
}

/// Descriptors that only lie in a socket are no open files of anybody.
static int stash(const char *most, const char *unused) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0) return say(-1);
  for (long i = 0; i < atol(most); i++) {
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec bytes = {"x", 1};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    *head = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(head), &ends[0], sizeof(int));
    if (sendmsg(ends[1], &message, 0) < 0) return say(-1);
  }
  return tell("OK");
}

static int core(const char *unused, const char *more) {
  struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  return say(setrlimit(RLIMIT_CORE, &limit));
}

/// Pipes that take cores ask for no limit but the number 1, core(5).
static int core_limit(const char *unused, const char *more) {
  struct rlimit limit;
  getrlimit(RLIMIT_CORE, &limit);
  return count((long)limit.rlim_max, 1);
}

/// Writes a whole file system back, whoever it belongs to.
static int flush(const char *path, const char *unused) {
  return say(syncfs(open(path, O_RDONLY | O_DIRECTORY)));
}

static int signals(const char *most, const char *unused) {
  sigset_t set;
  sigfillset(&set);
  sigprocmask(SIG_BLOCK, &set, 0);
  for (long i = 0; i < atol(most); i++)
    if (sigqueue(getpid(), SIGRTMIN, (union sigval){0}) < 0) return say(-1);
  return tell("OK");
}

static int timers(const char *most, const char *unused) {
  for (long i = 0; i < atol(most); i++) {
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0) return say(-1);
  }
  return tell("OK");
}

static int queue(const char *unused, const char *more) {
  struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 64};
  return say(mq_open("/hostile", O_CREAT | O_RDWR, 0600, &attributes));
}

static int watches(const char *most, const char *unused) {
  for (long i = 0; i < atol(most); i++)
    if (inotify_init() < 0) return say(-1);
  return tell("OK");
}

/// Locks of every second byte, of many files: the kernel goes through all locks of one for each.
static int file_locks(const char *most, const char *unused) {
  for (int i = 0; i < 50; i++) {
    char name[32];
    snprintf(name, sizeof name, "locked-%d", i);
    int file = open(name, O_RDWR | O_CREAT, 0600);
    for (long j = 0; j < atol(most) / 50; j++) {
      struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = j * 2, .l_len = 1};
      if (fcntl(file, F_SETLK, &lock) < 0) return say(-1);
    }
  }
  return tell("OK");
}

static int lock(const char *kilobytes, const char *unused) {
  size_t length = (size_t)atol(kilobytes) << 10;
  void *area = mmap(0, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return say(mlock(area, length));
}

static int storm(const char *milliseconds, const char *unused) {
  char names[2][256];
  for (int i = 0; i < 2; i++) {
    memset(names[i], 'a' + i, 255);
    names[i][255] = 0;
  }
  long most = atol(milliseconds), end = now() + most;
  close(open(names[0], O_WRONLY | O_CREAT, 0600));
  while (most == 0 || now() < end) {
    link(names[0], names[1]);
    rename(names[1], names[0]);
    unlink(names[1]);
    int file = open(names[0], O_WRONLY);
    fsync(file);
    close(file);
  }
  return tell("OK");
}

static int real_time(const char *unused, const char *more) {
  return say(sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){1}));
}

static int hurry(const char *unused, const char *more) {
  return say(setpriority(PRIO_PROCESS, 0, -20));
}

const struct attack resource_attacks[] = {
    {"forks", forks}, {"threads", threads}, {"bomb", bomb}, {"zombies", zombies}, {"eat", eat},
    {"fill", fill}, {"memfds", memory_files}, {"pipes", pipes}, {"sockets", sockets},
    {"tables", tables}, {"maps", maps}, {"spin", spin}, {"spin-threads", spin_threads},
    {"spin-tree", spin_tree}, {"inodes", inodes}, {"deep", deep}, {"flood", flood},
    {"sparse", sparse}, {"allocate", allocate}, {"descriptors", descriptors}, {"stash", stash},
    {"core", core}, {"core-limit", core_limit}, {"spin-hidden", spin_hidden}, {"flush", flush},
    {"signals", signals}, {"timers", timers}, {"queue", queue}, {"watches", watches},
    {"lock", lock}, {"file-locks", file_locks}, {"storm", storm}, {"real-time", real_time},
    {"hurry", hurry}, {0, 0}};
