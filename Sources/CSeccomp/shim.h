#pragma once
#include <seccomp.h>

/// The action "fail the call with errno e"; SCMP_ACT_ERRNO is a function-like macro.
static inline uint32_t ec_action_errno(uint16_t e) { return SCMP_ACT_ERRNO(e); }
