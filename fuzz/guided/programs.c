// The harness: an input becomes a program, and the loader does with it what the reference did. Assumes a builder that tells the truth;
// promises to end this program at any difference, with what was expected and what came.
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "builder.h"
#include "packfile.h"
#include "reader.h"
#include "tool/functions.h"

enum { MOST_MEMBERS = 8, MOST_TEXT = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

// What an action came to, as `wire.step` of the builder writes it.
typedef struct text {
  size_t length;
  char bytes[MOST_TEXT];
} text;

static text result;
static text heard;  // by the host module

__attribute__((format(printf, 2, 3))) static void say(text *to, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int count = vsnprintf(to->bytes + to->length, MOST_TEXT - to->length, format, arguments);
  va_end(arguments);
  if (count > 0) to->length += (size_t)count;
  // What does not fit is left out, and then differs from what the builder says.
  if (to->length >= MOST_TEXT) to->length = MOST_TEXT - 1;
}

static void fail_with(const char *what, const char *said) {
  fprintf(stderr, "guided: %s: %s\n", what, said);
  abort();
}

static bool log_i(void *unused, pf_host_call *call) {
  (void)unused;
  say(&heard, ", log i %016" PRIx64, (uint64_t)call->i[0]);
  return true;
}

static bool log_n(void *unused, pf_host_call *call) {
  (void)unused;
  say(&heard, ", log n %016" PRIx64, call->n[0]);
  return true;
}

// The host module of the adapter protocol.
static pf_host *make_host(void) {
  static const struct {
    const char *name;
    uint32_t signature;
    pf_host_function function;
  } functions[] = {{"log_i", 1, log_i}, {"log_n", 1 << 8, log_n}, {"mix", 0x02020202, host_mix}, {"trap", 0, host_trap}};
  pf_host *host = pf_host_create();
  for (size_t k = 0; host != NULL && k < sizeof functions / sizeof *functions; k++) {
    pf_host_add(host, functions[k].name, strlen(functions[k].name), functions[k].signature, functions[k].function, NULL, NULL);
  }
  if (host == NULL) fail_with("host", "no memory");
  return host;
}

static pf_image *open_file(size_t position, bytes_read file) {
  static int files[MOST_MEMBERS];
  if (files[position] == 0) files[position] = memfd_create("guided", MFD_CLOEXEC);
  if (files[position] < 0 || ftruncate(files[position], 0) != 0 ||
      pwrite(files[position], file.bytes, file.length, 0) != (ssize_t)file.length) {
    fail_with("file", "it cannot be written");
  }
  pf_image *image;
  pf_error error;
  if (pf_image_open_descriptor(files[position], &image, &error) != PF_OK) fail_with("open", error.message);
  return image;
}

// Every function of a good file is good, and so is the file.
static void audit(pf_image *image) {
  pf_error error;
  if (pf_audit(image, &error) != PF_OK) fail_with("audit", error.message);
  for (uint32_t k = 0;; k++) {
    pf_outcome outcome = pf_verify(image, k, &error);
    if (outcome == PF_MISUSE) break;
    if (outcome != PF_OK) fail_with("verify", error.message);
  }
}

static void note(pf_outcome outcome, const pf_error *error, const pf_results *results) {
  result.length = 0;
  say(&result, "%s", pf_outcome_name(outcome));
  if (outcome == PF_TRAP) say(&result, " %s", pf_trap_name(error->trap));
  if (outcome == PF_OK && results != NULL) {
    for (size_t k = 0; k < results->i_count; k++) say(&result, ", i %016" PRIx64, (uint64_t)results->i[k]);
    for (size_t k = 0; k < results->n_count; k++) say(&result, ", n %016" PRIx64, results->n[k]);
  }
  if (outcome != PF_EXHAUSTED) say(&result, "%.*s", (int)heard.length, heard.bytes);
  heard.length = 0;
}

// Compares what came with what was expected, where the builder says that.
static void compare(reader *from, const char *what, size_t number) {
  bytes_read expected = read_bytes(from);
  if (expected.bytes == NULL) return;
  if (result.length == expected.length && memcmp(result.bytes, expected.bytes, expected.length) == 0) return;
  fprintf(stderr, "guided: %s %zu: expected %.*s, got %.*s\n", what, number, (int)expected.length, (const char *)expected.bytes,
          (int)result.length, result.bytes);
  abort();
}

static void compare_memory(reader *from, pf_process *process) {
  uint64_t address = read_long(from);
  bytes_read expected = read_bytes(from);
  uint8_t *seen = malloc(expected.length + 1);
  if (seen == NULL || !pf_memory_read(process, address, seen, expected.length)) fail_with("memory", "it cannot be read");
  for (size_t k = 0; k < expected.length; k++) {
    if (seen[k] == expected.bytes[k]) continue;
    fprintf(stderr, "guided: memory at %#" PRIx64 ": expected %02x, got %02x\n", address + k, expected.bytes[k], seen[k]);
    abort();
  }
  free(seen);
}

static void call(reader *from, pf_process *process, size_t number) {
  bytes_read module = read_bytes(from);
  bytes_read function = read_bytes(from);
  int64_t i[256];
  uint64_t n[256];
  size_t i_count = read_longs(from, (uint64_t *)i, 256);
  size_t n_count = read_longs(from, n, 256);
  pf_request request = {.module = (const char *)module.bytes, .module_length = module.length,
                        .function = (const char *)function.bytes, .function_length = function.length,
                        .i = i, .i_count = i_count, .n = n, .n_count = n_count};
  request.fuel = read_long(from);
  request.depth = read_long(from);
  pf_error error = {.message = ""};
  pf_results results;
  pf_outcome outcome = pf_call(process, &request, &results, &error);
  if (outcome >= PF_IO_ERROR) fail_with("call", error.message);
  note(outcome, &error, &results);
  compare(from, "call", number);
}

static void run(reader *from, pf_process *process) {
  uint32_t calls = read_number(from);
  for (size_t k = 1; k <= calls; k++) call(from, process, k);
  for (uint32_t parts = read_number(from); parts > 0; parts--) compare_memory(from, process);
  if (!is_at_end(from)) fail_with("builder", "it said more than is read");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  reader from = {NULL, 0};
  from.bytes = builder_ask(bytes, length, &from.left);
  pf_member members[MOST_MEMBERS];
  size_t count = read_number(&from);
  if (count > MOST_MEMBERS) fail_with("builder", "more modules than there is room for");
  pf_host *host = make_host();
  for (size_t k = 0; k < count; k++) {
    bytes_read name = read_bytes(&from);
    bytes_read file = read_bytes(&from);
    members[k] = (pf_member){(const char *)name.bytes, name.length, NULL, host};
    if (file.bytes != NULL) members[k] = (pf_member){(const char *)name.bytes, name.length, open_file(k, file), NULL};
  }
  pf_process *process;
  pf_error error = {.message = ""};
  pf_outcome outcome = pf_link(members, count, NULL, &process, &error);
  if (outcome >= PF_IO_ERROR) fail_with("link", error.message);
  note(outcome, &error, NULL);
  compare(&from, "link", 0);
  if (outcome == PF_OK) run(&from, process);
  pf_process_close(process);
  for (size_t k = 0; k < count; k++) {
    // After the calls, so that these met functions that nobody had looked at.
    if (members[k].image != NULL) audit(members[k].image);
    pf_image_close(members[k].image);
  }
  pf_host_close(host);
  return 0;
}
