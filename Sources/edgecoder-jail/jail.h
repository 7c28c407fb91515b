#pragma once
#include "CJailPlan.h"
#include <sys/types.h>

// The jail: three processes. The *outer* one reads the plan, makes the namespaces and waits; the
// *init* one is process 1 inside, builds the root, reaps and listens; the *program* confines itself
// and executes. Nothing here allocates, and nothing here looks at what the program writes.

/// What init and the program share while the program has not executed yet.
struct shared {
  /// The descriptor of the seccomp listener, -1 where there is none.
  volatile int listener;
  /// Why execve(2) failed.
  volatile int exec_error;
};

extern struct ec_plan *plan;
extern struct shared *shared;

/// The text at an offset of the plan.
const char *text(uint32_t offset);
/// The 0-terminated list of texts; turns offsets into pointers in place.
char *const *texts(struct ec_table table);

/// Sends a record; nothing can be done where that fails.
void record(uint16_t kind, int stage, int error, const void *payload, size_t length);
/// Reports a failed step with the thing it was about, and exits.
_Noreturn void fail(int stage, const char *subject);
/// Exits in a step that the plan makes fail (debug builds).
void step(int stage);

/// mount_setattr(2), move_mount(2), open_tree(2) and the like, which glibc 2.36 has, and older
/// ones have not.
int tree_of(int dirfd, const char *path, int recursive);
int set_mount(int dirfd, const char *path, uint64_t set, int recursive);
int attach_mount(int fd, const char *target);

void write_text(int stage, const char *path, const char *content);
void map_user(void);
void build_root(void);
void run_operations(void);
void drop_bounding_set(void);
void drop_user(void);
void drop_capabilities(void);
_Noreturn void run_init(int alive);
_Noreturn void run_program(int ready);
_Noreturn void make_workspace(void);
