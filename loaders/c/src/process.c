// The fifth layer: an embedder's call. Assumes a linked process; promises that whatever the program does, the process is
// in order afterwards, and that an exhausted one does nothing more.
#include <sys/mman.h>

#include "digests.h"
#include "machine.h"
#include "names.h"
#include "signature.h"
#include "verify.h"

#define TRAP_CODE(ID, number, name) TRAP_##ID = number,
enum { PF_TRAPS(TRAP_CODE) };
#undef TRAP_CODE

// Beyond the last frame: as much as two banks, so that clearing by fours stays inside.
enum { BANK = 256, SLACK_WORDS = 2 * BANK };

typedef struct callee {
  pf_module *module;
  uint32_t function;
  uint32_t signature;
} callee;

static pf_outcome no_function(pf_error *error, const char *rule, const uint8_t *name, size_t length, const char *what) {
  char shown[96];
  return pf_fail(error, PF_UNLINKABLE, rule, PF_NO_OFFSET, "expected %s %s, got none", what,
                 pf_escape(shown, sizeof shown, name, length));
}

static pf_outcome find_export(pf_module *module, const pf_request *request, callee *found, pf_error *error) {
  const uint8_t *name = (const uint8_t *)request->function;
  pf_image *image = module->image;
  uint32_t index;
  bool present;
  pf_outcome outcome = pf_find_export(image, name, request->function_length, &present, &index, error);
  if (outcome != PF_OK) return outcome;
  if (!present) {
    return no_function(error, PF_RULE_EXE_017, name, request->function_length, "an exported function");
  }
  outcome = pf_check_found(image, index, error);
  if (outcome != PF_OK) return outcome;
  const uint8_t *row = pf_export_row(image, index);
  if (row[PF_AT_EXPORT_ROW_KIND] != PF_IMPORT_KIND_FUNCTION) {
    return no_function(error, PF_RULE_EXE_017, name, request->function_length, "an exported function and not data");
  }
  found->function = pf_u4(row + PF_AT_EXPORT_ROW_POSITION, image->foreign);
  return PF_OK;
}

static pf_outcome find_callee(pf_process *process, const pf_request *request, callee *found, pf_error *error) {
  const uint8_t *name = (const uint8_t *)request->module;
  pf_module *module = pf_find_module(process, name, request->module_length);
  if (module == NULL) return no_function(error, PF_RULE_EXE_017, name, request->module_length, "a module");
  found->module = module;
  if (module->host != NULL) {
    if (request->function == NULL) return no_function(error, PF_RULE_EXE_019, name, request->module_length, "an entry of module");
    if (!pf_host_find(module->host, (const uint8_t *)request->function, request->function_length, &found->function)) {
      return no_function(error, PF_RULE_EXE_017, (const uint8_t *)request->function, request->function_length, "a host function");
    }
    found->signature = module->host->entries[found->function].signature;
    return PF_OK;
  }
  if (request->function == NULL) {
    found->function = module->image->entry;
    if (found->function == PF_NO_ENTRY) return no_function(error, PF_RULE_EXE_019, name, request->module_length, "an entry of module");
    pf_outcome outcome = pf_check_function_row(module->image, found->function, error);
    if (outcome != PF_OK) return outcome;
  } else {
    pf_outcome outcome = find_export(module, request, found, error);
    if (outcome != PF_OK) return outcome;
  }
  found->signature = pf_function_signature(module->image, found->function);
  return PF_OK;
}

static pf_outcome execute(pf_machine *machine, const callee *found, uint64_t depth) {
  if (machine->fuel <= 0) {
    return pf_fail(machine->error, PF_EXHAUSTED, PF_RULE_EXE_013, PF_NO_OFFSET, "expected fuel for the call, got none");
  }
  machine->fuel--;
  if (found->module->host != NULL) {
    pf_step step = pf_run_host(machine, found->module, found->function, machine->i, machine->n);
    return step == PF_STEP_ON ? PF_OK : machine->outcome;
  }
  // No stack holds so many frames, so a greater depth is no different.
  uint32_t frames = depth > UINT32_MAX ? UINT32_MAX : (uint32_t)depth;
  if (pf_push(machine, found->module, found->function, 0, PF_STUB_HALT, frames) != PF_STEP_ON) return machine->outcome;
  return pf_run(machine);
}

