// Arithmetic on the bits of binary64. Assumes the default rounding mode and a double that is evaluated as binary64; promises the
// canonical NaN from everything that is arithmetic, and never to move a NaN through a conversion otherwise.
#ifndef PF_FLOATS_H
#define PF_FLOATS_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// 1 is what s390x says: floats are evaluated as doubles, and doubles as themselves.
#if (FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 1) || DBL_MANT_DIG != 53
#error "doubles are evaluated with more precision than binary64"
#endif

#define PF_NAN UINT64_C(0x7ff8000000000000)
#define PF_NAN32 UINT32_C(0x7fc00000)
#define PF_SIGN (UINT64_C(1) << 63)

static inline double pf_float(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static inline uint64_t pf_bits(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline uint64_t pf_canonical(double x) { return __builtin_expect(x != x, 0) ? PF_NAN : pf_bits(x); }

static inline uint64_t pf_f_min(uint64_t x_bits, uint64_t y_bits) {
  double x = pf_float(x_bits);
  double y = pf_float(y_bits);
  if (x < y) return x_bits;
  if (y < x) return y_bits;
  // Equal ones differ at most in the sign of zero.
  return x == y ? x_bits | y_bits : PF_NAN;
}

static inline uint64_t pf_f_max(uint64_t x_bits, uint64_t y_bits) {
  double x = pf_float(x_bits);
  double y = pf_float(y_bits);
  if (x > y) return x_bits;
  if (y > x) return y_bits;
  return x == y ? x_bits & y_bits : PF_NAN;
}

static inline uint64_t pf_promote(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return pf_canonical((double)x);
}

static inline uint32_t pf_demote(uint64_t bits) {
  double x = pf_float(bits);
  if (x != x) return PF_NAN32;
  float narrow = (float)x;
  uint32_t result;
  memcpy(&result, &narrow, sizeof result);
  return result;
}

// The bounds are floats that are exact: 2^63, 2^64, and the greatest float below -2^63 is less by 2048.
static inline bool pf_fits_s(double x) { return x >= -0x1p63 && x < 0x1p63; }
static inline bool pf_fits_u(double x) { return x > -1.0 && x < 0x1p64; }

static inline uint64_t pf_saturate_s(double x) {
  if (pf_fits_s(x)) return (uint64_t)(int64_t)x;
  if (x != x) return 0;
  return x < 0 ? PF_SIGN : PF_SIGN - 1;
}

static inline uint64_t pf_saturate_u(double x) {
  if (pf_fits_u(x)) return (uint64_t)x;
  if (x != x || x < 0) return 0;
  return UINT64_MAX;
}

#endif
