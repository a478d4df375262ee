// Tests of the embedding interface: what the conformance suite cannot see through an adapter. Run from the loader's folder.
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "packfile.h"

static const char *const files[2] = {"tests/files/add.pkf", "tests/files/add-big.pkf"};

static bool twice(void *unused, pf_host_call *call) {
  (void)unused;
  call->i_results[0] = 2 * call->i[0];
  if (call->user != NULL) ++*(int *)call->user;
  return true;
}

static bool fail(void *unused, pf_host_call *call) {
  (void)unused;
  (void)call;
  return false;
}

static pf_outcome call(pf_process *process, const char *function, const int64_t *i, size_t i_count, const uint64_t *n,
                       size_t n_count, pf_results *results, pf_error *error, void *user) {
  pf_request request = {.module = "main",
                        .module_length = 4,
                        .function = function,
                        .function_length = function != NULL ? strlen(function) : 0,
                        .i = i,
                        .i_count = i_count,
                        .n = n,
                        .n_count = n_count,
                        .fuel = 1000000,
                        .depth = 1u << 30,
                        .user = user};
  return pf_call(process, &request, results, error);
}

static pf_outcome call0(pf_process *process, const char *function, pf_results *results, pf_error *error) {
  return call(process, function, NULL, 0, NULL, 0, results, error, NULL);
}

// A call from within a call is refused, and the outer one goes on.
static bool again(void *unused, pf_host_call *outer) {
  (void)unused;
  pf_results results;
  outer->i_results[0] = call0(outer->process, "first", &results, NULL) == PF_MISUSE;
  return true;
}

static pf_host *make_host(void) {
  pf_host *host = pf_host_create();
  CHECK(host != NULL);
  CHECK(pf_host_add(host, "double", 6, pf_signature(1, 0, 1, 0), twice, NULL, NULL) == PF_OK);
  CHECK(pf_host_add(host, "double", 6, pf_signature(1, 0, 1, 0), twice, NULL, NULL) == PF_MISUSE);
  CHECK(pf_host_add(host, "fail", 4, 0, fail, NULL, NULL) == PF_OK);
  CHECK(pf_host_add(host, "again", 5, pf_signature(0, 0, 1, 0), again, NULL, NULL) == PF_OK);
  return host;
}

static pf_process *join(pf_image *image, const pf_limits *limits) {
  pf_host *host = make_host();
  pf_member members[2] = {{"main", 4, image, NULL}, {"host", 4, NULL, host}};
  pf_process *process;
  pf_error error;
  CHECK(pf_link(members, 2, limits, &process, &error) == PF_OK);
  CHECK(pf_host_add(host, "late", 4, 0, fail, NULL, NULL) == PF_MISUSE);
  pf_host_close(host);
  return process;
}

static void test_calls(const char *file) {
  pf_image *image;
  pf_error error;
  pf_results results;
  CHECK(pf_image_open(file, &image, &error) == PF_OK);
  pf_process *process = join(image, NULL);
  pf_image_close(image);
  int64_t i[2] = {40, 2};
  uint64_t n[1] = {0x3ff8000000000000};
  int calls = 0;
  CHECK(call(process, "add", i, 2, NULL, 0, &results, &error, NULL) == PF_OK);
  CHECK(results.i_count == 1 && results.n_count == 0 && results.i[0] == 42);
  CHECK(call(process, "scale", i, 1, n, 1, &results, &error, &calls) == PF_OK);
  CHECK(results.i[0] == 80 && results.n[0] == 0x4008000000000000 && calls == 1);
  CHECK(call(process, "add", i, 1, NULL, 0, &results, &error, NULL) == PF_TRAP);
  CHECK(strcmp(pf_trap_name(error.trap), "signature-mismatch") == 0 && strcmp(error.rule, "PF-EXE-018") == 0);
  CHECK(call0(process, "absent", &results, &error) == PF_UNLINKABLE && error.message[0] != '\0');
  CHECK(call0(process, NULL, &results, &error) == PF_OK && results.i[0] == 42);
  CHECK(call0(process, "fails", &results, &error) == PF_TRAP && strcmp(pf_trap_name(error.trap), "host") == 0);
  CHECK(call0(process, "again", &results, &error) == PF_OK && results.i[0] == 1);
  CHECK(call0(process, "broken", &results, &error) == PF_INVALID && error.has_offset);
  pf_error second;
  CHECK(call0(process, "broken", &results, &second) == PF_INVALID && second.offset == error.offset);
  CHECK(call0(process, "write_text", &results, &error) == PF_TRAP);
  CHECK(call0(process, "bump", &results, &error) == PF_OK && results.i[0] == 42);
  CHECK(call0(process, "bump", &results, &error) == PF_OK && results.i[0] == 43);
  uint8_t *bytes;
  size_t size;
  uint8_t copy[8];
  CHECK(pf_process_segment(process, 0, 2, &bytes, &size) && size == 8 && bytes[0] == 43);
  CHECK(pf_process_segment(process, 0, 3, &bytes, &size) && size == 64 && bytes[63] == 0);
  CHECK(!pf_process_segment(process, 1, 1, &bytes, &size) && !pf_process_segment(process, 9, 1, &bytes, &size));
  CHECK(pf_memory_read(process, UINT64_C(2) << 32, copy, 8) && copy[0] == 43);
  CHECK(!pf_memory_read(process, UINT64_C(2) << 32, copy, 9) && !pf_memory_read(process, UINT64_MAX, copy, 1));
  CHECK(!pf_memory_write(process, UINT64_C(1) << 32, "x", 1) && pf_memory_write(process, UINT64_C(2) << 32, "\1", 1));
  CHECK(call0(process, "bump", &results, &error) == PF_OK && results.i[0] == 2);
  pf_stats stats;
  pf_process_stats(process, &stats);
  CHECK(stats.bytes_copied == 0 && stats.bytes_swapped == 0 && stats.functions_verified == 8);
  CHECK(call0(process, "spin", &results, &error) == PF_EXHAUSTED);
  CHECK(call0(process, "absent", &results, &error) == PF_EXHAUSTED && strcmp(error.rule, "PF-EXE-016") == 0);
  pf_process_close(process);
}

