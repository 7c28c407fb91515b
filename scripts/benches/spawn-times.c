// Starts a program again and again, and prints what each start and its end took: the same clock and
// the same small parent for all whom the bench "sandbox" compares.

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static void stop(const char *what, int number) {
  fprintf(stderr, "spawn-times: %s: %s\n", what, strerror(number));
  exit(1);
}

int main(int argc, char **argv) {
  int at = 1;
  const char *filter = 0;
  if (argc > 2 && !strcmp(argv[1], "--filter")) {
    filter = argv[2];
    at = 3;
  }
  if (argc < at + 2) {
    fputs("usage: spawn-times [--filter FILE] COUNT PROGRAM [ARGUMENT...]\n"
          "Prints nanoseconds from posix_spawn to the end of wait4, a line for each time.\n"
          "  --filter FILE  opens it as descriptor 9 of the program, each time anew\n",
          stderr);
    return 64;
  }
  int count = atoi(argv[at]);
  if (count < 1 || count > 1000000) stop(argv[at], EINVAL);
  char **command = argv + at + 1;

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (int i = 0; i < 3; i++)
    posix_spawn_file_actions_addopen(&actions, i, "/dev/null", i ? O_WRONLY : O_RDONLY, 0);
  if (filter) posix_spawn_file_actions_addopen(&actions, 9, filter, O_RDONLY, 0);

  // Printed at the end: writing is not to be measured.
  int64_t *times = calloc((size_t)count, sizeof *times);
  if (!times) stop("memory", errno);
  for (int i = 0; i < count; i++) {
    int status;
    pid_t child;
    int64_t started = now();
    int error = posix_spawn(&child, command[0], &actions, 0, command, environ);
    if (error) stop(command[0], error);
    while (wait4(child, &status, 0, 0) < 0)
      if (errno != EINTR) stop("wait4", errno);
    times[i] = now() - started;
    if (status) {
      fprintf(stderr, "spawn-times: %s ended with %#x\n", command[0], status);
      return 1;
    }
  }
  for (int i = 0; i < count; i++) printf("%lld\n", (long long)times[i]);
  return 0;
}
