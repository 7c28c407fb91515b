#include "CJailPlan.h"

static const char *const stages[EC_STAGES] = {
    [EC_STAGE_PLAN] = "plan",
    [EC_STAGE_GROUP] = "cgroup",
    [EC_STAGE_NAMESPACES] = "namespaces",
    [EC_STAGE_MAP] = "user namespace",
    [EC_STAGE_PRIVATE] = "private mounts",
    [EC_STAGE_ROOT] = "root",
    [EC_STAGE_DIRECTORY] = "directory",
    [EC_STAGE_LINK] = "link",
    [EC_STAGE_FILE] = "file",
    [EC_STAGE_BIND] = "bind",
    [EC_STAGE_DEVICE] = "device",
    [EC_STAGE_PIVOT] = "pivot",
    [EC_STAGE_SEAL] = "seal root",
    [EC_STAGE_HOST_NAME] = "host name",
    [EC_STAGE_BOUNDING_SET] = "bounding set",
    [EC_STAGE_NO_NEW_PRIVILEGES] = "no new privileges",
    [EC_STAGE_SECCOMP] = "seccomp",
    [EC_STAGE_CLONE] = "clone",
    [EC_STAGE_MOUNT] = "mount",
    [EC_STAGE_PROC] = "proc",
    [EC_STAGE_DESCRIPTORS] = "descriptors",
    [EC_STAGE_USER] = "user",
    [EC_STAGE_CAPABILITIES] = "capabilities",
    [EC_STAGE_START] = "start",
    [EC_STAGE_RLIMIT] = "rlimit",
    [EC_STAGE_WORK_DIRECTORY] = "work directory",
    [EC_STAGE_LANDLOCK] = "landlock",
    [EC_STAGE_FILTER] = "program filter",
    [EC_STAGE_PROOF] = "proof",
    [EC_STAGE_EXEC] = "exec",
    [EC_STAGE_NETWORK] = "loopback",
    [EC_STAGE_WORKSPACE] = "workspace",
    [EC_STAGE_WARM] = "warm",
    [EC_STAGE_DOMAIN] = "signal domain",
};

const char *ec_stage_name(int stage) {
  if (stage <= 0 || stage >= EC_STAGES || !stages[stage]) return "unknown";
  return stages[stage];
}

static uint64_t mix(uint64_t hash, uint64_t value) {
  for (int i = 0; i < 8; i++) hash = (hash ^ (value >> (8 * i) & 0xff)) * 0x100000001b3ull;
  return hash;
}

uint64_t ec_plan_build(void) {
  uint64_t hash = 0xcbf29ce484222325ull;
  hash = mix(hash, EC_PLAN_VERSION);
  hash = mix(hash, sizeof(struct ec_plan));
  hash = mix(hash, sizeof(struct ec_operation));
  hash = mix(hash, sizeof(struct ec_ending));
  hash = mix(hash, sizeof(struct ec_denied));
  hash = mix(hash, sizeof(struct ec_watch));
  hash = mix(hash, offsetof(struct ec_plan, filter));
  hash = mix(hash, offsetof(struct ec_plan, namespaces));
  return mix(hash, EC_STAGES);
}

static int table_fits(struct ec_table table, size_t item, size_t size, size_t extra) {
  if (table.offset % 8 != 0 || table.offset > size) return 0;
  return ((size_t)table.count + extra) <= (size - table.offset) / item;
}

/// Every text ends inside the plan, because the plan's last byte is 0.
static int texts_fit(const char *bytes, struct ec_table table, size_t size) {
  if (!table_fits(table, 8, size, 1)) return 0;
  const uint64_t *offsets = (const uint64_t *)(bytes + table.offset);
  for (uint32_t i = 0; i < table.count; i++)
    if (offsets[i] == 0 || offsets[i] >= size) return 0;
  return offsets[table.count] == 0;
}

static int operation_fits(const struct ec_operation *op, const struct ec_plan *plan, size_t size) {
  if (op->kind < EC_OP_DIRECTORY || op->kind > EC_OP_COPY) return 0;
  if (op->source >= size || op->target >= size || op->target == 0) return 0;
  if (op->kind == EC_OP_MOUNT || op->kind == EC_OP_COPY) {
    if (op->fd < EC_MOUNTS || op->fd >= (int32_t)plan->descriptors) return 0;
  }
  return op->length <= size - op->source;
}

/// What only a plan has that starts something.
static int start_fits(const char *bytes, const struct ec_plan *plan, size_t size) {
  if (!texts_fit(bytes, plan->arguments, size) || plan->arguments.count == 0) return 7;
  if (!texts_fit(bytes, plan->environment, size)) return 8;
  if (!texts_fit(bytes, plan->programs, size) || plan->programs.count == 0) return 9;
  if (plan->kind != EC_KIND_RUN) return 0;
  if (plan->work_directory >= size) return 6;
  if (plan->descriptors < EC_MOUNTS || plan->descriptors > EC_DESCRIPTORS_MAX) return 10;
  return 0;
}

int ec_plan_check(const void *data, size_t size) {
  const char *bytes = data;
  const struct ec_plan *plan = data;
  if (size < sizeof *plan || size > EC_PLAN_BYTES_MAX) return 1;
  if (plan->magic != EC_PLAN_MAGIC || plan->version != EC_PLAN_VERSION) return 2;
  if (plan->build != ec_plan_build()) return 3;
  if (plan->size != size || bytes[size - 1] != 0) return 4;
  if (plan->kind < EC_KIND_TEMPLATE || plan->kind > EC_KIND_MAPPING) return 5;
  if (plan->kind == EC_KIND_RUN || plan->flags & EC_WARM) {
    int problem = start_fits(bytes, plan, size);
    if (problem) return problem;
  }
  if (plan->mount_point >= size || plan->host_name >= size || plan->root_options >= size) return 11;
  if (!table_fits(plan->operations, sizeof(struct ec_operation), size, 0)) return 12;
  if (!table_fits(plan->rules, sizeof(struct ec_rule), size, 0)) return 13;
  if (!table_fits(plan->limits, sizeof(struct ec_limit), size, 0)) return 14;
  if (!table_fits(plan->filter, 8, size, 0) || plan->filter.count > 4096) return 15;
  if (!table_fits(plan->kills, 8, size, 0)) return 16;
  if ((plan->flags & EC_SECCOMP) && plan->filter.count == 0) return 17;
  if (plan->groups > 8 || plan->denied_error > 4095) return 18;
  if (!table_fits(plan->watches, sizeof(struct ec_watch), size, 0)) return 21;
  const struct ec_operation *ops = (const void *)(bytes + plan->operations.offset);
  for (uint32_t i = 0; i < plan->operations.count; i++)
    if (!operation_fits(&ops[i], plan, size)) return 19;
  const struct ec_rule *rules = (const void *)(bytes + plan->rules.offset);
  for (uint32_t i = 0; i < plan->rules.count; i++)
    if (rules[i].path >= size) return 20;
  return 0;
}
