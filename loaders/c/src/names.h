// Names: ranges of the strings section, and the search for an export. Assumes a good image; promises that a row which
// breaks a rule about names is never found, and that an unsorted table costs a wrong answer at most.
#ifndef PF_NAMES_H
#define PF_NAMES_H

#include "image.h"

typedef struct pf_name {
  const uint8_t *bytes;
  uint32_t length;
} pf_name;

// Negative, zero or positive as the first name stands before, at or after the second.
static inline int pf_compare_names(const uint8_t *x, size_t x_length, const uint8_t *y, size_t y_length) {
  size_t common = x_length < y_length ? x_length : y_length;
  int order = common == 0 ? 0 : memcmp(x, y, common);
  if (order != 0) return order;
  return x_length < y_length ? -1 : x_length > y_length;
}

// Reads the reference to a name at `field` and checks it.
pf_outcome pf_read_name(const pf_image *image, const uint8_t *field, pf_name *name, pf_error *error);

// Finds the export of a name by binary search in place, if there is one. Fails if damage leaves it open (PF-INT-015).
pf_outcome pf_find_export(pf_image *image, const uint8_t *name, size_t length, bool *found, uint32_t *index, pf_error *error);

// Checks what PF-SEC-008 to PF-SEC-012 say of an export row, its name aside.
pf_outcome pf_check_export(const pf_image *image, uint32_t index, pf_error *error);

// The same for a row that a look-up found, with the digests of what it names.
pf_outcome pf_check_found(const pf_image *image, uint32_t index, pf_error *error);

// Checks the digests of a name's bytes.
pf_outcome pf_check_name(const pf_image *image, const pf_name *name, pf_error *error);

// Checks what PF-FIX-024 says of an import row, and reads its names.
pf_outcome pf_check_import(const pf_image *image, uint32_t index, pf_name *module, pf_name *name, pf_error *error);

// The length of a segment of an image.
uint32_t pf_segment_length(const pf_image *image, unsigned segment);

#endif
