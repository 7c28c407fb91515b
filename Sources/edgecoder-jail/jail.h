#pragma once
#include "CJailPlan.h"
#include <sys/resource.h>
#include <sys/types.h>

// The jail stays for many runs. The *jail* process builds a template once (namespaces, root,
// control groups, filter) and then takes plans; everything that it starts inherits the template.
// For a run it clones *init*, process 1 of a fresh process namespace, which mounts what belongs to
// the run, starts the *program* and reaps. The program confines itself further and executes.
// Nothing here allocates, and nothing here looks at what the program writes.

/// What the jail, init and the program share: a mapping that a clone does not copy.
struct shared {
  /// The first step that failed, 0 where none did, with its error and its subject.
  int32_t failed_stage, failed_error;
  /// What a copy of a warm interpreter used, which is no child of init.
  struct rusage copy;
  char subject[EC_SUBJECT_BYTES_MAX];
  struct ec_ending ending;
  /// One message, as it is sent.
  struct {
    struct ec_record head;
    struct ec_proof proof;
    char texts[EC_PROOF_BYTES_MAX];
  } shown;
};

extern struct ec_plan *plan;
extern struct shared *shared;
/// The descriptors that came with the plan.
extern int received[EC_DESCRIPTORS_MAX];
extern int received_count;
/// The descriptor of the seccomp listener, -1 where there is none.
extern int listener;
/// Counts runs, so that nothing of one that was killed is taken for the next one's.
extern uint32_t run_number;
/// True in the processes of a run, false in the jail itself.
extern int is_inside;

/// The text at an offset of the plan.
const char *text(uint32_t offset);
/// The 0-terminated list of texts; turns offsets into pointers in place.
char *const *texts(struct ec_table table);

/// Sends a record, with a descriptor where `fd` is not -1; nothing can be done where that fails.
void record(uint16_t kind, int stage, int error, const void *payload, size_t length, int fd);
/// The next order: its kind, 0 at the end. Takes the descriptors that come with it.
uint32_t receive_order(void);
/// Puts all of a file into the shared texts from an offset on; how long it is.
uint32_t take_text(int fd, uint32_t offset, int stage);
/// Reports a failed step with the thing it was about, and exits.
_Noreturn void fail(int stage, const char *subject);
/// Exits in a step that the plan makes fail (debug builds).
void step(int stage);

/// mount_setattr(2), move_mount(2) and open_tree(2), which older C libraries have not.
int tree_of(int dirfd, const char *path, int recursive);
int set_mount(int dirfd, const char *path, uint64_t set, int recursive);
int attach_mount(int fd, const char *target);

void write_text(int stage, const char *path, const char *content);
void map_user(void);
void build_root(void);
void run_operations(void);
/// Maps the memory for plans, and that which the processes of a run share; -1: anew.
void map_memory(int plans, int common);
void make_template(void);
/// Enters a domain of Landlock of this process's own, so that `kill_all` reaches only what it
/// starts, and becomes the parent of orphans.
void enter_domain(void);
/// kill(2) of everything that can be reached, where that is this run alone; nothing anywhere else.
void kill_all(void);
/// The jail's own number, for `follow_jail`.
void remember_jail(void);
/// Init's domain, where no process namespace is planned, and its way to end.
void confine_init(void);
/// Init ends with everything when the jail does.
void follow_jail(void);
void serve_run(void);
void arrange_descriptors(void);
void become_ordinary(void);
/// A child that shares our memory until it executes or exits; we wait for that.
pid_t start_apart(void (*entry)(void));
_Noreturn void run_init(void);
_Noreturn void make_workspace(void);
_Noreturn void make_mapping(void);

/// The program's part of the launch: confines it, and returns when the worker has let it go.
void confine_program(void);
/// And executes it; its stack is not init's.
_Noreturn void run_program(void);

/// Answers a call that a warm interpreter makes while it starts.
void answer_start(void);
/// Opens what a warm interpreter needs of the place outside.
void open_for_warm(void);
/// Keeps what a copy needs to enter a run when the interpreter is executed; the copy gives it up.
void pass_capabilities(void);
/// Starts it, and returns when it is ready to be copied.
void start_warm(void);
/// Has it copied into the namespaces of init.
void order_copy(void);
/// Returns when the copy has ended.
void await_copy(void);
/// What the interpreter calls, EC_WARM_READY and the following.
long ec_warm(int request, int argument);
/// clone(2) onto another stack, where the child calls `entry`.
long start_on(uint64_t flags, void *stack, void (*entry)(void));

// Descriptors inside: 0, 1, 2, where asked for 3, and the worker's channel until execve(2).
#define FD_CHANNEL 4
