// Tests of digests through the embedding interface: damage is found at first use, at each use, and not sooner. Run from the loader's folder.
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "packfile.h"

// A damaged gap would be malformed in an audit, so what is damaged is the literal of an address, and bytes of segments.
enum { BLOCK = 4096, CODE = BLOCK, RODATA = 2 * BLOCK, DATA = 5 * BLOCK, TREE = 6 * BLOCK + 8 };

static pf_outcome call(pf_process *process, const char *function, int64_t *i, pf_error *error) {
  pf_results results;
  pf_request request = {.module = "main", .module_length = 4, .function = function, .function_length = strlen(function),
                        .i = i, .i_count = strcmp(function, "copy") == 0, .fuel = 100, .depth = 100};
  pf_outcome outcome = pf_call(process, &request, &results, error);
  if (outcome == PF_OK && results.i_count > 0) *i = results.i[0];
  return outcome;
}

// A copy of the file, with a bit flipped at `at` if that is not negative.
static pf_outcome open_damaged(long at, bool no_digests, pf_image **image, pf_error *error) {
  char path[] = "/tmp/packfile-digests-XXXXXX";
  uint8_t bytes[8 * BLOCK];
  int source = open("tests/files/hashed.pkf", O_RDONLY);
  int copy = mkstemp(path);
  ssize_t length = read(source, bytes, sizeof bytes);
  CHECK(source >= 0 && copy >= 0 && length > TREE && length < (ssize_t)sizeof bytes);
  if (at >= 0) bytes[at] ^= 1;
  CHECK(write(copy, bytes, (size_t)length) == length);
  pf_open_options options = {.path = NULL, .descriptor = copy, .no_digests = no_digests};
  pf_outcome outcome = pf_image_open_with(&options, image, error);
  CHECK((outcome == PF_OK) == (*image != NULL));
  close(source);
  close(copy);
  unlink(path);
  return outcome;
}

static pf_process *join(pf_image *image) {
  pf_process *process;
  pf_error error;
  pf_member member = {"main", 4, image, NULL};
  CHECK(pf_link(&member, 1, NULL, &process, &error) == PF_OK);
  return process;
}

static void test_counts(void) {
  pf_image *image;
  pf_error error;
  pf_stats stats;
  int64_t i = 0;
  CHECK(pf_image_open("tests/files/hashed.pkf", &image, &error) == PF_OK);
  pf_image_stats(image, &stats);
  CHECK(stats.blocks_checked == 1 && stats.nodes_checked == 1);
  pf_process *process = join(image);
  pf_process_stats(process, &stats);
  CHECK(stats.blocks_checked == 1);
  CHECK(call(process, "third", &i, &error) == PF_OK && i == -2);
  pf_process_stats(process, &stats);
  CHECK(stats.blocks_checked == 3 && stats.nodes_checked == 1);
  for (int64_t turn = 42; turn < 50; turn++) CHECK(call(process, "bump", &i, &error) == PF_OK && i == turn);
  pf_process_stats(process, &stats);
  CHECK(stats.blocks_checked == 4);
  // Lengths: nothing of zero bytes is checked, and a copy of two blocks checks both.
  i = 0;
  CHECK(call(process, "copy", &i, &error) == PF_OK && i == 49);
  i = BLOCK + 1;
  CHECK(call(process, "copy", &i, &error) == PF_OK && i == 'a');
  pf_process_stats(process, &stats);
  CHECK(stats.blocks_checked == 7 && stats.bytes_copied == 0);
  CHECK(pf_audit(image, &error) == PF_OK);
  pf_image_stats(image, &stats);
  CHECK(stats.blocks_checked == 14 && stats.nodes_checked == 2);
  pf_process_close(process);
  pf_image_close(image);
}

