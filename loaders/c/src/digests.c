// See digests.h. What was found is kept in two bits for each block and node, on pages that are touched as blocks are checked. Relaxed
// order is enough: a bit publishes nothing but itself, and two threads that check one block at once find the same.
#include "digests.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "sha256.h"

// As many as the tree of the longest file has.
enum { MOST_LEVELS = 3, BLOCK_LOG2 = 12, NODE_LOG2 = 7, BITS = 32 };
_Static_assert(PF_DIGEST_BLOCK_LENGTH == 1 << BLOCK_LOG2 && PF_DIGEST_NODE_COUNT == 1 << NODE_LOG2, "powers of two");
_Static_assert(PF_DIGEST_LENGTH == PF_SHA256_LENGTH, "the digest is SHA-256");
_Static_assert(PF_MAX_FILE_LENGTH >> BLOCK_LOG2 <= 1u << NODE_LOG2 * MOST_LEVELS, "levels");

typedef struct level {
  uint32_t start;  // its first digest in the section
  uint32_t count;  // its digests
  uint32_t nodes;
  uint32_t bit;    // of its first node
} level;

struct pf_digests {
  uint32_t block_count;
  unsigned level_count;
  level levels[MOST_LEVELS];
  // One mapping; the second half is `corrupt`.
  _Atomic uint32_t *good;
  _Atomic uint32_t *corrupt;
  size_t mapped;
  _Atomic uint64_t blocks_checked, nodes_checked;
};

static bool has(_Atomic uint32_t *bits, uint32_t k) {
  return atomic_load_explicit(&bits[k / BITS], memory_order_relaxed) >> k % BITS & 1;
}

static void set(_Atomic uint32_t *bits, uint32_t k) {
  atomic_fetch_or_explicit(&bits[k / BITS], UINT32_C(1) << k % BITS, memory_order_relaxed);
}

static const uint8_t *digest_at(const pf_image *image, uint32_t index) {
  return image->tree.bytes + (size_t)index * PF_DIGEST_LENGTH;
}

static bool hash_fits(pf_sha256 *hash, const uint8_t *expected) {
  uint8_t digest[PF_SHA256_LENGTH];
  pf_sha256_add_zeros(hash, (size_t)(PF_DIGEST_BLOCK_LENGTH - hash->length));
  pf_sha256_end(hash, digest);
  return memcmp(digest, expected, sizeof digest) == 0;
}

static bool block_fits(const pf_image *image, uint32_t block) {
  uint32_t offset = block << BLOCK_LOG2;
  uint32_t left = image->tree.offset - offset;
  const uint8_t *bytes = image->bytes + offset;
  const uint8_t *end = bytes + (left < PF_DIGEST_BLOCK_LENGTH ? left : PF_DIGEST_BLOCK_LENGTH);
  pf_sha256 hash;
  pf_sha256_begin(&hash);
  if (block == 0) {
    // The root cannot cover itself.
    pf_sha256_add(&hash, bytes, PF_AT_HEADER_DIGEST_ROOT);
    pf_sha256_add_zeros(&hash, PF_DIGEST_LENGTH);
    bytes += PF_AT_HEADER_DIGEST_ROOT + PF_DIGEST_LENGTH;
  }
  pf_sha256_add(&hash, bytes, (size_t)(end - bytes));
  atomic_fetch_add_explicit(&image->digests->blocks_checked, 1, memory_order_relaxed);
  return hash_fits(&hash, digest_at(image, block));
}

static bool node_fits(const pf_image *image, unsigned depth, uint32_t node) {
  pf_digests *d = image->digests;
  const level *l = &d->levels[depth];
  uint32_t left = l->count - (node << NODE_LOG2);
  uint32_t count = left < PF_DIGEST_NODE_COUNT ? left : PF_DIGEST_NODE_COUNT;
  const uint8_t *expected = depth + 1 == d->level_count ? image->bytes + PF_AT_HEADER_DIGEST_ROOT
                                                        : digest_at(image, d->levels[depth + 1].start + node);
  pf_sha256 hash;
  pf_sha256_begin(&hash);
  pf_sha256_add(&hash, digest_at(image, l->start + (node << NODE_LOG2)), (size_t)count * PF_DIGEST_LENGTH);
  atomic_fetch_add_explicit(&d->nodes_checked, 1, memory_order_relaxed);
  return hash_fits(&hash, expected);
}

// Keeps what was found under a bit, and gives it back.
static bool keep(pf_digests *d, uint32_t bit, bool good) {
  set(good ? d->good : d->corrupt, bit);
  return good;
}

static pf_outcome check_node(const pf_image *image, unsigned depth, uint32_t node, bool anew, pf_error *error) {
  pf_digests *d = image->digests;
  const level *l = &d->levels[depth];
  uint32_t bit = l->bit + node;
  if (!anew && has(d->good, bit)) return PF_OK;
  if (!has(d->corrupt, bit) && keep(d, bit, node_fits(image, depth, node))) return PF_OK;
  return pf_fail(error, PF_CORRUPT, depth + 1 == d->level_count ? PF_RULE_INT_005 : PF_RULE_INT_004,
                 pf_offset_of(image, digest_at(image, l->start + (node << NODE_LOG2))),
                 "expected node %u of level %u to have its digest, got other bytes", node, depth);
}

