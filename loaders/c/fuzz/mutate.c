// `pf-mutate`: makes damaged copies of good files in memory and runs the harness on each. Assumes good seeds; promises the same copies for
// the same seed, so that a finding can be repeated with `--only`.
#include <string.h>

#include "../src/packfile_format.h"
#include "../src/sha256.h"
#include "files.h"
#include "harness.h"
#include "random.h"

typedef struct seed_file {
  uint8_t *bytes;
  size_t length;
} seed_file;

static void put_word(uint8_t *bytes, size_t at, uint32_t value, bool big) {
  for (size_t k = 0; k < 4; k++) bytes[at + (big ? 3 - k : k)] = (uint8_t)(value >> (8 * k));
}

static uint32_t get_word(const uint8_t *bytes, size_t at, bool big) {
  uint32_t value = 0;
  for (size_t k = 0; k < 4; k++) value |= (uint32_t)bytes[at + (big ? 3 - k : k)] << (8 * k);
  return value;
}

static uint32_t interesting(uint32_t old) {
  static const uint32_t values[] = {0,          1,          2,          3,          4,          7,          8,         12,
                                    63,         64,         255,        256,        0x3fff,     0x4000,     0xffff,    0x10000,
                                    0x10001,    0x3fffffff, 0x40000000, 0x40000001, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffff8,
                                    0xfffffffc, 0xfffffffe, 0xffffffff};
  size_t k = below(sizeof values / sizeof *values + 8);
  switch (k) {
    case 0: return old + 1;
    case 1: return old - 1;
    case 2: return old * 2;
    case 3: return ~old;
    case 4: return old + 4;
    case 5: return (uint32_t)random_bits();
    case 6: return old ^ UINT32_C(1) << below(32);
    case 7: return old >> 1;
    default: return values[k - 8];
  }
}

// Where damage is likely to be looked at: header, directory and rows, or the code, or anywhere.
static size_t likely(size_t length) {
  switch (below(4)) {
    case 0: return below(length < PF_HEADER_SIZE + 8 * PF_SIZEOF_SECTION ? length : PF_HEADER_SIZE + 8 * PF_SIZEOF_SECTION);
    case 1: return below(length < 1024 ? length : 1024);
    case 2: return length > 4096 ? 4096 + below(length - 4096) : below(length);
    default: return below(length);
  }
}

static void damage(uint8_t *bytes, size_t *length, bool big) {
  if (*length < 8) return;
  size_t at = likely(*length);
  size_t word = at / 4 * 4 + 4 <= *length ? at / 4 * 4 : 0;
  switch (below(8)) {
    case 0: bytes[at] ^= (uint8_t)(1 << below(8)); break;
    case 1: bytes[at] = (uint8_t)random_bits(); break;
    case 2: bytes[at] = (uint8_t)(bytes[at] + (below(2) ? 1 : 255)); break;
    case 3:
    case 4: put_word(bytes, word, interesting(get_word(bytes, word, big)), big); break;
    case 5: {
      size_t other = likely(*length) / 4 * 4;
      if (other + 4 > *length) break;
      uint32_t value = get_word(bytes, word, big);
      put_word(bytes, word, get_word(bytes, other, big), big);
      put_word(bytes, other, value, big);
      break;
    }
    case 6: {
      size_t run = 1 + below(16);
      size_t from = likely(*length);
      if (at + run <= *length && from + run <= *length) memmove(bytes + at, bytes + from, run);
      break;
    }
    default:
      if (below(8) == 0) *length = below(*length);
      break;
  }
}

static void digest_of(const uint8_t *bytes, size_t length, uint8_t *digest) {
  pf_sha256 hash;
  pf_sha256_begin(&hash);
  pf_sha256_add(&hash, bytes, length);
  pf_sha256_add_zeros(&hash, PF_DIGEST_BLOCK_LENGTH - length);
  pf_sha256_end(&hash, digest);
}

