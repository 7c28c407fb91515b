#include "hostile.h"

#include <poll.h>
#include <sys/personality.h>
#include <sys/prctl.h>

// What a program finds when it starts.

static int open_descriptors(const char *unused, const char *more) {
  for (int i = 0; i < 256; i++)
    if (fcntl(i, F_GETFD) >= 0) printf("%d ", i);
  puts("");
  return 0;
}

static int input(const char *unused, const char *more) {
  char bytes[100];
  struct pollfd wait = {0, POLLIN, 0};
  if (poll(&wait, 1, 1000) == 0) return tell("blocks");
  return count(read(0, bytes, sizeof bytes), 0);
}

/// The number behind a word in /proc/self/status.
static const char *status(const char *word) {
  static char bytes[1 << 14], value[64];
  int file = open("/proc/self/status", O_RDONLY);
  ssize_t length = read(file, bytes, sizeof bytes - 1);
  close(file);
  bytes[length < 0 ? 0 : length] = 0;
  char *at = strstr(bytes, word);
  if (!at || sscanf(at + strlen(word), ": %63s", value) != 1) return "?";
  return value;
}

/// Everything that is inherited over execve(2), in one line.
static int slate(const char *unused, const char *more) {
  char score[16] = "";
  int file = open("/proc/self/oom_score_adj", O_RDONLY);
  read(file, score, sizeof score - 1);
  score[strcspn(score, "\n")] = 0;
  mode_t mask = umask(0);
  printf("umask %03o ", (unsigned)mask);
  for (const char *const *word = (const char *const[]){"SigBlk", "SigIgn", "SigPnd", 0}; *word;
       word++)
    printf("%s %lx ", *word, strtoul(status(*word), 0, 16));
  for (const char *const *word =
           (const char *const[]){"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", 0};
       *word; word++)
    printf("%s %lx ", *word, strtoul(status(*word), 0, 16));
  printf("NoNewPrivs %s ", status("NoNewPrivs"));
  printf("persona %x oom %s session %d ", (unsigned)personality(0xffffffff), score,
         getsid(0) == getpid());
  int terminal = open("/dev/tty", O_RDWR);
  printf("tty %s groups %d timer %u\n",
         terminal < 0 ? "none" : "some", getgroups(0, 0), alarm(0));
  return 0;
}

/// Another attack, from a copy of this program that lies in memory only.
static int from_memory(const char *attack, const char *argument) {
  static char bytes[1 << 16];
  int from = open("/proc/self/exe", O_RDONLY), to = memfd_create("copy", 0);
  if (from < 0 || to < 0) return say(-1);
  for (ssize_t length; (length = read(from, bytes, sizeof bytes)) > 0;)
    write(to, bytes, (size_t)length);
  char *arguments[] = {"hostile", (char *)attack, (char *)argument, 0};
  char *environment[] = {0};
  syscall(SYS_execveat, to, "", arguments, environment, AT_EMPTY_PATH);
  return say(-1);
}

const struct attack state_attacks[] = {
    {"open-descriptors", open_descriptors}, {"input", input}, {"slate", slate},
    {"from-memory", from_memory}, {0, 0}};
