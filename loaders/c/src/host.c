// See host.h.
#include "host.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "names.h"
#include "packfile_format.h"

uint32_t pf_signature(unsigned i_parameters, unsigned n_parameters, unsigned i_results, unsigned n_results) {
  return (i_parameters & 0xffu) | (n_parameters & 0xffu) << 8 | (i_results & 0xffu) << 16 | (n_results & 0xffu) << 24;
}

pf_host *pf_host_create(void) {
  pf_host *host = calloc(1, sizeof *host);
  if (host != NULL) {
    atomic_init(&host->linked, false);
    atomic_init(&host->references, 1);
  }
  return host;
}

// The place of a name among the sorted, and whether it is there.
static bool search(const pf_host *host, const uint8_t *name, size_t length, uint32_t *place) {
  uint32_t low = 0;
  uint32_t high = host->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    const pf_host_entry *entry = &host->entries[host->sorted[middle]];
    int order = pf_compare_names((const uint8_t *)entry->name, entry->name_length, name, length);
    if (order == 0) {
      *place = middle;
      return true;
    }
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  *place = low;
  return false;
}

bool pf_host_find(const pf_host *host, const uint8_t *name, size_t length, uint32_t *index) {
  uint32_t place;
  if (!search(host, name, length, &place)) return false;
  *index = host->sorted[place];
  return true;
}

static bool grow(pf_host *host) {
  if (host->count < host->room) return true;
  uint32_t room = host->room == 0 ? 8 : host->room * 2;
  pf_host_entry *entries = realloc(host->entries, room * sizeof *entries);
  if (entries == NULL) return false;
  host->entries = entries;
  uint32_t *sorted = realloc(host->sorted, room * sizeof *sorted);
  if (sorted == NULL) return false;
  host->sorted = sorted;
  host->room = room;
  return true;
}

pf_outcome pf_host_add(pf_host *host, const char *name, size_t name_length, uint32_t signature,
                       pf_host_function function, void *user, pf_error *error) {
  uint32_t place;
  if (atomic_load(&host->linked) || function == NULL || host->count == PF_MAX_FUNCTIONS) {
    return pf_fail(error, PF_MISUSE, NULL, PF_NO_OFFSET, "expected a function for a module that was never linked");
  }
  if (search(host, (const uint8_t *)name, name_length, &place)) {
    return pf_fail(error, PF_MISUSE, NULL, PF_NO_OFFSET, "expected a name that the module lacks, got a second of that name");
  }
  char *copy = malloc(name_length + 1);
  if (copy == NULL || !grow(host)) {
    free(copy);
    return pf_fail(error, PF_IO_ERROR, NULL, PF_NO_OFFSET, "no memory");
  }
  if (name_length > 0) memcpy(copy, name, name_length);
  copy[name_length] = '\0';
  memmove(host->sorted + place + 1, host->sorted + place, (host->count - place) * sizeof *host->sorted);
  host->sorted[place] = host->count;
  host->entries[host->count++] = (pf_host_entry){copy, name_length, signature, function, user};
  return pf_succeed(error);
}

void pf_host_retain(pf_host *host) {
  atomic_store(&host->linked, true);
  atomic_fetch_add_explicit(&host->references, 1, memory_order_relaxed);
}

void pf_host_close(pf_host *host) {
  if (host == NULL || atomic_fetch_sub_explicit(&host->references, 1, memory_order_acq_rel) != 1) return;
  for (uint32_t k = 0; k < host->count; k++) free(host->entries[k].name);
  free(host->entries);
  free(host->sorted);
  free(host);
}
