// The process that turns an input into a program: `python -m packfile_fuzz.guided build`. Assumes that it can be started;
// promises whole answers, and ends this program with a reason where there is none, since that is a finding.
#ifndef PF_GUIDED_BUILDER_H
#define PF_GUIDED_BUILDER_H

#include <stddef.h>
#include <stdint.h>

// The generator's bytes are items of this many.
enum { ITEM = 8 };

// What the builder says of itself: how many items stand before the bodies, and how many are read at all.
typedef struct builder_sizes {
  uint32_t head;
  uint32_t most;
} builder_sizes;

// Starts the builder, at the first use of either function. PACKFILE_FUZZ_BUILDER names another command.
builder_sizes builder_ask_sizes(void);

// The program of an input. It stays as it is until the next one.
const uint8_t *builder_ask(const uint8_t *input, size_t length, size_t *answer_length);

#endif
