// The harness as libFuzzer calls it.
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  harness_counts counts = {{0}, {0}, {0}, {0}};
  harness_run(bytes, length, &counts);
  return 0;
}