static pf_outcome call(pf_process *process, const pf_request *request, pf_results *results, pf_error *error) {
  callee found = {NULL, 0, 0};
  pf_outcome outcome = find_callee(process, request, &found, error);
  if (outcome != PF_OK) return outcome;
  if (request->i_count != pf_i_parameters(found.signature) || request->n_count != pf_n_parameters(found.signature)) {
    return pf_fail_trap(error, TRAP_SIGNATURE_MISMATCH, PF_RULE_EXE_018, PF_NO_OFFSET,
                        "expected (%u, %u) arguments, got (%zu, %zu)", pf_i_parameters(found.signature),
                        pf_n_parameters(found.signature), request->i_count, request->n_count);
  }
  pf_machine machine = {.process = process,
                        .i = process->stack,
                        .n = process->stack + BANK,
                        .sp = process->stack + 2 * BANK,
                        .limit = process->stack + process->stack_bytes / sizeof(uint64_t) - SLACK_WORDS,
                        .fuel = (int64_t)request->fuel,
                        .error = error};
  if (request->i_count > 0) memcpy(machine.i, request->i, request->i_count * sizeof *machine.i);
  if (request->n_count > 0) memcpy(machine.n, request->n, request->n_count * sizeof *machine.n);
  outcome = execute(&machine, &found, request->depth);
  if (outcome != PF_OK) return outcome;
  results->i_count = pf_i_results(found.signature);
  results->n_count = pf_n_results(found.signature);
  memcpy(results->i, process->stack, results->i_count * sizeof *results->i);
  memcpy(results->n, process->stack + BANK, results->n_count * sizeof *results->n);
  return pf_succeed(error);
}

static pf_outcome guarded_call(pf_process *process, const pf_request *request, pf_results *results, pf_error *error) {
  pf_guard guard;
  if (PF_GUARDED(&guard, process->ranges, process->range_count)) {
    pf_outcome outcome = call(process, request, results, error);
    pf_guard_leave(&guard);
    return outcome;
  }
  uint64_t offset = PF_NO_OFFSET;
  for (uint32_t k = 0; k < process->module_count; k++) {
    const pf_image *image = process->modules[k].image;
    if (image != NULL && (uintptr_t)guard.address - (uintptr_t)image->bytes < image->length) {
      offset = pf_offset_of(image, guard.address);
    }
  }
  return pf_fail_lost(error, offset);
}

// Frames need not stay in memory after a deep recursion, nor at all once no call will come.
static void release_stack(pf_process *process) {
  munmap(process->stack, process->stack_bytes);
  process->stack = NULL;
}

static bool reserve_stack(pf_process *process) {
  if (process->stack != NULL) return true;
  void *stack = mmap(NULL, process->stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stack == MAP_FAILED) return false;
  process->stack = stack;
  return true;
}

pf_outcome pf_call(pf_process *process, const pf_request *request, pf_results *results, pf_error *error) {
  if (process->running) {
    return pf_fail(error, PF_MISUSE, NULL, PF_NO_OFFSET, "expected a process that is not in a call, got one that is");
  }
  if (process->exhausted) {
    return pf_fail(error, PF_EXHAUSTED, PF_RULE_EXE_016, PF_NO_OFFSET, "expected a process that is not exhausted, got one that is");
  }
  if (request->fuel > PF_MAX_FUEL || request->depth > PF_MAX_DEPTH) {
    return pf_fail(error, PF_MISUSE, NULL, PF_NO_OFFSET, "expected fuel and depth of at most 2^53 - 1, got more");
  }
  if (!reserve_stack(process)) return pf_fail(error, PF_IO_ERROR, NULL, PF_NO_OFFSET, "no memory for frames");
  process->running = true;
  process->user = request->user;
  pf_outcome outcome = guarded_call(process, request, results, error);
  process->running = false;
  process->user = NULL;
  if (outcome == PF_EXHAUSTED) {
    process->exhausted = true;
    release_stack(process);
  }
  return outcome;
}

pf_outcome pf_signature_of(pf_process *process, const pf_request *request, uint32_t *signature, pf_error *error) {
  pf_guard guard;
  if (PF_GUARDED(&guard, process->ranges, process->range_count)) {
    callee found = {NULL, 0, 0};
    pf_outcome outcome = find_callee(process, request, &found, error);
    pf_guard_leave(&guard);
    *signature = found.signature;
    return outcome == PF_OK ? pf_succeed(error) : outcome;
  }
  return pf_fail_lost(error, PF_NO_OFFSET);
}

bool pf_process_segment(pf_process *process, size_t position, unsigned segment, uint8_t **bytes, size_t *size) {
  if (position >= process->module_count || segment < PF_SEGMENT_RODATA || segment > PF_SEGMENT_BSS) return false;
  const pf_segment *found = &process->segments[position * PF_SEGMENTS_OF_MODULE + segment];
  *bytes = found->bytes;
  *size = process->extents[position * PF_SEGMENTS_OF_MODULE + segment].size;
  return *size != 0;
}

void pf_process_stats(const pf_process *process, pf_stats *stats) {
  memset(stats, 0, sizeof *stats);
  for (uint32_t k = 0; k < process->module_count; k++) {
    const pf_image *image = process->modules[k].image;
    bool counted = image == NULL;
    for (uint32_t other = 0; other < k; other++) counted = counted || process->modules[other].image == image;
    if (counted) continue;
    pf_stats one;
    pf_image_stats(image, &one);
    stats->bytes_mapped += one.bytes_mapped;
    stats->bytes_copied += one.bytes_copied;
    stats->words_verified += one.words_verified;
    stats->functions_verified += one.functions_verified;
    stats->rows_read += one.rows_read;
    stats->blocks_checked += one.blocks_checked;
    stats->nodes_checked += one.nodes_checked;
  }
}
