// Integers as they lie in a file. Assumes only that the bytes asked for are mapped; promises the value whatever
// the orders of file and host. `foreign` says that the two orders differ.
#ifndef PF_BYTES_H
#define PF_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define PF_HOST_BIG 1
#else
#define PF_HOST_BIG 0
#endif

static inline uint16_t pf_swap2(uint16_t x) { return (uint16_t)((unsigned)x << 8 | (unsigned)x >> 8); }

static inline uint32_t pf_swap4(uint32_t x) {
#if defined(__GNUC__)
  return __builtin_bswap32(x);
#else
  return x << 24 | (x & 0xff00u) << 8 | (x >> 8 & 0xff00u) | x >> 24;
#endif
}

static inline uint64_t pf_swap8(uint64_t x) {
  return (uint64_t)pf_swap4((uint32_t)x) << 32 | pf_swap4((uint32_t)(x >> 32));
}

static inline uint16_t pf_u2(const uint8_t *p, bool foreign) {
  uint16_t x;
  memcpy(&x, p, sizeof x);
  return foreign ? pf_swap2(x) : x;
}

static inline uint32_t pf_u4(const uint8_t *p, bool foreign) {
  uint32_t x;
  memcpy(&x, p, sizeof x);
  return foreign ? pf_swap4(x) : x;
}

static inline uint64_t pf_u8(const uint8_t *p, bool foreign) {
  uint64_t x;
  memcpy(&x, p, sizeof x);
  return foreign ? pf_swap8(x) : x;
}

#endif
