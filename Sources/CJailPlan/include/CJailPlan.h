#pragma once
#include <stddef.h>
#include <stdint.h>

// The launch plan: one block of bytes that EdgeSandbox writes and edgecoder-jail reads, the orders
// that go with it, and the records that come back. Both sides are compiled against this header and
// check each other's build. All offsets count from the start of the plan; texts end with a NUL.

#define EC_PLAN_MAGIC 0x314e414c50434445ull
#define EC_PLAN_VERSION 4u
#define EC_RECORD_MAGIC 0x52434a45u
/// The plan lies in memory that both sides map; more than this does not fit.
#define EC_PLAN_BYTES_MAX (4u << 20)
/// Every message is one datagram of at most this length, unix(7), SOCK_SEQPACKET.
#define EC_MESSAGE_BYTES_MAX (96u << 10)
#define EC_PROOF_BYTES_MAX (64u << 10)
#define EC_SUBJECT_BYTES_MAX 256u
#define EC_DENIED_MAX 128u
/// As EC_DENIED_MAX, of a run that is learned from; with the ending before them they fit a message.
#define EC_LEARNED_MAX 1024u
/// Descriptors that come with one plan, SCM_RIGHTS of unix(7).
#define EC_DESCRIPTORS_MAX 64u

// The numbers under which the jail finds its descriptors when it starts.
#define EC_FD_PLAN 3
#define EC_FD_CONTROL 4
/// Then the files that take a process into a control group.
#define EC_FD_GROUPS 5

// The descriptors of a run come in this order; after them those of mounts.
#define EC_STDIN 0
#define EC_STDOUT 1
#define EC_STDERR 2
#define EC_REPORT 3
/// Where the program shows its proof, and waits for one byte.
#define EC_CHANNEL 4
#define EC_MOUNTS 5

/// Where the jail's code lies in memory: no other program does, and the filters know it. 0x100 is
/// the upper half of the address.
#define EC_CODE_HIGH 0x100u
#define EC_CODE_LENGTH 0x100000u

/// AUDIT_ARCH_X86_64 or AUDIT_ARCH_AARCH64, audit.h.
#if defined(__x86_64__)
#define EC_ARCHITECTURE 0xC000003Eu
#else
#define EC_ARCHITECTURE 0xC00000B7u
#endif

// Orders of the worker, one datagram each.
/// Take the plan that lies in the shared memory.
#define EC_ORDER_PLAN 1u
/// Kill the run.
#define EC_ORDER_KILL 2u

struct ec_order {
  uint32_t magic;
  uint32_t kind;
};

// Kinds of plan.
/// The place where runs are started: namespaces, root, control groups, filter. Comes once.
#define EC_KIND_TEMPLATE 1u
/// One program.
#define EC_KIND_RUN 2u
/// Make the quota file system in a user namespace and hand it back as a descriptor.
#define EC_KIND_WORKSPACE 3u
/// Make a user namespace, and wait until its maps are written and it is open elsewhere.
#define EC_KIND_MAPPING 4u

// Flags of a plan.
#define EC_USER_NAMESPACE 1u
#define EC_SET_USER 2u
#define EC_DROP_CAPABILITIES 4u
#define EC_SECCOMP 8u
#define EC_LISTENER 16u
#define EC_LANDLOCK 32u
#define EC_REPORT_CHANNEL 64u
#define EC_CLOSE_DESCRIPTORS 128u
/// The machine's own file tree instead of a private root; tests alone.
#define EC_HOST_ROOT 1024u
/// Standard input is /dev/null.
#define EC_NULL_INPUT 2048u
/// What is mounted at /proc in the template is taken away before a run's own is shown.
#define EC_REPLACE_PROC 4096u
/// The run's own loopback interface is brought up.
#define EC_LOOPBACK 8192u
/// What the filter tells is noted and let through, unless an entry of `watches` refuses it.
#define EC_LEARN 16384u
/// Of a template: an interpreter is started in it and waits. Of a run: the program is a copy of it.
#define EC_WARM 32768u
/// No namespace and no mount: a run is a domain of Landlock, and its files are the machine's. Of
/// the template and of its runs.
#define EC_BARE 65536u

/// A list: `count` items from `offset` on.
struct ec_table {
  uint32_t offset;
  uint32_t count;
};

