#pragma once
#include <seccomp.h>

/// The action "fail the call with errno e"; SCMP_ACT_ERRNO is a function-like macro.
static inline uint32_t ec_action_errno(uint16_t e) { return SCMP_ACT_ERRNO(e); }

/// The action "ask the listener", SCMP_ACT_NOTIFY.
static inline uint32_t ec_action_notify(void) { return SCMP_ACT_NOTIFY; }
static inline uint32_t ec_action_allow(void) { return SCMP_ACT_ALLOW; }
static inline uint32_t ec_action_kill(void) { return SCMP_ACT_KILL_PROCESS; }
