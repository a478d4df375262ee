// See memory.h.
#include "memory.h"

#define TRAP_CODE(ID, number, name) TRAP_##ID = number,
enum { PF_TRAPS(TRAP_CODE) };
#undef TRAP_CODE

// A range as an access of size 1: zero and the first byte, or the trap.
static int reach(const pf_process *process, uint64_t address, uint64_t length, bool store, uint8_t **bytes) {
  uint64_t index = address >> PF_SEGMENT_SHIFT;
  uint32_t offset = (uint32_t)address;
  if (index >= process->segment_count || process->segments[index].size == 0) return TRAP_NO_SEGMENT;
  const pf_segment *segment = &process->segments[index];
  if (store && segment->writable == 0) return TRAP_READ_ONLY;
  if (offset > segment->size || length > segment->size - offset) return TRAP_OUT_OF_BOUNDS;
  *bytes = segment->bytes + offset;
  return 0;
}

int pf_explain_access(const pf_process *process, uint64_t address, uint64_t size, bool store) {
  uint8_t *bytes;
  if (address % size != 0) return TRAP_MISALIGNED;
  return reach(process, address, size, store, &bytes);
}

int pf_memory_copy(const pf_process *process, uint64_t to, uint64_t from, uint64_t length) {
  uint8_t *target;
  uint8_t *source;
  int trap = reach(process, to, length, true, &target);
  if (trap == 0) trap = reach(process, from, length, false, &source);
  if (trap == 0) memmove(target, source, length);
  return trap;
}

int pf_memory_fill(const pf_process *process, uint64_t to, uint8_t byte, uint64_t length) {
  uint8_t *target;
  int trap = reach(process, to, length, true, &target);
  if (trap == 0) memset(target, byte, length);
  return trap;
}

bool pf_memory_read(pf_process *process, uint64_t address, void *bytes, uint64_t length) {
  uint8_t *source;
  if (reach(process, address, length, false, &source) != 0) return false;
  pf_guard guard;
  if (PF_GUARDED(&guard, process->ranges, process->range_count)) {
    if (length > 0) memcpy(bytes, source, length);
    pf_guard_leave(&guard);
    return true;
  }
  return false;
}

bool pf_memory_write(pf_process *process, uint64_t address, const void *bytes, uint64_t length) {
  uint8_t *target;
  if (reach(process, address, length, true, &target) != 0) return false;
  pf_guard guard;
  if (PF_GUARDED(&guard, process->ranges, process->range_count)) {
    if (length > 0) memcpy(target, bytes, length);
    pf_guard_leave(&guard);
    return true;
  }
  return false;
}