static void test_depth(const char *file) {
  pf_image *image;
  pf_results results;
  pf_error error;
  pf_limits limits = {.bss_total = 0, .stack_bytes = 32 << 20};
  int64_t frames = 4095;
  CHECK(pf_image_open(file, &image, &error) == PF_OK);
  pf_process *process = join(image, &limits);
  CHECK(call(process, "deep", &frames, 1, NULL, 0, &results, &error, NULL) == PF_OK && results.i[0] == frames);
  frames = 100000;
  CHECK(call(process, "deep", &frames, 1, NULL, 0, &results, &error, NULL) == PF_EXHAUSTED);
  CHECK(strcmp(error.rule, "PF-LIM-009") == 0);
  pf_process_close(process);
  pf_limits little = {.bss_total = 32, .stack_bytes = 0};
  pf_member member = {"main", 4, image, NULL};
  CHECK(pf_link(&member, 1, &little, &process, &error) == PF_EXHAUSTED && process == NULL);
  pf_image_close(image);
}

static void copy_file(const char *from, int to) {
  char bytes[65536];
  int source = open(from, O_RDONLY);
  ssize_t length = read(source, bytes, sizeof bytes);
  CHECK(source >= 0 && length > 0 && pwrite(to, bytes, (size_t)length, 0) == length);
  close(source);
}

static sigjmp_buf probe_jump;
static char *volatile probe_address;

static void on_probe(int number, siginfo_t *info, void *context) {
  (void)number;
  (void)context;
  probe_address = info->si_addr;
  siglongjmp(probe_jump, 1);
}

// Whether the system says where a SIGBUS was; qemu-user 7.2 for s390x gives another address. To be called before the
// loader installs its handler.
static bool tells_address(void) {
  char path[] = "/tmp/packfile-probe-XXXXXX";
  struct sigaction action;
  struct sigaction old;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_probe;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  int descriptor = mkstemp(path);
  CHECK(descriptor >= 0 && ftruncate(descriptor, 4096) == 0 && sigaction(SIGBUS, &action, &old) == 0);
  volatile char *bytes = mmap(NULL, 4096, PROT_READ, MAP_SHARED, descriptor, 0);
  CHECK(bytes != MAP_FAILED && ftruncate(descriptor, 0) == 0);
  if (sigsetjmp(probe_jump, 0) == 0) CHECK(bytes[0] == 0 && bytes == NULL);
  CHECK(sigaction(SIGBUS, &old, NULL) == 0);
  munmap((void *)(uintptr_t)bytes, 4096);
  close(descriptor);
  unlink(path);
  return (uintptr_t)probe_address - (uintptr_t)bytes < 4096;
}

