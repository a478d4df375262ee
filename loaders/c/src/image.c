// See image.h.
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digests.h"

typedef struct kind_facts {
  uint32_t row_size;
  uint32_t alignment;
  uint32_t max_length;
  pf_part *part;  // where the loader keeps it, NULL for what it skips
} kind_facts;

pf_outcome pf_fail_lost(pf_error *error, uint64_t offset) {
  return pf_fail(error, PF_MALFORMED, PF_RULE_HDR_011, offset,
                 "expected the file as long as it was when it was opened, got one that was cut short");
}

static pf_outcome check_magic(const uint8_t *bytes, uint64_t length, pf_error *error) {
  static const uint8_t magic[PF_MAGIC_LENGTH] = {PF_MAGIC};
  for (uint32_t k = 0; k < PF_MAGIC_LENGTH && k < length; k++) {
    if (bytes[k] != magic[k]) {
      return pf_fail(error, PF_MALFORMED, PF_RULE_HDR_002, k, "expected byte 0x%02x of the magic number, got 0x%02x", magic[k],
                     bytes[k]);
    }
  }
  return PF_OK;
}

static pf_outcome too_short(uint64_t length, pf_error *error) {
  return pf_fail(error, PF_MALFORMED, PF_RULE_HDR_001, length, "expected a header of %u bytes, got a file of %u",
                 PF_HEADER_SIZE, (unsigned)length);
}

// PF-HDR-010: these decide before anything else, so each is looked at as soon as the file is long enough for it.
static pf_outcome check_identity(pf_image *image, uint64_t length, pf_error *error) {
  const uint8_t *bytes = image->bytes;
  pf_outcome outcome = check_magic(bytes, length, error);
  if (outcome != PF_OK) return outcome;
  if (length <= PF_AT_HEADER_BYTE_ORDER) return too_short(length, error);
  uint8_t order = bytes[PF_AT_HEADER_BYTE_ORDER];
  if (order != PF_BYTE_ORDER_LITTLE && order != PF_BYTE_ORDER_BIG) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_HDR_003, PF_AT_HEADER_BYTE_ORDER, "expected byte order 1 or 2, got %u",
                   order);
  }
  image->big = order == PF_BYTE_ORDER_BIG;
  image->foreign = image->big != (bool)PF_HOST_BIG;
  if (length <= PF_AT_HEADER_VERSION) return too_short(length, error);
  if (bytes[PF_AT_HEADER_VERSION] != 1) {
    return pf_fail(error, PF_UNSUPPORTED, PF_RULE_HDR_004, PF_AT_HEADER_VERSION, "expected version 1, got %u",
                   bytes[PF_AT_HEADER_VERSION]);
  }
  if (length < PF_AT_HEADER_REQUIRED + sizeof(uint32_t)) return too_short(length, error);
  uint32_t required = pf_u4(bytes + PF_AT_HEADER_REQUIRED, image->foreign);
  if (required != 0) {
    return pf_fail(error, PF_UNSUPPORTED, PF_RULE_HDR_007, PF_AT_HEADER_REQUIRED,
                   "expected no required feature, got bits 0x%08x", required);
  }
  if (length < PF_HEADER_SIZE) return too_short(length, error);
  return PF_OK;
}

static pf_outcome check_header(pf_image *image, uint64_t length, pf_error *error) {
  const uint8_t *bytes = image->bytes;
  image->unit_log2 = bytes[PF_AT_HEADER_UNIT_LOG2];
  if (image->unit_log2 != 12 && image->unit_log2 != 16) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_HDR_005, PF_AT_HEADER_UNIT_LOG2, "expected unit 12 or 16, got %u",
                   image->unit_log2);
  }
  if (bytes[PF_AT_HEADER_RESERVED] != 0) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_HDR_006, PF_AT_HEADER_RESERVED, "expected reserved 0, got %u",
                   bytes[PF_AT_HEADER_RESERVED]);
  }
  uint32_t stated = pf_u4(bytes + PF_AT_HEADER_FILE_LENGTH, image->foreign);
  if (stated != length) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_HDR_008, PF_AT_HEADER_FILE_LENGTH,
                   "expected the length of the file, %llu, got %u", (unsigned long long)length, stated);
  }
  if (stated > PF_MAX_FILE_LENGTH) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_LIM_001, PF_AT_HEADER_FILE_LENGTH, "expected at most %u bytes, got %u",
                   PF_MAX_FILE_LENGTH, stated);
  }
  image->section_count = pf_u4(bytes + PF_AT_HEADER_SECTION_COUNT, image->foreign);
  if (image->section_count > PF_MAX_SECTIONS) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_LIM_002, PF_AT_HEADER_SECTION_COUNT,
                   "expected at most %u sections, got %u", PF_MAX_SECTIONS, image->section_count);
  }
  image->entry = pf_u4(bytes + PF_AT_HEADER_ENTRY, image->foreign);
  image->bss_size = pf_u4(bytes + PF_AT_HEADER_BSS_SIZE, image->foreign);
  if (image->bss_size > PF_MAX_BSS_SIZE) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_LIM_003, PF_AT_HEADER_BSS_SIZE, "expected bss of at most %u bytes, got %u",
                   PF_MAX_BSS_SIZE, image->bss_size);
  }
  if (length - PF_HEADER_SIZE < (uint64_t)image->section_count * PF_SIZEOF_SECTION) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_DIR_001, PF_HEADER_SIZE, "expected a directory of %u entries, got %u bytes",
                   image->section_count, (unsigned)(length - PF_HEADER_SIZE));
  }
  return PF_OK;
}

