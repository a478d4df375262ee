// The third layer: a set of modules, their slots and segments. Assumes good images; promises that each slot of an import row that
// code may use is filled, and that every bound function has the signature of its row.
#ifndef PF_LINK_H
#define PF_LINK_H

#include "host.h"
#include "image.h"

typedef struct pf_module pf_module;

enum { PF_SLOT_FUNCTION, PF_SLOT_HOST, PF_SLOT_DATA, PF_SLOT_WEAK_MISSING, PF_SLOT_LAZY_MISSING, PF_SLOT_MISMATCHED, PF_SLOT_CORRUPT };

typedef struct pf_slot {
  const uint32_t *entry;  // first word of a function of a file in the importer's order, once it was judged good; else NULL
  const uint8_t *row;     // of that function, and its module
  pf_module *target;
  uint64_t value;         // reference or address; 0 if unbound
  uint32_t function;
  uint32_t state;
} pf_slot;

typedef struct pf_segment {
  uint8_t *bytes;
  uint32_t size;      // 0 if it does not exist
  uint32_t writable;  // the size again, or 0 for rodata
} pf_segment;

// A segment as it is. The machine's own table says less of one whose digests were not all checked yet: it ends where the good blocks
// at its beginning end, so that what lies behind them goes the slow way.
typedef struct pf_extent {
  uint32_t size;
  bool writable;
  uint32_t offset;         // in its file
  const pf_image *hashed;  // the file while digests are left to check, else NULL
} pf_extent;

struct pf_module {
  const uint8_t *code;
  const uint8_t *functions;
  _Atomic uint8_t *verdicts;
  const uint8_t *constants;
  pf_slot *slots;
  uint32_t position;
  uint32_t function_count;
  bool foreign;
  pf_image *image;  // NULL for a host module
  pf_host *host;
  uint8_t *name;
  size_t name_length;
};

struct pf_process {
  pf_module *modules;
  pf_segment *segments;  // by the upper half of an address; the first does not exist
  pf_extent *extents;    // of the same segments
  uint32_t module_count;
  uint32_t segment_count;
  pf_range *ranges;      // of files, for the guard
  size_t range_count;
  size_t stack_bytes;
  uint64_t *stack;       // NULL until the first call
  bool exhausted;
  bool running;
  void *user;
};

enum { PF_SEGMENTS_OF_MODULE = 3, PF_SEGMENT_SHIFT = 32 };

static inline uint64_t pf_segment_base(uint32_t position, unsigned segment) {
  return ((uint64_t)position * PF_SEGMENTS_OF_MODULE + segment) << PF_SEGMENT_SHIFT;
}

static inline uint64_t pf_reference(uint32_t position, uint32_t function) {
  return ((uint64_t)position + 1) << PF_SEGMENT_SHIFT | function;
}

// The module of a name, or NULL.
pf_module *pf_find_module(pf_process *process, const uint8_t *name, size_t length);

#endif
