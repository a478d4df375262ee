// See link.h.
#include "link.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "digests.h"
#include "names.h"
#include "verify.h"

enum { STACK_DEFAULT = 256 << 20, STACK_LEAST = 32 << 20 };

// What a look-up found.
typedef struct found {
  bool present;
  bool matches;
  pf_slot slot;
} found;

pf_module *pf_find_module(pf_process *process, const uint8_t *name, size_t length) {
  for (uint32_t k = 0; k < process->module_count; k++) {
    pf_module *module = &process->modules[k];
    if (module->name_length == length && (length == 0 || memcmp(module->name, name, length) == 0)) return module;
  }
  return NULL;
}

static pf_outcome no_memory(pf_error *error) { return pf_fail(error, PF_IO_ERROR, NULL, PF_NO_OFFSET, "no memory"); }

static void look_up_host(pf_module *module, const pf_name *name, uint8_t kind, uint32_t requirement, found *result) {
  uint32_t index;
  if (!pf_host_find(module->host, name->bytes, name->length, &index)) return;
  result->present = true;
  result->matches = kind == PF_IMPORT_KIND_FUNCTION && module->host->entries[index].signature == requirement;
  result->slot = (pf_slot){NULL, NULL, NULL, pf_reference(module->position, index), index, PF_SLOT_HOST};
}

static pf_outcome look_up_image(pf_module *module, const pf_name *name, uint8_t kind, uint32_t requirement, found *result,
                                pf_error *error) {
  pf_image *image = module->image;
  uint32_t index;
  pf_outcome outcome = pf_find_export(image, name->bytes, name->length, &result->present, &index, error);
  if (outcome != PF_OK || !result->present) return outcome;
  outcome = pf_check_found(image, index, error);
  if (outcome != PF_OK) return outcome;
  const uint8_t *row = pf_export_row(image, index);
  uint32_t position = pf_u4(row + PF_AT_EXPORT_ROW_POSITION, image->foreign);
  if (row[PF_AT_EXPORT_ROW_KIND] != kind) return PF_OK;
  if (kind == PF_IMPORT_KIND_FUNCTION) {
    result->matches = pf_function_signature(image, position) == requirement;
    result->slot = (pf_slot){NULL, NULL, NULL, pf_reference(module->position, position), position, PF_SLOT_FUNCTION};
  } else {
    result->matches = pf_u4(row + PF_AT_EXPORT_ROW_SIZE, image->foreign) >= requirement;
    uint64_t base = pf_segment_base(module->position, row[PF_AT_EXPORT_ROW_SEGMENT]);
    result->slot = (pf_slot){NULL, NULL, NULL, base + position, 0, PF_SLOT_DATA};
  }
  return PF_OK;
}

static pf_outcome unlinkable(const pf_image *image, const uint8_t *row, const char *rule, const pf_name *module,
                             const pf_name *name, const char *got, pf_error *error) {
  char shown_module[64];
  char shown_name[64];
  return pf_fail(error, PF_UNLINKABLE, rule, pf_offset_of(image, row), "expected %s.%s as the import states, got %s",
                 pf_escape(shown_module, sizeof shown_module, module->bytes, module->length),
                 pf_escape(shown_name, sizeof shown_name, name->bytes, name->length), got);
}

static pf_outcome fill_slot(pf_process *process, pf_module *module, uint32_t index, pf_error *error) {
  pf_image *image = module->image;
  const uint8_t *row = pf_import_row(image, index);
  pf_name module_name;
  pf_name name;
  pf_outcome outcome = pf_check_bytes(image, row, PF_SIZEOF_IMPORT_ROW, error);
  if (outcome == PF_OK) outcome = pf_check_import(image, index, &module_name, &name, error);
  if (outcome == PF_OK) outcome = pf_check_name(image, &module_name, error);
  if (outcome == PF_OK) outcome = pf_check_name(image, &name, error);
  if (outcome != PF_OK) return outcome;
  uint8_t kind = row[PF_AT_IMPORT_ROW_KIND];
  uint8_t binding = row[PF_AT_IMPORT_ROW_BINDING];
  uint32_t requirement = pf_u4(row + PF_AT_IMPORT_ROW_REQUIREMENT, image->foreign);
  found result = {false, false, {NULL, NULL, NULL, 0, 0, PF_SLOT_MISMATCHED}};
  pf_module *exporter = pf_find_module(process, module_name.bytes, module_name.length);
  if (exporter != NULL && exporter->host != NULL) {
    look_up_host(exporter, &name, kind, requirement, &result);
  } else if (exporter != NULL) {
    outcome = look_up_image(exporter, &name, kind, requirement, &result, error);
    if (outcome != PF_OK && binding != PF_BINDING_LAZY) return outcome;
  }
  pf_slot *slot = &module->slots[index];
  if (outcome == PF_CORRUPT) {
    slot->state = PF_SLOT_CORRUPT;
    return PF_OK;
  }
  if (result.matches) {
    *slot = result.slot;
    return PF_OK;
  }
  if (result.present && binding != PF_BINDING_LAZY) {
    return unlinkable(image, row, binding == PF_BINDING_EAGER ? PF_RULE_FIX_008 : PF_RULE_FIX_013, &module_name, &name,
                      "one of another kind, signature or a lesser size", error);
  }
  if (!result.present && binding == PF_BINDING_EAGER) {
    return unlinkable(image, row, PF_RULE_FIX_007, &module_name, &name, exporter == NULL ? "no such module" : "no such export",
                      error);
  }
  uint32_t missing = binding == PF_BINDING_WEAK ? PF_SLOT_WEAK_MISSING : PF_SLOT_LAZY_MISSING;
  *slot = (pf_slot){NULL, NULL, NULL, 0, 0, result.present ? PF_SLOT_MISMATCHED : missing};
  return PF_OK;
}

