// The second layer: judges one function by its row, its words, and the signatures that rows declare. Assumes a good
// image; promises that a good function needs no checks while it runs but those of the instruction table, nor any of digests but
// those of rodata and data (PF-INT-009).
#ifndef PF_VERIFY_H
#define PF_VERIFY_H

#include "image.h"

// Judges function `index`, which is below the number of rows, and keeps the verdict. The caller guards the mapping.
pf_outcome pf_judge(pf_image *image, uint32_t index, pf_error *error);

// The same for an audit, which puts other rules before digests: checks none of them, and then keeps no verdict.
pf_outcome pf_judge_anyway(pf_image *image, uint32_t index, pf_error *error);

// The word of the code section at which a function begins.
static inline uint32_t pf_function_start(const pf_image *image, uint32_t index) {
  return index == 0 ? 0 : pf_u4(pf_function_row(image, index - 1) + PF_AT_FUNCTION_ROW_CODE_END, image->foreign);
}

static inline uint32_t pf_function_signature(const pf_image *image, uint32_t index) {
  return pf_u4(pf_function_row(image, index) + PF_AT_FUNCTION_ROW_SIGNATURE, image->foreign);
}

#endif
