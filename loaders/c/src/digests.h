// Between image and all that reads one: the digest tree of a file, by which bytes are checked before their first use. Assumes a good directory;
// promises that bytes which passed had, when they were read, the digests that the root stands for. What was found of
// a block stays found, good or corrupt. Files without digests have no tree, and a check of them is a look at one pointer.
#ifndef PF_DIGESTS_H
#define PF_DIGESTS_H

#include "image.h"

// Makes the tree of a file that has one, and checks PF-INT-002, then the root, header and directory (PF-INT-006). Guards the mapping
// itself. A tree that failed is the image's to dispose of.
pf_outcome pf_digests_open(pf_image *image, pf_error *error);
void pf_digests_close(pf_image *image);

// Checks the blocks of a range of the file, which lies before the digests. The caller guards the mapping.
pf_outcome pf_digests_check(const pf_image *image, uint64_t offset, uint64_t length, pf_error *error);

// Whether the block of a byte was found good; looks at no byte of the file.
bool pf_digests_known(const pf_image *image, uint64_t offset);

// Checks every node and every block anew, whatever was found of them before.
pf_outcome pf_digests_audit(const pf_image *image, pf_error *error);

void pf_digests_stats(const pf_image *image, pf_stats *stats);

// Checks bytes of the mapping, if the file has digests and they are on.
static inline pf_outcome pf_check_bytes(const pf_image *image, const uint8_t *bytes, size_t length, pf_error *error) {
  return image->digests == NULL ? PF_OK : pf_digests_check(image, pf_offset_of(image, bytes), length, error);
}

static inline pf_outcome pf_check_function_row(const pf_image *image, uint32_t index, pf_error *error) {
  return pf_check_bytes(image, pf_function_row(image, index), PF_SIZEOF_FUNCTION_ROW, error);
}

#endif
