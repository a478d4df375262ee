// Random numbers of harnesses: splitmix64, the same ones after the same `random_state`.
#ifndef PF_FUZZ_RANDOM_H
#define PF_FUZZ_RANDOM_H

#include <stddef.h>
#include <stdint.h>

static uint64_t random_state;

static inline uint64_t random_bits(void) {
  random_state += UINT64_C(0x9e3779b97f4a7c15);
  uint64_t z = random_state;
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

// A number from 0 to `bound` - 1; 0 where that is none.
static inline size_t below(size_t bound) { return bound == 0 ? 0 : (size_t)(random_bits() % bound); }

#endif
