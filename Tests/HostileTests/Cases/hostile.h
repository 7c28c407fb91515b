#pragma once
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Programs that attack whoever runs them, one thing at a time and no more of it than an argument
// says. Each prints one line: `OK` where the attack worked, the name of the error where it did not,
// or what was seen. The status is 0 where it worked and 1 where it did not.

/// One attack; missing arguments are empty texts.
struct attack {
  const char *name;
  int (*run)(const char *first, const char *second);
};

extern const struct attack resource_attacks[], process_attacks[], file_attacks[], call_attacks[],
    state_attacks[];

/// `OK`, or the name of the last error where the answer is negative.
int say(long answer);

/// A word; the status is 0 where it is `OK`.
int tell(const char *word);

/// How many of so many worked; the status is 0 where all did.
int count(long done, long wanted);

/// Ignores every signal that can be ignored.
void ignore_signals(void);

/// Milliseconds since an arbitrary moment.
long now(void);

void sleep_for(long milliseconds);