static kind_facts facts_of(pf_image *image, uint32_t kind) {
  kind_facts facts = {1, 8, PF_MAX_FILE_LENGTH, NULL};
  switch (kind) {
#define FACTS(ID, id, row, aligned, max)                         \
  case PF_SECTION_KIND_##ID:                                     \
    facts.row_size = row;                                        \
    facts.alignment = (aligned) ? 1u << image->unit_log2 : 8u;   \
    facts.max_length = max;                                      \
    break;
    PF_SECTIONS(FACTS)
#undef FACTS
    default: break;
  }
  switch (kind) {
    case PF_SECTION_KIND_FUNCTIONS: facts.part = &image->functions; break;
    case PF_SECTION_KIND_IMPORTS: facts.part = &image->imports; break;
    case PF_SECTION_KIND_EXPORTS: facts.part = &image->exports; break;
    case PF_SECTION_KIND_CONSTANTS: facts.part = &image->constants; break;
    case PF_SECTION_KIND_STRINGS: facts.part = &image->strings; break;
    case PF_SECTION_KIND_CODE: facts.part = &image->code; break;
    case PF_SECTION_KIND_RODATA: facts.part = &image->rodata; break;
    case PF_SECTION_KIND_DATA: facts.part = &image->data; break;
    case PF_SECTION_KIND_DIGESTS: facts.part = &image->tree; break;
    default: break;
  }
  return facts;
}

static pf_outcome check_directory(pf_image *image, pf_error *error) {
  uint64_t end = PF_HEADER_SIZE + (uint64_t)image->section_count * PF_SIZEOF_SECTION;
  uint32_t last_kind = 0;
  for (uint32_t k = 0; k < image->section_count; k++) {
    uint32_t at = PF_HEADER_SIZE + k * PF_SIZEOF_SECTION;
    uint32_t kind = pf_u4(image->bytes + at + PF_AT_SECTION_KIND_ID, image->foreign);
    uint32_t offset = pf_u4(image->bytes + at + PF_AT_SECTION_OFFSET, image->foreign);
    uint32_t length = pf_u4(image->bytes + at + PF_AT_SECTION_LENGTH, image->foreign);
    if (k > 0 && kind <= last_kind) {
      return pf_fail(error, PF_MALFORMED, PF_RULE_DIR_002, at + PF_AT_SECTION_KIND_ID, "expected a kind above 0x%x, got 0x%x",
                     last_kind, kind);
    }
    if (kind < PF_FIRST_SKIPPABLE_KIND && (kind < PF_SECTION_KIND_FUNCTIONS || kind > PF_SECTION_KIND_DATA)) {
      return pf_fail(error, PF_UNSUPPORTED, PF_RULE_DIR_003, at + PF_AT_SECTION_KIND_ID, "expected a known kind, got 0x%x",
                     kind);
    }
    kind_facts facts = facts_of(image, kind);
    uint64_t start = (end + facts.alignment - 1) / facts.alignment * facts.alignment;
    if (offset != start) {
      return pf_fail(error, PF_MALFORMED, PF_RULE_DIR_004, at + PF_AT_SECTION_OFFSET, "expected offset 0x%llx, got 0x%x",
                     (unsigned long long)start, offset);
    }
    if (length == 0) {
      return pf_fail(error, PF_MALFORMED, PF_RULE_DIR_005, at + PF_AT_SECTION_LENGTH, "expected a length above 0, got 0");
    }
    if (offset > image->length || length > image->length - offset) {
      return pf_fail(error, PF_MALFORMED, PF_RULE_DIR_007, at + PF_AT_SECTION_LENGTH,
                     "expected a section within %u bytes, got one at 0x%x of %u", image->length, offset, length);
    }
    if (length % facts.row_size != 0) {
      return pf_fail(error, PF_MALFORMED, PF_RULE_DIR_006, at + PF_AT_SECTION_LENGTH,
                     "expected a multiple of %u bytes, got %u", facts.row_size, length);
    }
    if (length > facts.max_length) {
      return pf_fail(error, PF_MALFORMED, PF_RULE_LIM_004, at + PF_AT_SECTION_LENGTH, "expected at most %u bytes, got %u",
                     facts.max_length, length);
    }
    if (facts.part != NULL) *facts.part = (pf_part){image->bytes + offset, offset, length};
    last_kind = kind;
    end = (uint64_t)offset + length;
  }
  if (image->length != end) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_DIR_008, PF_AT_HEADER_FILE_LENGTH,
                   "expected the file to end with its last section at 0x%llx, got 0x%x", (unsigned long long)end,
                   image->length);
  }
  return PF_OK;
}