// The file loses its end while it is mapped: calls that need what is lost fail, nothing else does.
static void test_truncation(const char *file) {
  char path[] = "/tmp/packfile-test-XXXXXX";
  int descriptor = mkstemp(path);
  CHECK(descriptor >= 0);
  copy_file(file, descriptor);
  pf_image *image;
  pf_image *other;
  pf_error error;
  pf_results results;
  pf_header header;
  int64_t i[2] = {1, 2};
  CHECK(pf_image_open(path, &image, &error) == PF_OK);
  CHECK(pf_image_header(image, &header, &error) == PF_OK && header.file_length > 2 * header.unit);
  pf_process *process = join(image, NULL);
  CHECK(pf_image_open(file, &other, &error) == PF_OK);
  pf_process *bystander = join(other, NULL);
  CHECK(call(process, "add", i, 2, NULL, 0, &results, &error, NULL) == PF_OK);
  CHECK(call0(process, "first", &results, &error) == PF_OK && results.i[0] == 'a');
  // Only rodata and data are lost, then code as well, and at last everything.
  CHECK(ftruncate(descriptor, (off_t)header.unit * 2) == 0);
  CHECK(call0(process, "first", &results, &error) == PF_MALFORMED && strcmp(error.rule, "PF-HDR-011") == 0);
  CHECK(error.has_offset && error.offset >= header.unit * 2);
  CHECK(call0(process, "bump", &results, &error) == PF_MALFORMED);
  uint8_t byte;
  CHECK(!pf_memory_read(process, UINT64_C(1) << 32, &byte, 1));
  CHECK(call(process, "add", i, 2, NULL, 0, &results, &error, NULL) == PF_OK && results.i[0] == 3);
  CHECK(ftruncate(descriptor, (off_t)header.unit) == 0);
  CHECK(call(process, "add", i, 2, NULL, 0, &results, &error, NULL) == PF_MALFORMED);
  CHECK(call0(process, "again", &results, &error) == PF_MALFORMED);
  CHECK(pf_audit(image, &error) == PF_MALFORMED && pf_verify(image, 9, &error) == PF_MALFORMED);
  CHECK(ftruncate(descriptor, 0) == 0);
  CHECK(pf_image_header(image, &header, &error) == PF_MALFORMED);
  CHECK(call(process, "add", i, 2, NULL, 0, &results, &error, NULL) == PF_MALFORMED);
  pf_member member = {"main", 4, image, NULL};
  pf_process *third;
  CHECK(pf_link(&member, 1, NULL, &third, &error) == PF_MALFORMED && third == NULL);
  CHECK(call(bystander, "add", i, 2, NULL, 0, &results, &error, NULL) == PF_OK && results.i[0] == 3);
  // Once the bytes are back the process goes on.
  copy_file(file, descriptor);
  CHECK(call(process, "add", i, 2, NULL, 0, &results, &error, NULL) == PF_OK && results.i[0] == 3);
  pf_process_close(process);
  pf_process_close(bystander);
  pf_image_close(image);
  pf_image_close(other);
  close(descriptor);
  unlink(path);
}

static void *work(void *image) {
  pf_results results;
  pf_error error;
  for (int turn = 0; turn < 50; turn++) {
    pf_process *process = join(image, NULL);
    for (int64_t k = 0; k < 50; k++) {
      int64_t i[2] = {k, turn};
      CHECK(call(process, "add", i, 2, NULL, 0, &results, &error, NULL) == PF_OK && results.i[0] == k + turn);
      CHECK(call0(process, "bump", &results, &error) == PF_OK && results.i[0] == 42 + k);
    }
    pf_process_close(process);
  }
  return NULL;
}

static void test_threads(const char *file) {
  pf_image *image;
  pthread_t threads[4];
  CHECK(pf_image_open(file, &image, NULL) == PF_OK);
  for (int k = 0; k < 4; k++) CHECK(pthread_create(&threads[k], NULL, work, image) == 0);
  for (int k = 0; k < 4; k++) CHECK(pthread_join(threads[k], NULL) == 0);
  pf_image_close(image);
}

static void test_refusals(void) {
  pf_image *image;
  pf_error error;
  CHECK(pf_image_open("tests/files/absent.pkf", &image, &error) == PF_IO_ERROR && image == NULL);
  CHECK(pf_image_open("tests/files", &image, &error) == PF_IO_ERROR && image == NULL);
  CHECK(pf_image_open("tests/api.c", &image, &error) == PF_MALFORMED && strcmp(error.rule, "PF-HDR-002") == 0);
  CHECK(pf_image_open("/dev/null", &image, NULL) == PF_IO_ERROR);
  pf_process *process;
  pf_member neither = {"x", 1, NULL, NULL};
  CHECK(pf_link(&neither, 1, NULL, &process, &error) == PF_MISUSE && process == NULL);
  CHECK(pf_link(NULL, 0, NULL, &process, &error) == PF_OK);
  pf_results results;
  CHECK(call0(process, "f", &results, &error) == PF_UNLINKABLE);
  pf_process_close(process);
  pf_process_close(NULL);
  pf_image_close(NULL);
  pf_host_close(NULL);
}

int main(void) {
  bool truncation = tells_address();
  if (!truncation) puts("this system does not say where a SIGBUS was: files that are cut short are left out");
  for (int k = 0; k < 2; k++) {
    test_calls(files[k]);
    test_depth(files[k]);
    if (truncation) test_truncation(files[k]);
    test_threads(files[k]);
  }
  test_refusals();
  puts("the interface does what it says");
  return 0;
}
