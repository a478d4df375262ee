// Checks a whole file: what open and link check, what needs a scan, and every function. Assumes a good image; promises a
// malformed finding before an invalid one, and that before a corrupt one. No other part of the loader relies on it.
#include <stdlib.h>

#include "digests.h"
#include "names.h"
#include "utf8.h"
#include "verify.h"

typedef struct reference {
  uint32_t offset;
  uint32_t length;
  uint32_t at;  // of the field that refers
} reference;

static int by_place(const void *x, const void *y) {
  const reference *a = x;
  const reference *b = y;
  if (a->offset != b->offset) return a->offset < b->offset ? -1 : 1;
  if (a->length != b->length) return a->length < b->length ? -1 : 1;
  return 0;
}

static reference refer(const pf_image *image, const uint8_t *field, const pf_name *name) {
  return (reference){(uint32_t)(name->bytes - image->strings.bytes), name->length, (uint32_t)pf_offset_of(image, field)};
}

static pf_outcome check_gaps(const pf_image *image, pf_error *error) {
  uint32_t end = PF_HEADER_SIZE + image->section_count * PF_SIZEOF_SECTION;
  for (uint32_t k = 0; k < image->section_count; k++) {
    const uint8_t *entry = image->bytes + PF_HEADER_SIZE + (size_t)k * PF_SIZEOF_SECTION;
    uint32_t offset = pf_u4(entry + PF_AT_SECTION_OFFSET, image->foreign);
    for (uint32_t at = end; at < offset; at++) {
      if (image->bytes[at] == 0) continue;
      return pf_fail(error, PF_MALFORMED, PF_RULE_DIR_009, at, "expected 0 between sections, got 0x%02x", image->bytes[at]);
    }
    end = offset + pf_u4(entry + PF_AT_SECTION_LENGTH, image->foreign);
  }
  return PF_OK;
}

static pf_outcome check_rows(const pf_image *image, reference *references, size_t *count, pf_error *error) {
  pf_name name = {NULL, 0};
  for (uint32_t k = 0; k < image->import_count; k++) {
    const uint8_t *row = pf_import_row(image, k);
    pf_name module;
    pf_outcome outcome = pf_check_import(image, k, &module, &name, error);
    if (outcome != PF_OK) return outcome;
    references[(*count)++] = refer(image, row + PF_AT_IMPORT_ROW_MODULE_OFFSET, &module);
    references[(*count)++] = refer(image, row + PF_AT_IMPORT_ROW_NAME_OFFSET, &name);
  }
  pf_name last = {NULL, 0};
  for (uint32_t k = 0; k < image->export_count; k++) {
    const uint8_t *row = pf_export_row(image, k);
    pf_outcome outcome = pf_read_name(image, row + PF_AT_EXPORT_ROW_NAME_OFFSET, &name, error);
    if (outcome == PF_OK) outcome = pf_check_export(image, k, error);
    if (outcome != PF_OK) return outcome;
    if (k > 0 && pf_compare_names(last.bytes, last.length, name.bytes, name.length) >= 0) {
      return pf_fail(error, PF_MALFORMED, PF_RULE_SEC_007, pf_offset_of(image, row),
                     "expected export names to ascend, got one that does not");
    }
    references[(*count)++] = refer(image, row + PF_AT_EXPORT_ROW_NAME_OFFSET, &name);
    last = name;
  }
  return PF_OK;
}

// The distinct ranges, by place, have to tile the section, with names that ascend.
static pf_outcome check_strings(const pf_image *image, reference *references, size_t count, pf_error *error) {
  qsort(references, count, sizeof *references, by_place);
  const uint8_t *strings = image->strings.bytes;
  uint32_t end = 0;
  const reference *last = NULL;
  for (size_t k = 0; k < count; k++) {
    const reference *r = &references[k];
    if (last != NULL && r->offset == last->offset && r->length == last->length) continue;
    if (r->offset != end) {
      return pf_fail(error, PF_MALFORMED, PF_RULE_SEC_006, r->at, "expected the next name at %u of strings, got %u", end,
                     r->offset);
    }
    if (last != NULL &&
        pf_compare_names(strings + last->offset, last->length, strings + r->offset, r->length) >= 0) {
      return pf_fail(error, PF_MALFORMED, PF_RULE_SEC_006, r->at, "expected names to ascend, got one that does not");
    }
    if (!pf_is_utf8(strings + r->offset, r->length)) {
      return pf_fail(error, PF_MALFORMED, PF_RULE_SEC_005, r->at, "expected a name in UTF-8, got other bytes");
    }
    end = r->offset + r->length;
    last = r;
  }
  if (end != image->strings.length) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_SEC_006, (uint64_t)image->strings.offset + end,
                   "expected strings to end with the last name at %u, got %u bytes", end, image->strings.length);
  }
  return PF_OK;
}

static pf_outcome check_functions(pf_image *image, pf_error *error) {
  if (image->function_count > 0) {
    const uint8_t *row = pf_function_row(image, image->function_count - 1);
    uint32_t end = pf_u4(row + PF_AT_FUNCTION_ROW_CODE_END, image->foreign);
    if (end != image->word_count) {
      return pf_fail(error, PF_MALFORMED, PF_RULE_SEC_013, pf_offset_of(image, row),
                     "expected the last function to end at word %u, got %u", image->word_count, end);
    }
  }
  for (uint32_t k = 0; k < image->function_count; k++) {
    pf_outcome outcome = pf_judge_anyway(image, k, error);
    if (outcome != PF_OK) return outcome;
  }
  return PF_OK;
}

static pf_outcome audit(pf_image *image, reference *references, pf_error *error) {
  size_t count = 0;
  pf_outcome outcome = check_gaps(image, error);
  if (outcome == PF_OK) outcome = check_rows(image, references, &count, error);
  if (outcome == PF_OK) outcome = check_strings(image, references, count, error);
  if (outcome == PF_OK) outcome = check_functions(image, error);
  if (outcome == PF_OK && image->digests != NULL) outcome = pf_digests_audit(image, error);
  return outcome == PF_OK ? pf_succeed(error) : outcome;
}

pf_outcome pf_audit(pf_image *image, pf_error *error) {
  size_t most = 2 * (size_t)image->import_count + image->export_count + 1;
  reference *references = malloc(most * sizeof *references);
  if (references == NULL) return pf_fail(error, PF_IO_ERROR, NULL, PF_NO_OFFSET, "no memory");
  pf_guard guard;
  pf_outcome outcome;
  if (PF_GUARDED(&guard, &image->range, 1)) {
    outcome = audit(image, references, error);
    pf_guard_leave(&guard);
  } else {
    outcome = pf_fail_lost(error, pf_offset_of(image, guard.address));
  }
  free(references);
  return outcome;
}