// Damage at a place makes one function corrupt, each time, and no other.
static void test_damage(long at, const char *function, const char *rule) {
  static const char *const all[] = {"first", "second", "third", "bump", "poke"};
  pf_image *image;
  pf_error error;
  CHECK(open_damaged(at, false, &image, &error) == PF_OK);
  pf_process *process = join(image);
  for (int turn = 0; turn < 3; turn++) {
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
      int64_t i;
      bool hit = function == NULL || strcmp(all[k], function) == 0;
      CHECK(call(process, all[k], &i, &error) == (hit ? PF_CORRUPT : PF_OK));
      if (hit) CHECK(strcmp(error.rule, rule) == 0 && error.has_offset && error.offset / BLOCK == (uint64_t)at / BLOCK);
    }
  }
  CHECK(pf_audit(image, &error) == PF_CORRUPT && strcmp(error.rule, rule) == 0);
  // A host function that reaches for it gets nothing, and changes nothing.
  uint8_t byte = 9;
  uint64_t segment = at < DATA ? 1 : 2;
  uint64_t address = segment << 32 | ((uint64_t)at - (segment == 1 ? RODATA : DATA));
  if (at >= RODATA) CHECK(!pf_memory_read(process, address, &byte, 1) && byte == 9);
  if (at >= DATA) CHECK(!pf_memory_write(process, address, "x", 1));
  pf_process_close(process);
  pf_image_close(image);
  CHECK(open_damaged(at, true, &image, &error) == PF_OK);
  process = join(image);
  int64_t i;
  if (at >= RODATA) CHECK(call(process, "second", &i, &error) == PF_OK && pf_audit(image, &error) == PF_OK);
  pf_process_close(process);
  pf_image_close(image);
}

// A store needs its block, and a copy both of its ranges, before a byte changes.
static void test_copy(void) {
  pf_image *image;
  pf_error error;
  uint8_t byte = 0;
  CHECK(open_damaged(RODATA + BLOCK + 99, false, &image, &error) == PF_OK);
  pf_process *process = join(image);
  int64_t i = BLOCK + 1;
  CHECK(call(process, "copy", &i, &error) == PF_CORRUPT);
  CHECK(pf_memory_read(process, UINT64_C(2) << 32, &byte, 1) && byte == 41);
  i = BLOCK;
  CHECK(call(process, "copy", &i, &error) == PF_OK && i == 'a');
  pf_process_close(process);
  pf_image_close(image);
}

static void test_open(void) {
  pf_image *image;
  pf_error error;
  static const long places[] = {28, 32, 64 + 4, 200, TREE};
  for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
    pf_outcome outcome = open_damaged(places[k], false, &image, &error);
    // A damaged length or offset is malformed, as it is without digests.
    CHECK(outcome == (places[k] == 64 + 4 ? PF_MALFORMED : PF_CORRUPT) && image == NULL);
  }
  CHECK(open_damaged(TREE, true, &image, &error) == PF_OK);
  pf_image_close(image);
}

static void *work(void *image) {
  pf_error error;
  int64_t i;
  for (int turn = 0; turn < 50; turn++) {
    pf_process *process = join(image);
    CHECK(call(process, "first", &i, &error) == PF_OK && i == 'a');
    CHECK(call(process, "second", &i, &error) == PF_CORRUPT);
    CHECK(call(process, "third", &i, &error) == PF_OK && i == -2);
    pf_process_close(process);
  }
  return NULL;
}

static void test_threads(void) {
  pf_image *image;
  pthread_t threads[4];
  CHECK(open_damaged(RODATA + BLOCK, false, &image, NULL) == PF_OK);
  for (int k = 0; k < 4; k++) CHECK(pthread_create(&threads[k], NULL, work, image) == 0);
  for (int k = 0; k < 4; k++) CHECK(pthread_join(threads[k], NULL) == 0);
  pf_image_close(image);
}

int main(void) {
  test_counts();
  test_damage(CODE + 4, NULL, "PF-INT-003");
  test_damage(RODATA, "first", "PF-INT-003");
  test_damage(RODATA + BLOCK + 7, "second", "PF-INT-003");
  test_damage(RODATA + 2 * BLOCK, "third", "PF-INT-003");
  test_damage(DATA + BLOCK - 1, "bump", "PF-INT-003");
  test_damage(DATA + BLOCK, "poke", "PF-INT-003");
  test_copy();
  test_open();
  test_threads();
  puts("digests are checked when they have to be");
  return 0;
}
