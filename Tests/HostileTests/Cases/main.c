#include "hostile.h"

int say(long answer) { return tell(answer < 0 ? strerrorname_np(errno) : "OK"); }

int tell(const char *word) {
  puts(word);
  fflush(stdout);
  return strcmp(word, "OK") != 0;
}

int count(long done, long wanted) {
  printf("%ld\n", done);
  fflush(stdout);
  return done != wanted;
}

void ignore_signals(void) {
  for (int number = 1; number < 65; number++) signal(number, SIG_IGN);
}

long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void sleep_for(long milliseconds) {
  long end = now() + milliseconds;
  while (now() < end) usleep(1000);
}

static const struct attack *const tables[] = {resource_attacks, process_attacks, file_attacks,
                                              call_attacks, state_attacks};

int main(int count, char **arguments) {
  const char *name = count > 1 ? arguments[1] : "";
  for (unsigned i = 0; i < sizeof tables / sizeof *tables; i++)
    for (const struct attack *attack = tables[i]; attack->name; attack++) {
      if (!strcmp(name, "--list")) puts(attack->name);
      if (!strcmp(name, attack->name))
        return attack->run(count > 2 ? arguments[2] : "", count > 3 ? arguments[3] : "");
    }
  return strcmp(name, "--list") ? 64 : 0;
}
