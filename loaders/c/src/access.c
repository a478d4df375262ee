// The accesses that the loop does not do itself: those that trap, and those of segments whose digests were not all checked yet, which
// the loop takes to end where the checked blocks at their beginning end. See machine.h.
#include "floats.h"
#include "machine.h"
#include "memory.h"

// What the op at hand loads or stores.
typedef struct access {
  uint64_t size;
  bool store;
} access;

static access access_of(uint32_t word) {
  switch (word & 0xff) {
    case PF_OP_I_STORE8: return (access){1, true};
    case PF_OP_I_LOAD16_S:
    case PF_OP_I_LOAD16_U: return (access){2, false};
    case PF_OP_I_STORE16: return (access){2, true};
    case PF_OP_I_LOAD32_S:
    case PF_OP_I_LOAD32_U:
    case PF_OP_N_LOAD32: return (access){4, false};
    case PF_OP_I_STORE32:
    case PF_OP_N_STORE32: return (access){4, true};
    case PF_OP_I_LOAD64:
    case PF_OP_N_LOAD64: return (access){8, false};
    case PF_OP_I_STORE64:
    case PF_OP_N_STORE64: return (access){8, true};
    default: return (access){1, false};
  }
}

static void load(pf_machine *machine, uint32_t word, uint64_t value) {
  uint64_t *i = &machine->i[word >> 8 & 0xff];
  uint64_t *n = &machine->n[word >> 8 & 0xff];
  switch (word & 0xff) {
    case PF_OP_I_LOAD8_S: *i = (uint64_t)(int64_t)(int8_t)value; break;
    case PF_OP_I_LOAD16_S: *i = (uint64_t)(int64_t)(int16_t)value; break;
    case PF_OP_I_LOAD32_S: *i = (uint64_t)(int64_t)(int32_t)value; break;
    case PF_OP_N_LOAD32: *n = pf_promote((uint32_t)value); break;
    case PF_OP_N_LOAD64: *n = value; break;
    default: *i = value; break;
  }
}

static uint64_t stored(const pf_machine *machine, uint32_t word) {
  uint32_t a = word >> 8 & 0xff;
  switch (word & 0xff) {
    case PF_OP_N_STORE32: return pf_demote(machine->n[a]);
    case PF_OP_N_STORE64: return machine->n[a];
    default: return machine->i[a];
  }
}

pf_step pf_slow_access(pf_machine *machine) {
  uint32_t word = machine->module->foreign ? pf_swap4(*machine->pc) : *machine->pc;
  access a = access_of(word);
  uint64_t address = machine->i[word >> 16 & 0xff] + (word >> 24) * a.size;
  uint8_t *bytes;
  int trap = pf_reach(machine->process, address, a.size, a.store, &bytes);
  if (trap == 0) trap = pf_check_memory(machine->process, address, a.size, machine->error);
  if (trap != 0) return pf_trapped(machine, trap);
  uint64_t value = 0;
  if (a.store) {
    value = stored(machine, word);
    for (uint64_t k = 0; k < a.size; k++) bytes[k] = (uint8_t)(value >> (8 * k));
  } else {
    for (uint64_t k = 0; k < a.size; k++) value |= (uint64_t)bytes[k] << (8 * k);
    load(machine, word, value);
  }
  machine->pc++;
  return PF_STEP_SWITCH;
}
