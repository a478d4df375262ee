// See names.h.
#include "names.h"

#include "digests.h"

pf_outcome pf_read_name(const pf_image *image, const uint8_t *field, pf_name *name, pf_error *error) {
  uint32_t offset = pf_u4(field, image->foreign);
  uint32_t length = pf_u4(field + sizeof(uint32_t), image->foreign);
  uint32_t size = image->strings.length;
  if (offset > size || length > size - offset) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_SEC_003, pf_offset_of(image, field),
                   "expected a name within %u bytes, got %u from %u", size, length, offset);
  }
  if (length == 0) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_SEC_004, pf_offset_of(image, field), "expected a name, got an empty one");
  }
  if (length > PF_MAX_NAME_LENGTH) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_LIM_005, pf_offset_of(image, field),
                   "expected a name of at most %u bytes, got %u", PF_MAX_NAME_LENGTH, length);
  }
  name->bytes = image->strings.bytes + offset;
  name->length = length;
  return PF_OK;
}

pf_outcome pf_check_name(const pf_image *image, const pf_name *name, pf_error *error) {
  return pf_check_bytes(image, name->bytes, name->length, error);
}

// How row `index` stands to a name, or that it is corrupt.
static pf_outcome compare_export(pf_image *image, uint32_t index, const uint8_t *name, size_t length, int *order,
                                 pf_error *error) {
  const uint8_t *row = pf_export_row(image, index);
  pf_name found = {NULL, 0};
  atomic_fetch_add_explicit(&image->rows_read, 1, memory_order_relaxed);
  pf_outcome outcome = pf_check_bytes(image, row, PF_SIZEOF_EXPORT_ROW, error);
  if (outcome != PF_OK) return outcome;
  *order = -1;
  if (pf_read_name(image, row + PF_AT_EXPORT_ROW_NAME_OFFSET, &found, NULL) != PF_OK) return PF_OK;
  outcome = pf_check_name(image, &found, error);
  if (outcome == PF_OK) *order = pf_compare_names(found.bytes, found.length, name, length);
  return outcome;
}

// The same for the row nearest to the middle of a range that is not corrupt.
static pf_outcome compare_nearest(pf_image *image, uint32_t low, uint32_t high, uint32_t *index, const uint8_t *name,
                                  size_t length, int *order, pf_error *error) {
  uint32_t middle = low + (high - low) / 2;
  *index = middle;
  pf_outcome outcome = compare_export(image, middle, name, length, order, error);
  for (uint32_t away = 1; outcome != PF_OK && away <= middle - low; away++) {
    *index = middle - away;
    outcome = compare_export(image, *index, name, length, order, NULL);
    if (outcome == PF_OK || away >= high - middle) continue;
    *index = middle + away;
    outcome = compare_export(image, *index, name, length, order, NULL);
  }
  return outcome;
}

pf_outcome pf_find_export(pf_image *image, const uint8_t *name, size_t length, bool *found, uint32_t *index, pf_error *error) {
  uint32_t low = 0;
  uint32_t high = image->export_count;
  *found = false;
  while (low < high) {
    uint32_t row;
    int order;
    pf_outcome outcome = compare_nearest(image, low, high, &row, name, length, &order, error);
    if (outcome != PF_OK) return outcome;
    if (order == 0) {
      *index = row;
      *found = true;
      return PF_OK;
    }
    if (order < 0) {
      low = row + 1;
    } else {
      high = row;
    }
  }
  return PF_OK;
}

uint32_t pf_segment_length(const pf_image *image, unsigned segment) {
  switch (segment) {
    case PF_SEGMENT_RODATA: return image->rodata.length;
    case PF_SEGMENT_DATA: return image->data.length;
    case PF_SEGMENT_BSS: return image->bss_size;
    default: return 0;
  }
}