// Computes the digests of a copy anew, as far as its damaged directory says where they are.
static void mend_digests(uint8_t *bytes, size_t length, bool big) {
  if (length < PF_HEADER_SIZE) return;
  uint32_t count = get_word(bytes, PF_AT_HEADER_SECTION_COUNT, big);
  if (count == 0 || count > PF_MAX_SECTIONS || length < PF_HEADER_SIZE + (size_t)count * PF_SIZEOF_SECTION) return;
  size_t entry = PF_HEADER_SIZE + (size_t)(count - 1) * PF_SIZEOF_SECTION;
  size_t from = get_word(bytes, entry + PF_AT_SECTION_OFFSET, big);
  if (get_word(bytes, entry + PF_AT_SECTION_KIND_ID, big) != PF_SECTION_KIND_DIGESTS || from > length || from < PF_HEADER_SIZE) return;
  uint8_t *root = bytes + PF_AT_HEADER_DIGEST_ROOT;
  memset(root, 0, PF_DIGEST_LENGTH);
  // Each level is hashed by blocks of 4,096 bytes, like the file itself.
  size_t start = 0;
  size_t end = from;
  while (end > start) {
    size_t blocks = (end - start + PF_DIGEST_BLOCK_LENGTH - 1) / PF_DIGEST_BLOCK_LENGTH;
    if (start != 0 && blocks == 1) {
      digest_of(bytes + start, end - start, root);
      return;
    }
    if (blocks * PF_DIGEST_LENGTH > length - end) return;
    for (size_t k = 0; k < blocks; k++) {
      size_t at = start + k * PF_DIGEST_BLOCK_LENGTH;
      size_t left = end - at;
      digest_of(bytes + at, left < PF_DIGEST_BLOCK_LENGTH ? left : PF_DIGEST_BLOCK_LENGTH, bytes + end + k * PF_DIGEST_LENGTH);
    }
    start = end;
    end += blocks * PF_DIGEST_LENGTH;
  }
}

static void show(const char *name, const uint64_t *counts) {
  printf("%-6s", name);
  for (int k = 0; k < HARNESS_OUTCOMES; k++) {
    if (counts[k] > 0) printf("  %s %llu", pf_outcome_name((pf_outcome)k), (unsigned long long)counts[k]);
  }
  printf("\n");
}

static int wrong(void) {
  fputs("Usage: pf-mutate [--seed S] [--count N] [--only K] FILE...\n", stderr);
  return 2;
}

int main(int count, char **arguments) {
  uint64_t seed = 1;
  uint64_t turns = 10000;
  uint64_t first = 0;
  seed_file files[256];
  size_t file_count = 0;
  for (int k = 1; k < count; k++) {
    bool option = strncmp(arguments[k], "--", 2) == 0;
    if (option && k + 1 < count) {
      uint64_t value = strtoull(arguments[k + 1], NULL, 10);
      if (strcmp(arguments[k], "--seed") == 0) {
        seed = value;
      } else if (strcmp(arguments[k], "--count") == 0) {
        turns = first + value;
      } else if (strcmp(arguments[k], "--only") == 0) {
        first = value;
        turns = value + 1;
      } else {
        return wrong();
      }
      k++;
    } else if (!option && file_count < 256) {
      seed_file *file = &files[file_count++];
      file->bytes = read_file(arguments[k], &file->length);
      if (file->bytes == NULL) {
        perror(arguments[k]);
        return 2;
      }
    } else {
      return wrong();
    }
  }
  if (file_count == 0) return wrong();
  harness_counts counts = {{0}, {0}, {0}, {0}};
  for (uint64_t turn = first; turn < turns; turn++) {
    random_state = seed * UINT64_C(0x2545f4914f6cdd1d) + turn;
    const seed_file *file = &files[below(file_count)];
    // A block of its own size each time, so that a sanitizer sees the end of it.
    uint8_t *copy = malloc(file->length + 1);
    if (copy == NULL) return 2;
    memcpy(copy, file->bytes, file->length);
    size_t length = file->length;
    bool big = length > PF_AT_HEADER_BYTE_ORDER && copy[PF_AT_HEADER_BYTE_ORDER] == PF_BYTE_ORDER_BIG;
    for (size_t times = 1 + below(3); times > 0; times--) damage(copy, &length, big);
    // Most damage of lengths is met at the first check of them, so half of the copies have them mended.
    if (below(2) == 0 && length >= PF_HEADER_SIZE) put_word(copy, PF_AT_HEADER_FILE_LENGTH, (uint32_t)length, big);
    // The same of digests; the other half tries what damage does to a loader that looks for it.
    if (below(2) == 0) mend_digests(copy, length, big);
    harness_run(copy, length, &counts);
    free(copy);
  }
  printf("%llu copies of %zu files, seed %llu\n", (unsigned long long)(turns - first), file_count, (unsigned long long)seed);
  show("open", counts.opens);
  show("audit", counts.audits);
  show("link", counts.links);
  show("call", counts.calls);
  for (size_t k = 0; k < file_count; k++) free(files[k].bytes);
  return 0;
}