static pf_outcome fill_slots(pf_process *process, pf_error *error) {
  for (uint32_t k = 0; k < process->module_count; k++) {
    pf_module *module = &process->modules[k];
    if (module->image == NULL) continue;
    atomic_fetch_add_explicit(&module->image->rows_read, module->image->import_count, memory_order_relaxed);
    for (uint32_t row = 0; row < module->image->import_count; row++) {
      pf_outcome outcome = fill_slot(process, module, row, error);
      if (outcome != PF_OK) return outcome;
    }
  }
  return PF_OK;
}

static void *map_zeros(size_t length) {
  void *bytes = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return bytes == MAP_FAILED ? NULL : bytes;
}

// Whether the host's pages let `data` be mapped a second time, on its own.
static bool can_map_data(const pf_image *image) {
  long page = sysconf(_SC_PAGESIZE);
  return page > 0 && image->data.offset % (uint32_t)page == 0;
}

static void add_segment(pf_process *process, const pf_module *module, unsigned which, void *bytes, uint32_t size, bool writable) {
  uint64_t index = (uint64_t)module->position * PF_SEGMENTS_OF_MODULE + which;
  const pf_image *image = module->image;
  bool hashed = image->digests != NULL && which != PF_SEGMENT_BSS;
  uint32_t offset = which == PF_SEGMENT_RODATA ? image->rodata.offset : image->data.offset;
  process->extents[index] = (pf_extent){size, writable, offset, hashed ? image : NULL};
  process->segments[index] = (pf_segment){bytes, hashed ? 0 : size, hashed || !writable ? 0 : size};
}

static pf_outcome add_segments(pf_process *process, pf_module *module, uint64_t *bss_left, pf_error *error) {
  pf_image *image = module->image;
  if (image->rodata.bytes != NULL) {
    add_segment(process, module, PF_SEGMENT_RODATA, (void *)(uintptr_t)image->rodata.bytes, image->rodata.length, false);
  }
  if (image->data.bytes != NULL) {
    void *bytes;
    if (can_map_data(image)) {
      bytes = mmap(NULL, image->data.length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, image->descriptor,
                   image->data.offset);
      if (bytes == MAP_FAILED) bytes = NULL;
    } else {
      bytes = map_zeros(image->data.length);
    }
    if (bytes == NULL) return no_memory(error);
    add_segment(process, module, PF_SEGMENT_DATA, bytes, image->data.length, true);
    process->ranges[process->range_count++] = (pf_range){bytes, image->data.length};
  }
  if (image->bss_size != 0) {
    void *bytes = image->bss_size <= *bss_left ? map_zeros(image->bss_size) : NULL;
    if (bytes == NULL) {
      return pf_fail(error, PF_EXHAUSTED, PF_RULE_LIM_010, PF_AT_HEADER_BSS_SIZE, "expected memory for %u bytes of bss, got none",
                     image->bss_size);
    }
    add_segment(process, module, PF_SEGMENT_BSS, bytes, image->bss_size, true);
    *bss_left -= image->bss_size;
  }
  return PF_OK;
}

static pf_outcome add_module(pf_process *process, const pf_member *member, uint64_t *bss_left, pf_error *error) {
  pf_module *module = &process->modules[process->module_count];
  module->position = process->module_count;
  module->name = malloc(member->name_length + 1);
  if (module->name == NULL) return no_memory(error);
  if (member->name_length > 0) memcpy(module->name, member->name, member->name_length);
  module->name_length = member->name_length;
  // From here on the module is the process's to dispose of.
  process->module_count++;
  if (member->host != NULL) {
    pf_host_retain(member->host);
    module->host = member->host;
    module->function_count = member->host->count;
    return PF_OK;
  }
  pf_image *image = member->image;
  pf_image_retain(image);
  module->image = image;
  module->code = image->code.bytes;
  module->functions = image->functions.bytes;
  module->verdicts = image->verdicts;
  module->constants = image->constants.bytes;
  module->function_count = image->function_count;
  module->foreign = image->foreign;
  process->ranges[process->range_count++] = image->range;
  if (image->import_count > 0) {
    module->slots = calloc(image->import_count, sizeof *module->slots);
    if (module->slots == NULL) return no_memory(error);
  }
  return add_segments(process, module, bss_left, error);
}

