// Drives the loader in C as drivers/python_opener.py drives the reference: the same requests, the same answers.
#include <packfile.h>

#include "lines.h"

enum { MAX_IMAGES = 2 };
static const uint64_t FUEL = (UINT64_C(1) << 53) - 1;
static const uint64_t DEPTH = 4096;
static const pf_limits LIMITS = {.stack_bytes = 32u << 20};  // the least that conforms, so that a limit on address space can be low

static pf_image *images[MAX_IMAGES];
static pf_process *process;

static void check(pf_outcome outcome, const pf_error *error) {
  if (outcome != PF_OK) fail("%s: %s", pf_outcome_name(outcome), error->message);
}

static void unlink_all(void) {
  pf_process_close(process);
  process = NULL;
}

static void release(void) {
  unlink_all();
  for (int k = 0; k < MAX_IMAGES; k++) {
    pf_image_close(images[k]);
    images[k] = NULL;
  }
}

static void open_image(int k, const char *path) {
  pf_error error;
  check(pf_image_open(path, &images[k], &error), &error);
}

static void link_all(void) {
  static const char *const names[MAX_IMAGES] = {"main", "lib"};
  pf_member members[MAX_IMAGES];
  size_t count = 0;
  for (; count < MAX_IMAGES && images[count] != NULL; count++) {
    members[count] = (pf_member){names[count], strlen(names[count]), images[count], NULL};
  }
  unlink_all();
  pf_error error;
  check(pf_link(members, count, &LIMITS, &process, &error), &error);
}

static long long call(const char *function, const char *const *words) {
  int64_t arguments[MAX_WORDS];
  size_t count = 0;
  for (; words[count][0] != '\0'; count++) arguments[count] = number(words[count]);
  pf_request request = {.module = "main", .module_length = 4, .function = function, .function_length = strlen(function),
                        .i = arguments, .i_count = count, .fuel = FUEL, .depth = DEPTH};
  static pf_results results;
  pf_error error;
  check(pf_call(process, &request, &results, &error), &error);
  return results.i_count > 0 ? results.i[0] : 0;
}

static long long verify_all(const char *path, uint32_t functions) {
  release();
  open_image(0, path);
  pf_error error;
  for (uint32_t k = 0; k < functions; k++) check(pf_verify(images[0], k, &error), &error);
  pf_stats stats;
  pf_image_stats(images[0], &stats);
  return (long long)stats.words_verified;
}

int main(void) {
  static const char *const no_arguments[] = {""};
  char *line = NULL;
  size_t room = 0;
  const char *words[MAX_WORDS];
  while (next_request(&line, &room, words)) {
    long long value = 0;
    if (strcmp(words[0], "open") == 0) {
      for (long long k = number(words[2]); k > 0; k--) {
        release();
        open_image(0, words[1]);
        link_all();
        value = call("first", no_arguments);
      }
    } else if (strcmp(words[0], "images") == 0) {
      release();
      for (int k = 0; k < MAX_IMAGES && words[k + 1][0] != '\0'; k++) open_image(k, words[k + 1]);
    } else if (strcmp(words[0], "link") == 0) {
      for (long long k = number(words[1]); k > 0; k--) link_all();
    } else if (strcmp(words[0], "call") == 0) {
      value = call(words[1], words + 2);
    } else if (strcmp(words[0], "verify") == 0) {
      value = verify_all(words[1], (uint32_t)number(words[2]));
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
