// See memory.h.
#include "memory.h"

#include "digests.h"

#define TRAP_CODE(ID, number, name) TRAP_##ID = number,
enum { PF_TRAPS(TRAP_CODE) };
#undef TRAP_CODE

// A range as an access of size 1: its first byte, or the trap.
static int reach(const pf_process *process, uint64_t address, uint64_t length, bool store, uint8_t **bytes) {
  uint64_t index = address >> PF_SEGMENT_SHIFT;
  uint32_t offset = (uint32_t)address;
  if (index >= process->segment_count || process->extents[index].size == 0) return TRAP_NO_SEGMENT;
  const pf_extent *extent = &process->extents[index];
  if (store && !extent->writable) return TRAP_READ_ONLY;
  if (offset > extent->size || length > extent->size - offset) return TRAP_OUT_OF_BOUNDS;
  *bytes = process->segments[index].bytes + offset;
  return 0;
}

int pf_reach(const pf_process *process, uint64_t address, uint64_t size, bool store, uint8_t **bytes) {
  if (address % size != 0) return TRAP_MISALIGNED;
  return reach(process, address, size, store, bytes);
}

// Lets the machine reach the good blocks at the beginning of a segment without asking for them.
static void widen(pf_extent *extent, pf_segment *segment) {
  uint32_t size = segment->size;
  while (size < extent->size && pf_digests_known(extent->hashed, (uint64_t)extent->offset + size)) {
    uint32_t left = extent->size - size;
    size += left < PF_DIGEST_BLOCK_LENGTH ? left : PF_DIGEST_BLOCK_LENGTH;
  }
  segment->size = size;
  segment->writable = extent->writable ? size : 0;
  if (size == extent->size) extent->hashed = NULL;
}

int pf_check_memory(pf_process *process, uint64_t address, uint64_t length, pf_error *error) {
  pf_extent *extent = &process->extents[address >> PF_SEGMENT_SHIFT];
  if (extent->hashed == NULL || length == 0) return 0;
  // The bytes of the file, also where the program sees its own copy of them.
  uint64_t offset = (uint64_t)extent->offset + (uint32_t)address;
  if (pf_digests_check(extent->hashed, offset, length, error) != PF_OK) return PF_CORRUPT_ACCESS;
  widen(extent, &process->segments[address >> PF_SEGMENT_SHIFT]);
  return 0;
}

int pf_memory_copy(pf_process *process, uint64_t to, uint64_t from, uint64_t length, pf_error *error) {
  uint8_t *target;
  uint8_t *source;
  int trap = reach(process, to, length, true, &target);
  if (trap == 0) trap = reach(process, from, length, false, &source);
  if (trap == 0) trap = pf_check_memory(process, to, length, error);
  if (trap == 0) trap = pf_check_memory(process, from, length, error);
  if (trap == 0) memmove(target, source, length);
  return trap;
}

int pf_memory_fill(pf_process *process, uint64_t to, uint8_t byte, uint64_t length, pf_error *error) {
  uint8_t *target;
  int trap = reach(process, to, length, true, &target);
  if (trap == 0) trap = pf_check_memory(process, to, length, error);
  if (trap == 0) memset(target, byte, length);
  return trap;
}

bool pf_memory_read(pf_process *process, uint64_t address, void *bytes, uint64_t length) {
  uint8_t *source;
  if (reach(process, address, length, false, &source) != 0) return false;
  pf_guard guard;
  if (PF_GUARDED(&guard, process->ranges, process->range_count)) {
    bool good = pf_check_memory(process, address, length, NULL) == 0;
    if (good && length > 0) memcpy(bytes, source, length);
    pf_guard_leave(&guard);
    return good;
  }
  return false;
}

bool pf_memory_write(pf_process *process, uint64_t address, const void *bytes, uint64_t length) {
  uint8_t *target;
  if (reach(process, address, length, true, &target) != 0) return false;
  pf_guard guard;
  if (PF_GUARDED(&guard, process->ranges, process->range_count)) {
    bool good = pf_check_memory(process, address, length, NULL) == 0;
    if (good && length > 0) memcpy(target, bytes, length);
    pf_guard_leave(&guard);
    return good;
  }
  return false;
}