// What a warm interpreter asks for, each by a call of `ec_warm` in the jail's own code, which is
// in its memory.
/// It is ready to be copied.
#define EC_WARM_READY 0
/// Waits for the next run: 1 where there is one to make a copy for, 0 at the end.
#define EC_WARM_NEXT 1
/// Where the offsets of the program's arguments lie in the plan, of 8 bytes each, with a 0 behind.
#define EC_WARM_ARGUMENTS 2
/// As EC_WARM_ARGUMENTS, of the environment.
#define EC_WARM_ENVIRONMENT 3
/// There is no copy, for this error.
#define EC_WARM_FAIL 4
/// Waits until the copy with this number has ended.
#define EC_WARM_WAIT 5
/// In the copy: confines it, and returns when the worker lets it go.
#define EC_WARM_ENTER 6

// The numbers under which it finds its descriptors; those below stand open for those of runs.
#define EC_WARM_FD_ORDERS 5
#define EC_WARM_FD_PLAN 6
#define EC_WARM_FD_SHARED 7
#define EC_WARM_FD_JAIL 8
#define EC_WARM_FD_PROCESSES 9

// Kinds of operation on the new root.
#define EC_OP_DIRECTORY 1u
#define EC_OP_LINK 2u
#define EC_OP_FILE 3u
#define EC_OP_BIND 4u
/// Attaches the detached mount of a descriptor.
#define EC_OP_MOUNT 5u
#define EC_OP_DEVICE 6u
#define EC_OP_PROC 7u
#define EC_OP_DETACH 8u
/// Attaches a copy of a directory below a descriptor's.
#define EC_OP_COPY 9u

// Flags of an operation.
#define EC_READ_ONLY 1u
/// Devices work on this mount.
#define EC_DEVICES 4u
/// Nothing can be executed from this mount.
#define EC_NO_EXEC 8u
#define EC_RECURSIVE 16u

struct ec_operation {
  uint32_t kind;
  uint32_t flags;
  /// Offset of a text: path, content or options.
  uint32_t source;
  /// Offset of a path below the new root, without a leading slash.
  uint32_t target;
  /// Length of the content of a file.
  uint32_t length;
  uint32_t mode;
  /// Place among the descriptors that came with the plan, for EC_OP_MOUNT and EC_OP_COPY.
  int32_t fd;
  uint32_t reserved;
  /// For devices the device number; for checked binds what the source has to be, 0 = anything.
  uint64_t device;
  uint64_t inode;
};

struct ec_rule {
  uint32_t path;
  uint32_t reserved;
  uint64_t access;
};

struct ec_limit {
  uint32_t resource;
  uint32_t reserved;
  uint64_t soft;
  uint64_t hard;
};

/// What is said of a call that is learned: the first entry counts whose comparisons all hold. A
/// call of which no entry speaks is let through, and noted without its arguments.
struct ec_watch {
  int32_t number;
  /// 1 where it is let through, 0 where it fails with `denied_error`.
  uint32_t granted;
  /// Each argument under its mask has to be its value.
  uint64_t masks[6];
  uint64_t values[6];
  /// The bits of each argument that are noted.
  uint64_t kept[6];
};

/// Fields that a kind does not use are 0.
struct ec_plan {
  uint64_t magic;
  uint64_t build;
  uint32_t version;
  uint32_t size;
  uint32_t kind;
  uint32_t flags;
  /// The step that is made to fail; only debug builds accept anything but 0.
  uint32_t failing_stage;
  /// Descriptors that come with a run.
  uint32_t descriptors;
  /// Control groups that the jail joins with its template.
  uint32_t groups;
  /// What a denied call that is only noted is answered with, errno(3).
  uint32_t denied_error;
  /// Of a template: what the jail leaves, unshare(2). Of a run: what is made for it, clone(2).
  uint64_t namespaces;
  uint32_t outer_uid;
  uint32_t outer_gid;
  uint32_t uid;
  uint32_t gid;
  uint32_t mount_point;
  uint32_t host_name;
  uint32_t work_directory;
  uint32_t root_options;
  uint64_t workspace_bytes;
  uint64_t workspace_inodes;
  uint64_t landlock_size;
  uint64_t landlock_files;
  uint64_t landlock_network;
  uint64_t landlock_scope;
  /// Tables of 8-byte offsets of texts, each followed by a 0.
  struct ec_table arguments;
  struct ec_table environment;
  struct ec_table programs;
  struct ec_table operations;
  struct ec_table rules;
  struct ec_table limits;
  /// Instructions of classic BPF, 8 bytes each: of a template what the jail and every run get, of
  /// a run what the program gets in addition.
  struct ec_table filter;
  /// Numbers of calls that end a run, 8 bytes each.
  struct ec_table kills;
  /// With EC_LEARN: ec_watch.
  struct ec_table watches;
};

