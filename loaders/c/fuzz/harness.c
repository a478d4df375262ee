// See harness.h. Looks up exports with the loader's own search for their names, since the public interface does not list them.
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../src/names.h"
#include "../src/signature.h"
#include "../tool/functions.h"

enum { MOST_CALLS = 48, FUEL = 2000, DEPTH = 200 };

static bool quiet(void *unused, pf_host_call *call) {
  (void)unused;
  (void)call;
  return true;
}

static bool peek(void *unused, pf_host_call *call) {
  (void)unused;
  char bytes[64];
  uint64_t length = (uint64_t)call->i[1] % sizeof bytes;
  return pf_memory_read(call->process, (uint64_t)call->i[0], bytes, length);
}

static pf_host *make_host(void) {
  static const struct {
    const char *name;
    uint32_t signature;
    pf_host_function function;
  } functions[] = {{"log_i", 1, quiet},   {"log_n", 1 << 8, quiet},   {"mix", 0x02020202, host_mix}, {"trap", 0, host_trap},
                   {"print_i", 1, quiet}, {"print_n", 1 << 8, quiet}, {"print_char", 1, quiet}, {"print_bytes", 2, peek}};
  pf_host *host = pf_host_create();
  for (size_t k = 0; host != NULL && k < sizeof functions / sizeof *functions; k++) {
    pf_host_add(host, functions[k].name, strlen(functions[k].name), functions[k].signature, functions[k].function, NULL, NULL);
  }
  if (host == NULL) abort();
  return host;
}

static void expect(bool condition, const char *what) {
  if (condition) return;
  fprintf(stderr, "harness: %s\n", what);
  abort();
}

static pf_process *join(pf_image *image, pf_host *host, harness_counts *counts) {
  pf_member members[3] = {{"main", 4, image, NULL}, {"lib", 3, image, NULL}, {"host", 4, NULL, host}};
  pf_limits limits = {.bss_total = 1 << 21, .stack_bytes = 0};
  pf_process *process;
  pf_error error;
  pf_outcome outcome = pf_link(members, 3, &limits, &process, &error);
  counts->links[outcome]++;
  expect((outcome == PF_OK) == (process != NULL), "a link gave both or neither of a process and a failure");
  return process;
}

static void call(pf_process *process, const char *name, size_t length, uint64_t seed, harness_counts *counts, bool *spent) {
  int64_t i[255];
  uint64_t n[255];
  uint32_t signature;
  pf_error error;
  pf_results results;
  pf_request request = {.module = "main", .module_length = 4, .function = name, .function_length = length, .i = i, .n = n,
                        .fuel = FUEL, .depth = DEPTH};
  if (pf_signature_of(process, &request, &signature, &error) == PF_OK) {
    request.i_count = pf_i_parameters(signature);
    request.n_count = pf_n_parameters(signature);
  }
  for (size_t k = 0; k < 255; k++) {
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    i[k] = (int64_t)(seed >> (seed % 61));
    n[k] = seed ^ seed >> 13;
  }
  pf_outcome outcome = pf_call(process, &request, &results, &error);
  counts->calls[outcome]++;
  expect(outcome < PF_IO_ERROR, "a call failed in a way that is no outcome");
  expect((outcome == PF_TRAP) == (outcome == error.outcome && error.trap != 0), "a trap without code");
  *spent = outcome == PF_EXHAUSTED;
}

static void run(pf_image *image, harness_counts *counts) {
  pf_error error;
  pf_outcome audit = pf_audit(image, &error);
  counts->audits[audit]++;
  pf_host *host = make_host();
  pf_process *process = join(image, host, counts);
  bool spent = false;
  for (uint32_t k = 0; k <= image->export_count && k < MOST_CALLS && process != NULL; k++) {
    pf_name name = {NULL, 0};
    if (k < image->export_count &&
        pf_read_name(image, pf_export_row(image, k) + PF_AT_EXPORT_ROW_NAME_OFFSET, &name, NULL) != PF_OK) {
      continue;
    }
    // The last turn calls the entry.
    call(process, (const char *)name.bytes, name.length, k, counts, &spent);
    if (spent) {
      pf_process_close(process);
      process = join(image, host, counts);
    }
  }
  for (uint32_t k = 0; k < image->function_count && k < MOST_CALLS; k++) {
    pf_outcome verdict = pf_verify(image, k, &error);
    expect(verdict == PF_OK || verdict == PF_INVALID || verdict == PF_CORRUPT, "a verdict that is none");
    expect(audit != PF_OK || verdict == PF_OK, "an audit passed a function that is invalid");
    expect(pf_verify(image, k, &error) == verdict, "a verdict changed");
  }
  pf_process_close(process);
  pf_host_close(host);
}

// Opens the file and does everything with it.
static pf_outcome open_and_run(int file, bool no_digests, harness_counts *counts) {
  pf_open_options options = {.descriptor = file, .no_digests = no_digests};
  pf_image *image;
  pf_error error;
  pf_outcome outcome = pf_image_open_with(&options, &image, &error);
  counts->opens[outcome]++;
  expect((outcome == PF_OK) == (image != NULL), "an open gave both or neither of an image and a failure");
  expect(outcome != PF_IO_ERROR, "a file that is there could not be opened");
  expect(outcome != PF_CORRUPT || !no_digests, "an open found damage without digests");
  bool hashed = image != NULL && image->digests != NULL;
  if (image != NULL) run(image, counts);
  pf_image_close(image);
  return hashed ? PF_CORRUPT : outcome;
}

void harness_run(const uint8_t *bytes, size_t length, harness_counts *counts) {
  static int file = -1;
  if (file < 0) file = memfd_create("harness", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, 0) != 0 || pwrite(file, bytes, length, 0) != (ssize_t)length) {
    perror("harness");
    abort();
  }
  // Most damage of a file with digests is met before anything else looks at it, so that is done without them as well.
  if (open_and_run(file, false, counts) == PF_CORRUPT) open_and_run(file, true, counts);
}
