// The parts of the machine that are not the loop: calls step by step, host functions, and failures. See machine.h.
#include "digests.h"
#include "machine.h"
#include "memory.h"
#include "signature.h"
#include "verify.h"

#define TRAP_CODE(ID, number, name) TRAP_##ID = number,
enum { PF_TRAPS(TRAP_CODE) };
#undef TRAP_CODE

static uint32_t word_of(const pf_machine *machine, uint32_t ahead) {
  uint32_t word = machine->pc[ahead];
  return machine->module->foreign ? pf_swap4(word) : word;
}

static uint64_t place(const pf_machine *machine) {
  const pf_image *image = machine->module->image;
  return pf_offset_of(image, (const uint8_t *)machine->pc);
}

static const char *rule_of(uint32_t word) {
  switch (word & 0xff) {
#define RULE(op, id, ID, mnemonic, words, terminator, rule, a, b, c, literal) \
  case op: return rule;
    PF_INSTRUCTIONS(RULE)
#undef RULE
    default: return NULL;
  }
}

static const char *name_of(uint32_t word) {
  switch (word & 0xff) {
#define NAME(op, id, ID, mnemonic, words, terminator, rule, a, b, c, literal) \
  case op: return mnemonic;
    PF_INSTRUCTIONS(NAME)
#undef NAME
    default: return "?";
  }
}

static pf_step failed(pf_machine *machine, pf_outcome outcome) {
  machine->outcome = outcome;
  return PF_STEP_FAILED;
}

static pf_step trap_at(pf_machine *machine, int trap, const char *rule) {
  char shown[64];
  uint32_t word = word_of(machine, 0);
  return failed(machine, pf_fail_trap(machine->error, trap, rule, place(machine), "expected %s of module %s to succeed, got %s",
                                      name_of(word), pf_escape(shown, sizeof shown, machine->module->name,
                                                               machine->module->name_length),
                                      pf_trap_name(trap)));
}

static pf_step bad_slot(pf_machine *machine) {
  switch (machine->module->slots[word_of(machine, 1)].state) {
    case PF_SLOT_WEAK_MISSING: return trap_at(machine, TRAP_UNBOUND_IMPORT, PF_RULE_FIX_012);
    case PF_SLOT_LAZY_MISSING: return trap_at(machine, TRAP_UNBOUND_IMPORT, PF_RULE_FIX_009);
    case PF_SLOT_MISMATCHED: return trap_at(machine, TRAP_IMPORT_MISMATCH, PF_RULE_FIX_010);
    default:
      return failed(machine, pf_fail(machine->error, PF_CORRUPT, PF_RULE_INT_008, place(machine),
                                     "expected a slot whose look-up met no damage, got one whose did"));
  }
}

pf_step pf_trapped(pf_machine *machine, int trap) {
  if (trap == PF_BAD_SLOT) return bad_slot(machine);
  if (trap == PF_CORRUPT_ACCESS) return failed(machine, PF_CORRUPT);
  return trap_at(machine, trap, rule_of(word_of(machine, 0)));
}

pf_step pf_out_of_fuel(pf_machine *machine) {
  return failed(machine, pf_fail(machine->error, PF_EXHAUSTED, PF_RULE_EXE_013, place(machine),
                                 "expected fuel for one more call or branch back, got none left"));
}

pf_step pf_bad_op(pf_machine *machine) {
  // Verified code has no such op, so these are no longer the bytes that were verified.
  return failed(machine, pf_fail_lost(machine->error, place(machine)));
}

pf_step pf_push(pf_machine *machine, pf_module *target, uint32_t function, uint32_t word, const uint32_t *pc, uint32_t depth) {
  if (depth == 0) {
    return failed(machine, pf_fail(machine->error, PF_EXHAUSTED, PF_RULE_EXE_014, PF_NO_OFFSET,
                                   "expected depth for one more frame, got none left"));
  }
  pf_outcome outcome = pf_judge(target->image, function, machine->error);
  if (outcome != PF_OK) return failed(machine, outcome);
  const uint8_t *row = pf_function_row(target->image, function);
  uint32_t signature = pf_function_signature(target->image, function);
  bool crosses = machine->module != NULL && machine->module->foreign != target->foreign;
  // A word under the frame holds the true return address while the stub stands for it.
  pf_frame *frame = (pf_frame *)(void *)(machine->sp + (crosses ? 1 : 0));
  uint64_t *i = (uint64_t *)(void *)(frame + 1);
  uint64_t *n = i + row[PF_AT_FUNCTION_ROW_I_REGISTERS];
  uint64_t *sp = n + row[PF_AT_FUNCTION_ROW_N_REGISTERS];
  if (sp > machine->limit) {
    return failed(machine, pf_fail(machine->error, PF_EXHAUSTED, PF_RULE_LIM_009, PF_NO_OFFSET,
                                   "expected room for one more frame, got none in %zu bytes of stack",
                                   machine->process->stack_bytes));
  }
  if (crosses) *machine->sp = (uint64_t)(uintptr_t)pc;
  frame->pc = crosses ? PF_STUB_SWITCH : pc;
  frame->module = machine->module != NULL ? machine->module : target;
  frame->i = machine->i;
  frame->n = machine->n;
  frame->windows = (word >> 8 & 0xffff) | (signature & 0xffff0000u);
  frame->depth = depth - 1;
  memset(i, 0, (size_t)(sp - i) * sizeof *i);
  memcpy(i, machine->i + (word >> 8 & 0xff), pf_i_parameters(signature) * sizeof *i);
  memcpy(n, machine->n + (word >> 16 & 0xff), pf_n_parameters(signature) * sizeof *n);
  machine->i = i;
  machine->n = n;
  machine->sp = sp;
  machine->module = target;
  machine->pc = (const uint32_t *)(const void *)target->code + pf_function_start(target->image, function);
  return crosses ? PF_STEP_SWITCH : PF_STEP_ON;
}