// Steps; first those of a template, in their order.
#define EC_STAGE_PLAN 1
#define EC_STAGE_NAMESPACES 2
#define EC_STAGE_MAP 3
#define EC_STAGE_GROUP 4
#define EC_STAGE_PRIVATE 5
#define EC_STAGE_ROOT 6
#define EC_STAGE_DIRECTORY 7
#define EC_STAGE_LINK 8
#define EC_STAGE_FILE 9
#define EC_STAGE_BIND 10
#define EC_STAGE_DEVICE 11
#define EC_STAGE_PIVOT 12
#define EC_STAGE_SEAL 13
#define EC_STAGE_HOST_NAME 14
#define EC_STAGE_BOUNDING_SET 15
#define EC_STAGE_NO_NEW_PRIVILEGES 16
#define EC_STAGE_SECCOMP 17
// Those of a run.
#define EC_STAGE_CLONE 18
#define EC_STAGE_MOUNT 19
#define EC_STAGE_PROC 20
#define EC_STAGE_DESCRIPTORS 21
#define EC_STAGE_USER 22
#define EC_STAGE_CAPABILITIES 23
#define EC_STAGE_START 24
#define EC_STAGE_RLIMIT 25
#define EC_STAGE_WORK_DIRECTORY 26
#define EC_STAGE_LANDLOCK 27
#define EC_STAGE_FILTER 28
#define EC_STAGE_PROOF 29
#define EC_STAGE_EXEC 30
#define EC_STAGE_NETWORK 31
// That of a workspace.
#define EC_STAGE_WORKSPACE 32
// Where a warm interpreter starts, and where it is copied.
#define EC_STAGE_WARM 33
// Where there are no namespaces: of the jail and of init.
#define EC_STAGE_DOMAIN 34
#define EC_STAGES 35

// Kinds of record.
/// The jail is there; ec_hello.
#define EC_RECORD_HELLO 1u
/// A step failed; the text says about what. A template's failure is the end of the jail.
#define EC_RECORD_FAILURE 2u
/// The template is built; the text is what /proc/self/cgroup says about the jail.
#define EC_RECORD_READY 3u
/// What the kernel says about the program, which sends it itself and waits; ec_proof and its texts.
#define EC_RECORD_PROOF 4u
/// Everything of the run is dead; ec_ending and the calls that were denied.
#define EC_RECORD_END 5u
/// The descriptor of a workspace comes with this.
#define EC_RECORD_WORKSPACE 6u

struct ec_record {
  uint32_t magic;
  uint16_t kind;
  uint16_t stage;
  int32_t error;
  /// Bytes that follow this head.
  uint32_t length;
};

/// Behind EC_RECORD_HELLO.
struct ec_hello {
  uint64_t build;
};

/// Behind EC_RECORD_PROOF: lengths of the texts that follow, as /proc/self shows them.
struct ec_proof {
  uint32_t status;
  uint32_t groups;
  uint32_t mounts;
  uint32_t reserved;
};

/// Behind EC_RECORD_END.
struct ec_ending {
  /// A status of wait(2), of the program; -1 where nobody saw its end.
  int32_t status;
  /// Why execve(2) failed, 0 where it did not.
  int32_t exec_error;
  /// Processes that outlived the program and were killed.
  uint32_t orphans;
  /// Entries of ec_denied that follow.
  uint32_t denied;
  /// The call that ended the run, with its architecture; -1 where none did.
  int32_t violation;
  uint32_t violation_architecture;
  /// Calls of a run that is learned from for which there was no entry left.
  uint64_t lost;
  int64_t user_microseconds;
  int64_t system_microseconds;
  int64_t resident_kibibytes;
  int64_t blocks_read;
  int64_t blocks_written;
  int64_t voluntary_switches;
  int64_t involuntary_switches;
};

/// One denied call with its arguments; further ones of the same number are only counted where there
/// are many. Of a run that is learned from, any call with what is kept of its arguments.
struct ec_denied {
  int32_t number;
  uint32_t architecture;
  /// The place of the entry of `watches` that decided, from 1; 0 where none did.
  uint32_t watch;
  uint32_t granted;
  uint64_t arguments[6];
  uint64_t count;
};

/// A number for the layout of everything above: equal in two programs that understand each other.
uint64_t ec_plan_build(void);

/// The name of a step, for messages.
const char *ec_stage_name(int stage);

/// 0 where every offset and count of the plan stays inside its `size` bytes; otherwise a number for
/// the check that failed.
int ec_plan_check(const void *bytes, size_t size);
