// The harness as a program that reads files, or standard input, for AFL and for reproducing a finding.
#include "files.h"
#include "harness.h"

int main(int count, char **arguments) {
  harness_counts counts = {{0}, {0}, {0}, {0}};
  for (int k = 1; k < count || k == 1; k++) {
    size_t length;
    uint8_t *bytes = count == 1 ? read_stream(stdin, &length) : read_file(arguments[k], &length);
    if (bytes == NULL) {
      perror(count == 1 ? "standard input" : arguments[k]);
      return 2;
    }
    harness_run(bytes, length, &counts);
    free(bytes);
  }
  return 0;
}