static pf_outcome check_crossing(pf_image *image, pf_error *error) {
  if ((image->functions.bytes != NULL) != (image->code.bytes != NULL)) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_SEC_001, PF_HEADER_SIZE,
                   "expected both functions and code or neither, got one of them");
  }
  if ((image->imports.bytes != NULL || image->exports.bytes != NULL) && image->strings.bytes == NULL) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_SEC_002, PF_HEADER_SIZE,
                   "expected strings beside imports or exports, got none");
  }
  image->function_count = image->functions.length / PF_SIZEOF_FUNCTION_ROW;
  image->import_count = image->imports.length / PF_SIZEOF_IMPORT_ROW;
  image->export_count = image->exports.length / PF_SIZEOF_EXPORT_ROW;
  image->constant_count = image->constants.length / PF_SIZEOF_CONSTANT;
  image->word_count = image->code.length / PF_SIZEOF_CODE_WORD;
  if (image->entry != PF_NO_ENTRY && image->entry >= image->function_count) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_HDR_009, PF_AT_HEADER_ENTRY,
                   "expected an entry below %u or none, got %u", image->function_count, image->entry);
  }
  bool digests = image->tree.bytes != NULL;
  bool root = false;
  for (uint32_t k = PF_AT_HEADER_DIGEST_ROOT; k < PF_SIZEOF_HEADER; k++) root = root || image->bytes[k] != 0;
  if (root != digests) {
    return pf_fail(error, PF_MALFORMED, PF_RULE_INT_001, PF_AT_HEADER_DIGEST_ROOT,
                   digests ? "expected a digest root beside digests, got zeros" : "expected zeros without digests, got a root");
  }
  return PF_OK;
}

static pf_outcome check(pf_image *image, uint64_t length, pf_error *error) {
  pf_guard guard;
  if (PF_GUARDED(&guard, &image->range, 1)) {
    pf_outcome outcome = check_identity(image, length, error);
    if (outcome == PF_OK) outcome = check_header(image, length, error);
    if (outcome == PF_OK) outcome = check_directory(image, error);
    if (outcome == PF_OK) outcome = check_crossing(image, error);
    pf_guard_leave(&guard);
    return outcome;
  }
  return pf_fail_lost(error, pf_offset_of(image, guard.address));
}

static void dispose(pf_image *image) {
  if (image->bytes != NULL) munmap((void *)(uintptr_t)image->bytes, image->length);
  if (image->verdicts != NULL) munmap((void *)(uintptr_t)image->verdicts, image->function_count);
  pf_digests_close(image);
  if (image->descriptor >= 0) close(image->descriptor);
  free(image);
}

static pf_outcome io_error(pf_error *error, const char *what) {
  return pf_fail(error, PF_IO_ERROR, NULL, PF_NO_OFFSET, "%s: %s", what, strerror(errno));
}

