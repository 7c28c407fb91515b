#include "hostile.h"

#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/timex.h>

// 5.2: time, signals and the tree of processes. Milliseconds of 0 mean for ever.

static void last(long milliseconds) {
  if (milliseconds) sleep_for(milliseconds);
  while (!milliseconds) pause();
}

static int stubborn(const char *milliseconds, const char *unused) {
  ignore_signals();
  last(atol(milliseconds));
  return tell("OK");
}

/// Leaves a process behind that has nothing to do with the program any more.
static int leave(const char *milliseconds, const char *how) {
  int ready[2];
  if (pipe(ready) < 0) return say(-1);
  if (fork() == 0) {
    setsid();
    if (fork() == 0) {
      ignore_signals();
      if (!strcmp(how, "deathless")) prctl(PR_SET_PDEATHSIG, 0);
      // Whoever waits for the end of the output waits for its descriptors.
      close(1);
      close(2);
      write(ready[1], "r", 1);
      last(atol(milliseconds));
    }
    _exit(0);
  }
  char byte;
  read(ready[0], &byte, 1);
  puts("OK");
  return 7;
}

/// A child that goes on writing after the program has ended.
static int keep_writing(const char *milliseconds, const char *unused) {
  int ready[2];
  if (pipe(ready) < 0) return say(-1);
  if (fork() == 0) {
    int file = open("grows", O_WRONLY | O_CREAT | O_APPEND, 0644);
    for (long end = now() + atol(milliseconds); now() < end; usleep(1000)) {
      write(file, "x", 1);
      write(ready[1], "r", 1);
    }
    _exit(0);
  }
  char byte;
  read(ready[0], &byte, 1);
  return tell("OK");
}

static int stop(const char *milliseconds, const char *unused) {
  pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    kill(0, SIGSTOP);
    _exit(0);
  }
  if (atol(milliseconds) == 0) kill(0, SIGSTOP);
  sleep_for(atol(milliseconds));
  kill(child, SIGCONT);
  return say(waitpid(child, 0, 0));
}

static int send_signal(const char *process, const char *number) {
  return say(kill(atoi(process), atoi(number)));
}

/// By another call each: by thread, with a value, by descriptor, by the owner of a file.
static int other_ways(const char *process, const char *number) {
  int target = atoi(process), signal = atoi(number);
  siginfo_t info = {.si_signo = signal, .si_code = SI_QUEUE};
  int handle = (int)syscall(SYS_pidfd_open, target, 0);
  long answers[] = {
      syscall(SYS_tgkill, target, target, signal), syscall(SYS_tkill, target, signal),
      syscall(SYS_rt_sigqueueinfo, target, signal, &info),
      handle < 0 ? -1 : syscall(SYS_pidfd_send_signal, handle, signal, 0, 0)};
  for (int i = 0; i < 4; i++)
    if (answers[i] == 0) return tell("OK");
  return say(-1);
}

/// Asks the kernel to signal another process when a descriptor is ready.
static int own_for(const char *process, const char *number) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0) return say(-1);
  if (fcntl(ends[0], F_SETSIG, atoi(number)) < 0) return say(-1);
  if (fcntl(ends[0], F_SETOWN, atoi(process)) < 0) return say(-1);
  if (fcntl(ends[0], F_SETFL, O_ASYNC) < 0) return say(-1);
  write(ends[1], "x", 1);
  return tell("OK");
}

/// A process whose number changes all the time, so that no list of them is ever right.
static int comet(const char *generations, const char *unused) {
  if (fork() != 0) return tell("OK");
  ignore_signals();
  close(1);
  close(2);
  for (long i = 0; i < atol(generations); i++) {
    if (fork() != 0) _exit(0);
    usleep(5000);
  }
  _exit(0);
}

static int hang(const char *milliseconds, const char *unused) {
  pid_t child = vfork();
  if (child == 0) {
    // The parent stands still in the kernel until this process ends or becomes another program.
    long most = atol(milliseconds);
    struct timespec time = {most / 1000, most % 1000 * 1000000};
    if (most) syscall(SYS_nanosleep, &time, 0);
    while (!most) syscall(SYS_ppoll, 0, 0, 0, 0);
    _exit(0);
  }
  return say(child);
}

static int end(const char *status, const char *unused) { return atoi(status); }

static int raise_signal(const char *number, const char *unused) {
  kill(getpid(), atoi(number));
  return tell("OK");
}

/// Writes what looks like a record of ours to everything that is open.
static int records(const char *unused, const char *more) {
  static const unsigned char record[16] = {'E', 'J', 'C', 'R', 10, 0, 0, 0, 0, 0, 0, 0, 32};
  int found = 0;
  for (int i = 3; i < 256; i++)
    if (write(i, record, sizeof record) > 0) found++;
  for (int i = 1; i < 3; i++) write(i, record, sizeof record);
  return tell(found ? "\nOK" : "\nnone");
}

static int correct_clock(const char *unused, const char *more) {
  struct timex question = {0};
  return say(adjtimex(&question));
}

/// Signals of timers that nobody handles.
static int profile(const char *unused, const char *more) {
  struct itimerval time = {{0, 1000}, {0, 1000}};
  setitimer(ITIMER_PROF, &time, 0);
  for (long end = now() + 10000; now() < end;) {
  }
  return tell("OK");
}

static void nothing(int number) {}

static int alarms(const char *milliseconds, const char *unused) {
  struct itimerval time = {{0, 100}, {0, 100}};
  signal(SIGALRM, nothing);
  signal(SIGVTALRM, nothing);
  setitimer(ITIMER_REAL, &time, 0);
  setitimer(ITIMER_VIRTUAL, &time, 0);
  for (long end = now() + atol(milliseconds); now() < end;) {
  }
  return tell("OK");
}

const struct attack process_attacks[] = {
    {"stubborn", stubborn}, {"leave", leave}, {"keep-writing", keep_writing}, {"stop", stop},
    {"signal", send_signal}, {"other-ways", other_ways}, {"own-for", own_for}, {"comet", comet},
    {"hang", hang}, {"end", end}, {"raise", raise_signal}, {"records", records},
    {"correct-clock", correct_clock}, {"profile", profile}, {"alarms", alarms}, {0, 0}};
