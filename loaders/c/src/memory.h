// Addresses of a program. Assumes the segments of a linked process; promises that no byte outside of a segment is touched, and
// that values are little-endian in segments on every host.
#ifndef PF_MEMORY_H
#define PF_MEMORY_H

#include "link.h"

static inline uint16_t pf_little2(uint16_t x) { return PF_HOST_BIG ? pf_swap2(x) : x; }
static inline uint32_t pf_little4(uint32_t x) { return PF_HOST_BIG ? pf_swap4(x) : x; }
static inline uint64_t pf_little8(uint64_t x) { return PF_HOST_BIG ? pf_swap8(x) : x; }

// Why an access of `size` bytes, which was refused, traps: the checks of PF-EXE-007 in their order.
int pf_explain_access(const pf_process *process, uint64_t address, uint64_t size, bool store);

// PF-EXE-009; zero or the trap.
int pf_memory_copy(const pf_process *process, uint64_t to, uint64_t from, uint64_t length);
int pf_memory_fill(const pf_process *process, uint64_t to, uint8_t byte, uint64_t length);

#endif