static pf_outcome check_members(const pf_member *members, size_t count, pf_error *error) {
  if (count > PF_MAX_MODULES) {
    return pf_fail(error, PF_UNLINKABLE, PF_RULE_LIM_007, PF_NO_OFFSET, "expected at most %u modules, got %zu", PF_MAX_MODULES,
                   count);
  }
  for (size_t k = 0; k < count; k++) {
    if ((members[k].image == NULL) == (members[k].host == NULL)) {
      return pf_fail(error, PF_MISUSE, NULL, PF_NO_OFFSET, "expected an image or a host module, got both or neither");
    }
    for (size_t other = 0; other < k; other++) {
      if (members[k].name_length == members[other].name_length &&
          (members[k].name_length == 0 || memcmp(members[k].name, members[other].name, members[k].name_length) == 0)) {
        char shown[64];
        return pf_fail(error, PF_UNLINKABLE, PF_RULE_FIX_004, PF_NO_OFFSET, "expected names that differ, got %s twice",
                       pf_escape(shown, sizeof shown, (const uint8_t *)members[k].name, members[k].name_length));
      }
    }
  }
  return PF_OK;
}

static pf_process *make_process(size_t count, const pf_limits *limits) {
  pf_process *process = calloc(1, sizeof *process);
  if (process == NULL) return NULL;
  process->segment_count = (uint32_t)count * PF_SEGMENTS_OF_MODULE + 1;
  process->modules = calloc(count + 1, sizeof *process->modules);
  process->segments = calloc(process->segment_count, sizeof *process->segments);
  process->extents = calloc(process->segment_count, sizeof *process->extents);
  process->ranges = calloc(2 * count + 1, sizeof *process->ranges);
  process->stack_bytes = limits != NULL && limits->stack_bytes != 0 ? limits->stack_bytes : STACK_DEFAULT;
  if (process->stack_bytes < STACK_LEAST) process->stack_bytes = STACK_LEAST;
  if (process->modules == NULL || process->segments == NULL || process->extents == NULL || process->ranges == NULL) {
    pf_process_close(process);
    return NULL;
  }
  return process;
}

// What reads the files while linking: the fixups, and `data` where it could not be mapped.
static pf_outcome read_files(pf_process *process, pf_error *error) {
  pf_guard guard;
  if (PF_GUARDED(&guard, process->ranges, process->range_count)) {
    for (uint32_t k = 0; k < process->module_count; k++) {
      pf_image *image = process->modules[k].image;
      if (image == NULL || image->data.bytes == NULL || can_map_data(image)) continue;
      memcpy(process->segments[k * PF_SEGMENTS_OF_MODULE + PF_SEGMENT_DATA].bytes, image->data.bytes, image->data.length);
      atomic_fetch_add_explicit(&image->bytes_copied, image->data.length, memory_order_relaxed);
    }
    pf_outcome outcome = fill_slots(process, error);
    pf_guard_leave(&guard);
    return outcome;
  }
  return pf_fail_lost(error, PF_NO_OFFSET);
}

pf_outcome pf_link(const pf_member *members, size_t count, const pf_limits *limits, pf_process **result, pf_error *error) {
  *result = NULL;
  pf_outcome outcome = check_members(members, count, error);
  if (outcome != PF_OK) return outcome;
  pf_process *process = make_process(count, limits);
  if (process == NULL) return no_memory(error);
  uint64_t bss_left = limits != NULL && limits->bss_total != 0 ? limits->bss_total : UINT64_MAX;
  for (size_t k = 0; k < count && outcome == PF_OK; k++) outcome = add_module(process, &members[k], &bss_left, error);
  if (outcome == PF_OK) outcome = read_files(process, error);
  if (outcome != PF_OK) {
    pf_process_close(process);
    return outcome;
  }
  *result = process;
  return pf_succeed(error);
}

void pf_process_close(pf_process *process) {
  if (process == NULL) return;
  for (uint32_t k = 0; k < process->module_count; k++) {
    pf_module *module = &process->modules[k];
    pf_segment *segments = process->segments + 1 + (size_t)k * PF_SEGMENTS_OF_MODULE;
    const pf_extent *extents = process->extents + 1 + (size_t)k * PF_SEGMENTS_OF_MODULE;
    if (segments[1].bytes != NULL) munmap(segments[1].bytes, extents[1].size);
    if (segments[2].bytes != NULL) munmap(segments[2].bytes, extents[2].size);
    free(module->slots);
    free(module->name);
    pf_image_close(module->image);
    pf_host_close(module->host);
  }
  if (process->stack != NULL) munmap(process->stack, process->stack_bytes);
  free(process->modules);
  free(process->segments);
  free(process->extents);
  free(process->ranges);
  free(process);
}
