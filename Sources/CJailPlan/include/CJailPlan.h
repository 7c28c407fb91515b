#pragma once
#include <stddef.h>
#include <stdint.h>

// The launch plan: one block of bytes that EdgeSandbox writes and edgecoder-jail reads, and the
// records that come back. Both sides are compiled against this header and check each other's build.
// All offsets count from the start of the plan; texts end with a NUL.

#define EC_PLAN_MAGIC 0x314e414c50434445ull
#define EC_PLAN_VERSION 1u
#define EC_PLAN_BYTES_MAX (4u << 20)
#define EC_RECORD_MAGIC 0x52434a45u
/// Records are at most this long, so that the kernel never splits one (pipe(7), PIPE_BUF).
#define EC_RECORD_BYTES_MAX 4096u

// The numbers under which the jail finds its descriptors.
#define EC_FD_PLAN 3
#define EC_FD_CONTROL 4
#define EC_FD_GO 5
#define EC_FD_STATUS 6
#define EC_FD_STDIN 7
#define EC_FD_STDOUT 8
#define EC_FD_STDERR 9
#define EC_FD_REPORT 10
// 11 stays free.
#define EC_FD_MOUNTS 12

// Kinds of plan.
#define EC_KIND_RUN 1u
/// Make the quota file system in a user namespace and hand it back as a descriptor.
#define EC_KIND_WORKSPACE 2u

// Flags of a plan.
#define EC_USER_NAMESPACE 1u
#define EC_SET_USER 2u
#define EC_DROP_CAPABILITIES 4u
#define EC_SECCOMP 8u
#define EC_LISTENER 16u
#define EC_LANDLOCK 32u
#define EC_REPORT_CHANNEL 64u
#define EC_CLOSE_DESCRIPTORS 128u
#define EC_GROUP_NAMESPACE 256u
#define EC_NO_NEW_PRIVILEGES 512u
/// The machine's own file tree instead of a private root; tests alone.
#define EC_HOST_ROOT 1024u
/// Standard input is /dev/null.
#define EC_NULL_INPUT 2048u

/// A list: `count` items from `offset` on.
struct ec_table {
  uint32_t offset;
  uint32_t count;
};

// Kinds of operation on the new root.
#define EC_OP_DIRECTORY 1u
#define EC_OP_LINK 2u
#define EC_OP_FILE 3u
#define EC_OP_BIND 4u
#define EC_OP_MOUNT 5u
#define EC_OP_DEVICE 6u
#define EC_OP_PROC 7u
#define EC_OP_DETACH 8u

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
  /// Number of a descriptor, for EC_OP_MOUNT.
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

struct ec_plan {
  uint64_t magic;
  uint64_t build;
  uint32_t version;
  uint32_t size;
  uint32_t kind;
  uint32_t flags;
  /// The step that is made to fail; only debug builds accept anything but 0.
  uint32_t failing_stage;
  uint32_t mounts;
  uint32_t groups;
  uint32_t reserved;
  uint64_t clone_flags;
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
  /// Instructions of classic BPF, 8 bytes each.
  struct ec_table filter;
};

// Steps, in the order in which they are taken.
#define EC_STAGE_PLAN 1
#define EC_STAGE_CLONE 2
#define EC_STAGE_GROUP 3
#define EC_STAGE_MAP 4
#define EC_STAGE_PRIVATE 5
#define EC_STAGE_ROOT 6
#define EC_STAGE_DIRECTORY 7
#define EC_STAGE_LINK 8
#define EC_STAGE_FILE 9
#define EC_STAGE_BIND 10
#define EC_STAGE_MOUNT 11
#define EC_STAGE_DEVICE 12
#define EC_STAGE_PROC 13
#define EC_STAGE_PIVOT 14
#define EC_STAGE_SEAL 15
#define EC_STAGE_HOST_NAME 16
#define EC_STAGE_DESCRIPTORS 17
#define EC_STAGE_START 18
#define EC_STAGE_RLIMIT 19
#define EC_STAGE_BOUNDING_SET 20
#define EC_STAGE_USER 21
#define EC_STAGE_CAPABILITIES 22
#define EC_STAGE_WORK_DIRECTORY 23
#define EC_STAGE_NO_NEW_PRIVILEGES 24
#define EC_STAGE_LANDLOCK 25
#define EC_STAGE_SECCOMP 26
#define EC_STAGE_PROOF 27
#define EC_STAGE_EXEC 28
#define EC_STAGE_WORKSPACE 29
#define EC_STAGES 30

// Kinds of record.
#define EC_RECORD_HELLO 1u
#define EC_RECORD_FAILURE 2u
#define EC_RECORD_STATUS 3u
#define EC_RECORD_GROUPS 4u
#define EC_RECORD_MOUNTS 5u
#define EC_RECORD_READY 6u
#define EC_RECORD_VIOLATION 7u
#define EC_RECORD_EXIT 8u
#define EC_RECORD_END 9u

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

/// Behind EC_RECORD_VIOLATION.
struct ec_violation {
  int32_t number;
  uint32_t architecture;
};

/// Behind EC_RECORD_EXIT (of the program) and EC_RECORD_END (of the tree).
struct ec_ending {
  /// A status of wait(2).
  int32_t status;
  uint32_t orphans;
  int64_t user_microseconds;
  int64_t system_microseconds;
  int64_t resident_kibibytes;
};

/// A number for the layout of everything above: equal in two programs that understand each other.
uint64_t ec_plan_build(void);

/// The name of a step, for messages.
const char *ec_stage_name(int stage);

/// 0 where every offset and count of the plan stays inside its `size` bytes; otherwise a number for
/// the check that failed.
int ec_plan_check(const void *bytes, size_t size);
