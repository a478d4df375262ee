// Addresses of a program. Assumes the segments of a linked process; promises that no byte outside of a segment is touched, and
// that values are little-endian in segments on every host.
#ifndef PF_MEMORY_H
#define PF_MEMORY_H

#include "link.h"

static inline uint16_t pf_little2(uint16_t x) { return PF_HOST_BIG ? pf_swap2(x) : x; }
static inline uint32_t pf_little4(uint32_t x) { return PF_HOST_BIG ? pf_swap4(x) : x; }
static inline uint64_t pf_little8(uint64_t x) { return PF_HOST_BIG ? pf_swap8(x) : x; }

// In place of a trap, for an access that is corrupt; the error says how.
enum { PF_CORRUPT_ACCESS = -1 };

// The bytes of an access of `size`, after the checks of PF-EXE-007 in their order; zero or the trap.
int pf_reach(const pf_process *process, uint64_t address, uint64_t size, bool store, uint8_t **bytes);

// PF-INT-011, for a range that is within reach; zero or PF_CORRUPT_ACCESS.
int pf_check_memory(pf_process *process, uint64_t address, uint64_t length, pf_error *error);

// PF-EXE-009; zero, the trap or PF_CORRUPT_ACCESS.
int pf_memory_copy(pf_process *process, uint64_t to, uint64_t from, uint64_t length, pf_error *error);
int pf_memory_fill(pf_process *process, uint64_t to, uint8_t byte, uint64_t length, pf_error *error);

#endif