static pf_outcome check_block(const pf_image *image, uint32_t block, bool anew, pf_error *error) {
  pf_digests *d = image->digests;
  if (!anew && has(d->good, block)) return PF_OK;
  if (!has(d->corrupt, block)) {
    // From the root downwards, so that each digest is trusted before it is compared with.
    for (unsigned depth = anew ? 0 : d->level_count; depth-- > 0;) {
      pf_outcome outcome = check_node(image, depth, block >> NODE_LOG2 * (depth + 1), false, error);
      if (outcome != PF_OK) return outcome;
    }
    if (keep(d, block, block_fits(image, block))) return PF_OK;
  }
  return pf_fail(error, PF_CORRUPT, PF_RULE_INT_003, (uint64_t)block << BLOCK_LOG2,
                 "expected block %u to have its digest, got other bytes", block);
}

pf_outcome pf_digests_check(const pf_image *image, uint64_t offset, uint64_t length, pf_error *error) {
  if (length == 0) return PF_OK;
  uint32_t last = (uint32_t)((offset + length - 1) >> BLOCK_LOG2);
  for (uint32_t block = (uint32_t)(offset >> BLOCK_LOG2); block <= last; block++) {
    pf_outcome outcome = check_block(image, block, false, error);
    if (outcome != PF_OK) return outcome;
  }
  return PF_OK;
}

bool pf_digests_known(const pf_image *image, uint64_t offset) {
  return has(image->digests->good, (uint32_t)(offset >> BLOCK_LOG2));
}

pf_outcome pf_digests_audit(const pf_image *image, pf_error *error) {
  pf_digests *d = image->digests;
  for (unsigned depth = d->level_count; depth-- > 0;) {
    for (uint32_t node = 0; node < d->levels[depth].nodes; node++) {
      pf_outcome outcome = check_node(image, depth, node, true, error);
      if (outcome != PF_OK) return outcome;
    }
  }
  for (uint32_t block = 0; block < d->block_count; block++) {
    pf_outcome outcome = check_block(image, block, true, error);
    if (outcome != PF_OK) return outcome;
  }
  return PF_OK;
}

// PF-INT-002. Gives the bits that the tree needs; looks at no byte of the file.
static pf_outcome lay_out(pf_image *image, uint32_t *bits, pf_error *error) {
  pf_digests *d = image->digests;
  d->block_count = (image->tree.offset - 1) / PF_DIGEST_BLOCK_LENGTH + 1;
  *bits = d->block_count;
  uint32_t start = 0;
  uint32_t count = d->block_count;
  for (;;) {
    uint32_t nodes = (count - 1) / PF_DIGEST_NODE_COUNT + 1;
    d->levels[d->level_count++] = (level){start, count, nodes, *bits};
    start += count;
    *bits += nodes;
    if (nodes == 1) break;
    count = nodes;
  }
  if (image->tree.length == (uint64_t)start * PF_DIGEST_LENGTH) return PF_OK;
  // The digests are the last entry of the directory.
  uint32_t at = PF_HEADER_SIZE + (image->section_count - 1) * PF_SIZEOF_SECTION + PF_AT_SECTION_LENGTH;
  return pf_fail(error, PF_MALFORMED, PF_RULE_INT_002, at, "expected digests of %u bytes for %u blocks, got %u",
                 start * PF_DIGEST_LENGTH, d->block_count, image->tree.length);
}

pf_outcome pf_digests_open(pf_image *image, pf_error *error) {
  uint32_t bits = 0;
  image->digests = calloc(1, sizeof *image->digests);
  if (image->digests == NULL) return pf_fail(error, PF_IO_ERROR, NULL, PF_NO_OFFSET, "no memory");
  pf_outcome outcome = lay_out(image, &bits, error);
  if (outcome != PF_OK) return outcome;
  size_t words = ((size_t)bits + BITS - 1) / BITS;
  size_t mapped = 2 * words * sizeof(uint32_t);
  void *found = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (found == MAP_FAILED) return pf_fail(error, PF_IO_ERROR, NULL, PF_NO_OFFSET, "no memory for digests: %s", strerror(errno));
  image->digests->mapped = mapped;
  image->digests->good = found;
  image->digests->corrupt = image->digests->good + words;
  pf_guard guard;
  if (PF_GUARDED(&guard, &image->range, 1)) {
    pf_outcome checked = pf_digests_check(image, 0, PF_HEADER_SIZE + (uint64_t)image->section_count * PF_SIZEOF_SECTION, error);
    pf_guard_leave(&guard);
    return checked;
  }
  return pf_fail_lost(error, pf_offset_of(image, guard.address));
}

void pf_digests_close(pf_image *image) {
  if (image->digests == NULL) return;
  if (image->digests->mapped != 0) munmap((void *)(uintptr_t)image->digests->good, image->digests->mapped);
  free(image->digests);
  image->digests = NULL;
}

void pf_digests_stats(const pf_image *image, pf_stats *stats) {
  if (image->digests == NULL) return;
  stats->blocks_checked = atomic_load_explicit(&image->digests->blocks_checked, memory_order_relaxed);
  stats->nodes_checked = atomic_load_explicit(&image->digests->nodes_checked, memory_order_relaxed);
}