pf_outcome pf_check_export(const pf_image *image, uint32_t index, pf_error *error) {
  const uint8_t *row = pf_export_row(image, index);
  uint64_t at = pf_offset_of(image, row);
  uint8_t kind = row[PF_AT_EXPORT_ROW_KIND];
  uint8_t segment = row[PF_AT_EXPORT_ROW_SEGMENT];
  uint32_t reserved = pf_u2(row + PF_AT_EXPORT_ROW_RESERVED, image->foreign);
  uint32_t position = pf_u4(row + PF_AT_EXPORT_ROW_POSITION, image->foreign);
  uint32_t size = pf_u4(row + PF_AT_EXPORT_ROW_SIZE, image->foreign);
  if (kind != PF_IMPORT_KIND_FUNCTION && kind != PF_IMPORT_KIND_DATA) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_SEC_008, at + PF_AT_EXPORT_ROW_KIND, "expected kind 1 or 2, got %u", kind);
  }
  bool function = kind == PF_IMPORT_KIND_FUNCTION;
  if (function ? segment != PF_SEGMENT_NONE : segment < PF_SEGMENT_RODATA || segment > PF_SEGMENT_BSS) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_SEC_009, at + PF_AT_EXPORT_ROW_SEGMENT, "expected segment %s, got %u",
                   function ? "0" : "1, 2 or 3", segment);
  }
  if (reserved != 0) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_SEC_010, at + PF_AT_EXPORT_ROW_RESERVED, "expected reserved 0, got %u",
                   reserved);
  }
  if (function) {
    if (position >= image->function_count || size != 0) {
      return pf_fail(error, PF_MALFORMED, PF_RULE_SEC_011, at + PF_AT_EXPORT_ROW_POSITION,
                     "expected a function below %u of size 0, got %u of size %u", image->function_count, position, size);
    }
    return PF_OK;
  }
  uint32_t length = pf_segment_length(image, segment);
  if (position > length || size > length - position) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_SEC_012, at + PF_AT_EXPORT_ROW_POSITION,
                   "expected data within a segment of %u bytes, got %u from %u", length, size, position);
  }
  return PF_OK;
}

pf_outcome pf_check_found(const pf_image *image, uint32_t index, pf_error *error) {
  pf_outcome outcome = pf_check_export(image, index, error);
  const uint8_t *row = pf_export_row(image, index);
  if (outcome != PF_OK || row[PF_AT_EXPORT_ROW_KIND] != PF_IMPORT_KIND_FUNCTION) return outcome;
  return pf_check_function_row(image, pf_u4(row + PF_AT_EXPORT_ROW_POSITION, image->foreign), error);
}

pf_outcome pf_check_import(const pf_image *image, uint32_t index, pf_name *module, pf_name *name, pf_error *error) {
  const uint8_t *row = pf_import_row(image, index);
  uint64_t at = pf_offset_of(image, row);
  uint8_t kind = row[PF_AT_IMPORT_ROW_KIND];
  uint8_t binding = row[PF_AT_IMPORT_ROW_BINDING];
  uint32_t reserved = pf_u2(row + PF_AT_IMPORT_ROW_RESERVED, image->foreign);
  if (kind != PF_IMPORT_KIND_FUNCTION && kind != PF_IMPORT_KIND_DATA) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_FIX_001, at + PF_AT_IMPORT_ROW_KIND, "expected kind 1 or 2, got %u", kind);
  }
  if (binding < PF_BINDING_EAGER || binding > PF_BINDING_WEAK) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_FIX_002, at + PF_AT_IMPORT_ROW_BINDING, "expected binding 1, 2 or 3, got %u",
                   binding);
  }
  if (reserved != 0) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_FIX_003, at + PF_AT_IMPORT_ROW_RESERVED, "expected reserved 0, got %u",
                   reserved);
  }
  pf_outcome outcome = pf_read_name(image, row + PF_AT_IMPORT_ROW_MODULE_OFFSET, module, error);
  if (outcome != PF_OK) return outcome;
  return pf_read_name(image, row + PF_AT_IMPORT_ROW_NAME_OFFSET, name, error);
}
