#include "CJailPlan.h"
#include <stdlib.h>
#include <string.h>

// For libFuzzer: any bytes as a plan. What the check lets pass is walked as the jail walks it, so
// that the address sanitizer sees every byte that the jail would touch.

static volatile uint64_t sum;

static void touch(const void *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) sum += ((const uint8_t *)bytes)[i];
}

static void touch_text(const char *plan, uint64_t offset) {
  touch(plan + offset, strlen(plan + offset));
}

/// As `texts` of the jail: a 0 ends the list.
static void touch_texts(const char *plan, struct ec_table table) {
  const uint64_t *items = (const void *)(plan + table.offset);
  for (uint32_t i = 0; items[i]; i++) touch_text(plan, items[i]);
}

static void walk(const char *bytes, const struct ec_plan *plan) {
  touch_text(bytes, plan->mount_point);
  touch_text(bytes, plan->host_name);
  touch_text(bytes, plan->root_options);
  const struct ec_operation *ops = (const void *)(bytes + plan->operations.offset);
  for (uint32_t i = 0; i < plan->operations.count; i++) {
    touch_text(bytes, ops[i].source);
    touch_text(bytes, ops[i].target);
    if (ops[i].kind == EC_OP_FILE) touch(bytes + ops[i].source, ops[i].length);
    // The jail's list is as long.
    if (ops[i].kind == EC_OP_MOUNT || ops[i].kind == EC_OP_COPY) {
      int *received = calloc(EC_DESCRIPTORS_MAX, sizeof(int));
      if (received) touch(&received[ops[i].fd], sizeof(int));
      free(received);
    }
  }
  const struct ec_rule *rules = (const void *)(bytes + plan->rules.offset);
  for (uint32_t i = 0; i < plan->rules.count; i++) touch_text(bytes, rules[i].path);
  touch(bytes + plan->limits.offset, plan->limits.count * sizeof(struct ec_limit));
  touch(bytes + plan->filter.offset, (size_t)plan->filter.count * 8);
  touch(bytes + plan->kills.offset, (size_t)plan->kills.count * 8);
  if (plan->kind != EC_KIND_RUN) return;
  touch_text(bytes, plan->work_directory);
  touch_texts(bytes, plan->arguments);
  touch_texts(bytes, plan->environment);
  touch_texts(bytes, plan->programs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // A copy of exactly this length, so that one byte too far is seen.
  char *place = size ? malloc(size) : 0;
  if (size) memcpy(place, data, size);
  struct ec_plan *plan = (void *)place;
  if (size >= sizeof *plan) {
    // What a random change never gets right; the rest is free.
    plan->magic = EC_PLAN_MAGIC;
    plan->build = ec_plan_build();
    plan->version = EC_PLAN_VERSION;
    plan->size = (uint32_t)size;
    plan->kind = plan->kind % 5;
    place[size - 1] = 0;
  }
  int problem = place ? ec_plan_check(place, size) : 1;
#ifdef TRUSTING
  problem = size < sizeof *plan;
#endif
  if (!problem) walk(place, plan);
  free(place);
  return 0;
}
