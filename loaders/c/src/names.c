// See names.h.
#include "names.h"

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

bool pf_find_export(pf_image *image, const uint8_t *name, size_t length, uint32_t *index) {
  uint32_t low = 0;
  uint32_t high = image->export_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    pf_name found = {NULL, 0};
    atomic_fetch_add_explicit(&image->rows_read, 1, memory_order_relaxed);
    int order = -1;
    if (pf_read_name(image, pf_export_row(image, middle) + PF_AT_EXPORT_ROW_NAME_OFFSET, &found, NULL) == PF_OK) {
      order = pf_compare_names(found.bytes, found.length, name, length);
    }
    if (order == 0) {
      *index = middle;
      return true;
    }
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return false;
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