static pf_outcome open_descriptor(int descriptor, bool digests, pf_image **result, pf_error *error) {
  pf_fault_install();
  struct stat status;
  if (fstat(descriptor, &status) != 0) return io_error(error, "cannot stat");
  if (!S_ISREG(status.st_mode)) {
    return pf_fail(error, PF_IO_ERROR, NULL, PF_NO_OFFSET, "expected a regular file, got something else");
  }
  uint64_t length = (uint64_t)status.st_size;
  if (length == 0) return too_short(0, error);
  pf_image *image = calloc(1, sizeof *image);
  if (image == NULL) return io_error(error, "no memory");
  image->descriptor = -1;
  // A longer file is refused for its length, and reading the header says so.
  image->length = length > PF_MAX_FILE_LENGTH ? PF_MAX_FILE_LENGTH : (uint32_t)length;
  void *mapping = mmap(NULL, image->length, PROT_READ, MAP_SHARED, descriptor, 0);
  if (mapping == MAP_FAILED) {
    pf_outcome failed = io_error(error, "cannot map");
    free(image);
    return failed;
  }
  image->bytes = mapping;
  image->range = (pf_range){image->bytes, image->length};
  atomic_init(&image->references, 1);
  pf_outcome outcome = check(image, length, error);
  if (outcome == PF_OK && digests && image->tree.bytes != NULL) outcome = pf_digests_open(image, error);
  if (outcome == PF_OK && image->function_count > 0) {
    void *verdicts =
        mmap(NULL, image->function_count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (verdicts == MAP_FAILED) {
      outcome = io_error(error, "no memory for verdicts");
    } else {
      image->verdicts = verdicts;
    }
  }
  if (outcome == PF_OK && image->data.bytes != NULL) {
    image->descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (image->descriptor < 0) outcome = io_error(error, "cannot keep the file open");
  }
  if (outcome != PF_OK) {
    dispose(image);
    return outcome;
  }
  *result = image;
  return pf_succeed(error);
}

pf_outcome pf_image_open_with(const pf_open_options *options, pf_image **image, pf_error *error) {
  *image = NULL;
  if (options->path == NULL) return open_descriptor(options->descriptor, !options->no_digests, image, error);
  // NONBLOCK, so that a pipe without a writer is refused and not waited for.
  int descriptor = open(options->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) return io_error(error, "cannot open");
  pf_outcome outcome = open_descriptor(descriptor, !options->no_digests, image, error);
  close(descriptor);
  return outcome;
}

pf_outcome pf_image_open(const char *path, pf_image **image, pf_error *error) {
  return pf_image_open_with(&(pf_open_options){.path = path}, image, error);
}

pf_outcome pf_image_open_descriptor(int descriptor, pf_image **image, pf_error *error) {
  return pf_image_open_with(&(pf_open_options){.descriptor = descriptor}, image, error);
}

void pf_image_retain(pf_image *image) { atomic_fetch_add_explicit(&image->references, 1, memory_order_relaxed); }

void pf_image_close(pf_image *image) {
  if (image != NULL && atomic_fetch_sub_explicit(&image->references, 1, memory_order_acq_rel) == 1) dispose(image);
}

pf_outcome pf_image_header(const pf_image *image, pf_header *header, pf_error *error) {
  pf_guard guard;
  if (PF_GUARDED(&guard, &image->range, 1)) {
    header->big = image->big;
    header->unit = 1u << image->unit_log2;
    header->file_length = image->length;
    header->section_count = image->section_count;
    header->entry = image->entry;
    header->bss_size = image->bss_size;
    memcpy(header->digest_root, image->bytes + PF_AT_HEADER_DIGEST_ROOT, sizeof header->digest_root);
    pf_guard_leave(&guard);
    return pf_succeed(error);
  }
  return pf_fail_lost(error, pf_offset_of(image, guard.address));
}

pf_outcome pf_image_section(const pf_image *image, uint32_t index, pf_section *section, pf_error *error) {
  if (index >= image->section_count) {
    return pf_fail(error, PF_MISUSE, NULL, PF_NO_OFFSET, "expected an index below %u, got %u", image->section_count, index);
  }
  pf_guard guard;
  if (PF_GUARDED(&guard, &image->range, 1)) {
    const uint8_t *entry = image->bytes + PF_HEADER_SIZE + (size_t)index * PF_SIZEOF_SECTION;
    section->kind = pf_u4(entry + PF_AT_SECTION_KIND_ID, image->foreign);
    section->offset = pf_u4(entry + PF_AT_SECTION_OFFSET, image->foreign);
    section->length = pf_u4(entry + PF_AT_SECTION_LENGTH, image->foreign);
    pf_guard_leave(&guard);
    return pf_succeed(error);
  }
  return pf_fail_lost(error, pf_offset_of(image, guard.address));
}

void pf_image_stats(const pf_image *image, pf_stats *stats) {
  pf_image *counters = (pf_image *)(uintptr_t)image;
  memset(stats, 0, sizeof *stats);
  stats->bytes_mapped = image->length;
  stats->bytes_copied = atomic_load_explicit(&counters->bytes_copied, memory_order_relaxed);
  stats->words_verified = atomic_load_explicit(&counters->words_verified, memory_order_relaxed);
  stats->functions_verified = atomic_load_explicit(&counters->functions_verified, memory_order_relaxed);
  stats->rows_read = atomic_load_explicit(&counters->rows_read, memory_order_relaxed);
  pf_digests_stats(image, stats);
}
