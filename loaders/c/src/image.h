// The first layer: a mapped file whose header and directory are good. Assumes nothing; promises that every section
// lies within the mapping, is aligned to its rows, and holds a whole number of them, no more than its limit.
#ifndef PF_IMAGE_H
#define PF_IMAGE_H

#include <stdatomic.h>

#include "bytes.h"
#include "error.h"
#include "fault.h"
#include "packfile.h"
#include "packfile_format.h"

typedef struct pf_part {
  const uint8_t *bytes;  // NULL when the file has no such section
  uint32_t offset;
  uint32_t length;
} pf_part;

typedef struct pf_digests pf_digests;  // see digests.h

enum { PF_UNJUDGED = 0, PF_GOOD = 1, PF_BAD = 2 };

struct pf_image {
  const uint8_t *bytes;
  uint32_t length;
  bool foreign;  // the file's order is not the host's
  bool big;
  uint8_t unit_log2;
  uint32_t entry;
  uint32_t bss_size;
  uint32_t section_count;
  pf_part functions, imports, exports, constants, strings, code, rodata, data, tree;
  uint32_t function_count, import_count, export_count, constant_count, word_count;
  // One byte for each function, zero pages until they are judged. Relaxed order is enough: a verdict
  // publishes nothing but itself, since what it judges never changes.
  _Atomic uint8_t *verdicts;
  pf_digests *digests;  // NULL when the file has none, or they are off
  int descriptor;  // kept only to map `data` again, else -1
  pf_range range;
  atomic_uint references;
  _Atomic uint64_t words_verified, functions_verified, rows_read, bytes_copied;
};

// One more owner. An image goes with its last one.
void pf_image_retain(pf_image *image);

// The offset in the file of a byte of the mapping.
static inline uint64_t pf_offset_of(const pf_image *image, const uint8_t *byte) {
  return (uint64_t)(byte - image->bytes);
}

// What to answer when a page of the file was gone.
pf_outcome pf_fail_lost(pf_error *error, uint64_t offset);

static inline const uint8_t *pf_function_row(const pf_image *image, uint32_t index) {
  return image->functions.bytes + (size_t)index * PF_SIZEOF_FUNCTION_ROW;
}

static inline const uint8_t *pf_import_row(const pf_image *image, uint32_t index) {
  return image->imports.bytes + (size_t)index * PF_SIZEOF_IMPORT_ROW;
}

static inline const uint8_t *pf_export_row(const pf_image *image, uint32_t index) {
  return image->exports.bytes + (size_t)index * PF_SIZEOF_EXPORT_ROW;
}

#endif
