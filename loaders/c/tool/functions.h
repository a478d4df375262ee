// The functions of the protocol's host module that keep nothing and tell nothing, for every host that has them.
#ifndef PF_TOOL_FUNCTIONS_H
#define PF_TOOL_FUNCTIONS_H

#include "packfile.h"

static inline bool host_mix(void *unused, pf_host_call *call) {
  (void)unused;
  uint64_t x = (uint64_t)call->i[0];
  uint64_t y = (uint64_t)call->i[1];
  call->i_results[0] = (int64_t)(x + y);
  call->i_results[1] = (int64_t)(x - y);
  call->n_results[0] = call->n[1];
  call->n_results[1] = call->n[0];
  return true;
}

// `trap`: it refuses.
static inline bool host_trap(void *unused, pf_host_call *call) {
  (void)unused;
  (void)call;
  return false;
}

#endif
