// Host modules: functions of the embedder by name. Assumes that names and callbacks are the embedder's and honest; promises look-up by
// name in logarithmic time, and that a module no longer changes once it was linked.
#ifndef PF_HOST_H
#define PF_HOST_H

#include <stdatomic.h>

#include "packfile.h"

typedef struct pf_host_entry {
  char *name;
  size_t name_length;
  uint32_t signature;
  pf_host_function function;
  void *user;
} pf_host_entry;

struct pf_host {
  pf_host_entry *entries;  // by index
  uint32_t *sorted;        // indexes in the order of the names
  uint32_t count;
  uint32_t room;
  atomic_bool linked;
  atomic_uint references;
};

// Finds a function by name; false if there is none.
bool pf_host_find(const pf_host *host, const uint8_t *name, size_t length, uint32_t *index);

// One more owner, and no more changes.
void pf_host_retain(pf_host *host);

#endif