pf_step pf_run_host(pf_machine *machine, pf_module *target, uint32_t function, uint64_t *i, uint64_t *n) {
  const pf_host_entry *entry = &target->host->entries[function];
  int64_t i_results[256] = {0};
  uint64_t n_results[256] = {0};
  pf_host_call call = {machine->process, machine->process->user, (const int64_t *)i, n, i_results, n_results};
  pf_guard *guard = pf_guard_suspend();
  bool good = entry->function(entry->user, &call);
  pf_guard_resume(guard);
  if (!good) {
    char shown[64];
    return failed(machine, pf_fail_trap(machine->error, TRAP_HOST, PF_RULE_EXE_024,
                                        machine->module != NULL ? place(machine) : PF_NO_OFFSET,
                                        "expected host function %s to succeed, got a failure",
                                        pf_escape(shown, sizeof shown, (const uint8_t *)entry->name, entry->name_length)));
  }
  memcpy(i, i_results, pf_i_results(entry->signature) * sizeof *i);
  memcpy(n, n_results, pf_n_results(entry->signature) * sizeof *n);
  return PF_STEP_ON;
}

static uint32_t signature_of(const pf_module *module, uint32_t function) {
  return module->host != NULL ? module->host->entries[function].signature : pf_function_signature(module->image, function);
}

// The module and function that a reference names; false after it failed.
static bool dereference(pf_machine *machine, uint64_t reference, uint32_t signature, pf_module **target, uint32_t *function) {
  uint64_t position = (reference >> PF_SEGMENT_SHIFT) - 1;
  *function = (uint32_t)reference;
  int trap = 0;
  if (reference == 0) {
    trap = TRAP_NULL_REFERENCE;
  } else if (position >= machine->process->module_count ||
             *function >= machine->process->modules[position].function_count) {
    trap = TRAP_NO_FUNCTION;
  } else {
    *target = &machine->process->modules[position];
    const pf_image *image = (*target)->image;
    if (image != NULL && pf_check_function_row(image, *function, machine->error) != PF_OK) {
      failed(machine, PF_CORRUPT);
      return false;
    }
    if (signature_of(*target, *function) != signature) trap = TRAP_SIGNATURE_MISMATCH;
  }
  if (trap != 0) trap_at(machine, trap, PF_RULE_EXE_011);
  return trap == 0;
}

pf_step pf_slow_call(pf_machine *machine) {
  uint32_t word = word_of(machine, 0);
  uint32_t literal = word_of(machine, 1);
  pf_module *target = machine->module;
  uint32_t function = literal;
  pf_slot *slot = NULL;
  switch (word & 0xff) {
    case PF_OP_CALLI:
      slot = &machine->module->slots[literal];
      if (slot->state >= PF_SLOT_WEAK_MISSING) return bad_slot(machine);
      function = slot->function;
      target = &machine->process->modules[(slot->value >> PF_SEGMENT_SHIFT) - 1];
      break;
    case PF_OP_CALLR:
      if (!dereference(machine, machine->i[word >> 24], literal, &target, &function)) return PF_STEP_FAILED;
      break;
    default: break;
  }
  if (machine->fuel <= 0) return pf_out_of_fuel(machine);
  machine->fuel--;
  if (target->host != NULL) {
    uint64_t *i = machine->i + (word >> 8 & 0xff);
    uint64_t *n = machine->n + (word >> 16 & 0xff);
    pf_step step = pf_run_host(machine, target, function, i, n);
    if (step == PF_STEP_ON) machine->pc += 2;
    return step;
  }
  pf_step step = pf_push(machine, target, function, word, machine->pc + 2, PF_FRAME_OF(machine->i)->depth);
  if (slot != NULL && step == PF_STEP_ON) {
    // A good verdict is for ever, so the next call need not ask for it, nor for the place of the code.
    slot->entry = machine->pc;
    slot->row = pf_function_row(target->image, function);
    slot->target = target;
  }
  return step;
}
