// The loader that a packfile makes unnecessary, as one was written in 2002: it reads the whole file, parses it, copies every section
// into memory of its own, and swaps each integer where the file's byte order is not the host's.
// It is spared what costs the others time: it verifies nothing, and reads in one call into a buffer that was asked for once.
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lines.h"
#include "packfile_format.h"

typedef struct {
  uint32_t *code;
  uint32_t words;
  uint32_t *ends;  // of each function, the word after its last
  uint32_t functions;
} module;

static module loaded;

static void release(void) {
  free(loaded.code);
  free(loaded.ends);
  loaded = (module){0};
}

static void *allocate(size_t size) {
  void *memory = malloc(size);
  if (memory == NULL && size > 0) fail("no memory for %zu bytes", size);
  return memory;
}

static uint8_t *read_file(const char *path, size_t *size) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) fail("cannot open %s", path);
  *size = (size_t)status.st_size;
  uint8_t *bytes = allocate(*size);
  for (size_t done = 0; done < *size;) {
    ssize_t part = read(file, bytes + done, *size - done);
    if (part <= 0) fail("cannot read %s", path);
    done += (size_t)part;
  }
  close(file);
  return bytes;
}

static uint32_t word_at(const uint8_t *bytes, bool swap) {
  uint32_t word;
  memcpy(&word, bytes, sizeof word);
  return swap ? __builtin_bswap32(word) : word;
}

static uint32_t *copy_words(const uint8_t *bytes, uint32_t count, bool swap) {
  uint32_t *words = allocate((size_t)count * sizeof *words);
  memcpy(words, bytes, (size_t)count * sizeof *words);
  if (swap) {
    for (uint32_t k = 0; k < count; k++) words[k] = __builtin_bswap32(words[k]);
  }
  return words;
}

static void load(const char *path) {
  release();
  size_t size;
  uint8_t *bytes = read_file(path, &size);
  if (size < PF_HEADER_SIZE) fail("%s is too short", path);
  uint32_t one = 1;
  bool host_is_little = *(const uint8_t *)&one == 1;
  bool swap = (bytes[PF_AT_HEADER_BYTE_ORDER] == PF_BYTE_ORDER_LITTLE) != host_is_little;
  uint32_t sections = word_at(bytes + PF_AT_HEADER_SECTION_COUNT, swap);
  for (uint32_t k = 0; k < sections; k++) {
    const uint8_t *entry = bytes + PF_HEADER_SIZE + (size_t)k * PF_SIZEOF_SECTION;
    uint32_t kind = word_at(entry + PF_AT_SECTION_KIND_ID, swap);
    uint32_t offset = word_at(entry + PF_AT_SECTION_OFFSET, swap);
    uint32_t length = word_at(entry + PF_AT_SECTION_LENGTH, swap);
    if (offset > size || length > size - offset) fail("%s: a section leaves the file", path);
    if (kind == PF_SECTION_KIND_FUNCTIONS) {
      loaded.functions = length / PF_SIZEOF_FUNCTION_ROW;
      loaded.ends = allocate(loaded.functions * sizeof *loaded.ends);
      for (uint32_t row = 0; row < loaded.functions; row++) {
        loaded.ends[row] = word_at(bytes + offset + (size_t)row * PF_SIZEOF_FUNCTION_ROW + PF_AT_FUNCTION_ROW_CODE_END, swap);
      }
    } else if (kind == PF_SECTION_KIND_CODE) {
      loaded.words = length / (uint32_t)sizeof *loaded.code;
      loaded.code = copy_words(bytes + offset, loaded.words, swap);
    }
  }
  free(bytes);
}

// Executes a function of the three instructions that the measured functions are made of.
static int64_t execute(uint32_t function, int64_t value) {
  if (function >= loaded.functions) fail("there is no function %u", function);
  for (uint32_t at = function == 0 ? 0 : loaded.ends[function - 1]; at < loaded.words; at++) {
    uint32_t word = loaded.code[at];
    switch (word & 0xff) {
      case PF_OP_I_IMM:
        value = (int16_t)(word >> 16);
        break;
      case PF_OP_I_ADD_IMM:
        value = (int64_t)((uint64_t)value + (uint64_t)(int8_t)(word >> 24));
        break;
      case PF_OP_RET:
        return value;
      default:
        fail("unknown op %u", word & 0xff);
    }
  }
  fail("the code ends");
}

// As `call run REFERENCE COUNT` of the module's own function `run`: the low half of a reference is the function's index.
static long long run(uint32_t first, long long count) {
  int64_t value = 0;
  for (long long k = 0; k < count; k++) value = execute(first + (uint32_t)k, value);
  return value;
}

int main(void) {
  char *line = NULL;
  size_t room = 0;
  const char *words[MAX_WORDS];
  while (next_request(&line, &room, words)) {
    long long value = 0;
    if (strcmp(words[0], "open") == 0) {
      for (long long k = number(words[2]); k > 0; k--) {
        load(words[1]);
        value = execute(0, 0);
      }
    } else if (strcmp(words[0], "call") == 0) {
      value = run((uint32_t)number(words[2]), number(words[3]));
    } else if (strcmp(words[0], "close") == 0) {
      release();
    } else if (strcmp(words[0], "ping") != 0) {
      fail("unknown request: %s", words[0]);
    }
    answer(value);
  }
  release();
  free(line);
  return 0;
}
