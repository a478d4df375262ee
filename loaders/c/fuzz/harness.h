// Everything that is ever done to a file, done to hostile bytes. Assumes nothing of them; promises to return, within
// bounded time and memory, or to show a defect by ending the program.
#ifndef PF_FUZZ_HARNESS_H
#define PF_FUZZ_HARNESS_H

#include "packfile.h"

enum { HARNESS_OUTCOMES = PF_MISUSE + 1 };

// How often each outcome came, by the operation that gave it.
typedef struct harness_counts {
  uint64_t opens[HARNESS_OUTCOMES];
  uint64_t audits[HARNESS_OUTCOMES];
  uint64_t links[HARNESS_OUTCOMES];
  uint64_t calls[HARNESS_OUTCOMES];
} harness_counts;

void harness_run(const uint8_t *bytes, size_t length, harness_counts *counts);

#endif
