// See sha256.h.
#include "sha256.h"

#include <string.h>

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t x, unsigned by) { return x >> by | x << (32 - by); }

static uint32_t get(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static void put(uint8_t *p, uint32_t x) {
  for (unsigned k = 0; k < 4; k++) p[k] = (uint8_t)(x >> (24 - 8 * k));
}

// One round; the eight words move on by a change of their names, once round in eight of them.
#define ROUND(a, b, c, d, e, f, g, h, k)                                                                                       \
  do {                                                                                                                         \
    (h) += (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((g) ^ ((e) & ((f) ^ (g)))) + constants[k] + w[k];                         \
    (d) += (h);                                                                                                                \
    (h) += (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + (((a) & (b)) | ((c) & ((a) | (b))));                                     \
  } while (0)

static void mix(uint32_t state[8], const uint8_t *chunk) {
  uint32_t w[64];
  for (unsigned k = 0; k < 16; k++) w[k] = get(chunk + 4 * k);
  for (unsigned k = 16; k < 64; k++) {
    uint32_t x = turn(w[k - 15], 7) ^ turn(w[k - 15], 18) ^ w[k - 15] >> 3;
    uint32_t y = turn(w[k - 2], 17) ^ turn(w[k - 2], 19) ^ w[k - 2] >> 10;
    w[k] = w[k - 16] + x + w[k - 7] + y;
  }
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
  for (unsigned k = 0; k < 64; k += 8) {
    ROUND(a, b, c, d, e, f, g, h, k);
    ROUND(h, a, b, c, d, e, f, g, k + 1);
    ROUND(g, h, a, b, c, d, e, f, k + 2);
    ROUND(f, g, h, a, b, c, d, e, k + 3);
    ROUND(e, f, g, h, a, b, c, d, k + 4);
    ROUND(d, e, f, g, h, a, b, c, k + 5);
    ROUND(c, d, e, f, g, h, a, b, k + 6);
    ROUND(b, c, d, e, f, g, h, a, k + 7);
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
  state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void pf_sha256_begin(pf_sha256 *hash) {
  static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memcpy(hash->state, start, sizeof start);
  hash->length = 0;
}

void pf_sha256_add(pf_sha256 *hash, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    size_t used = hash->length % PF_SHA256_CHUNK;
    size_t part = PF_SHA256_CHUNK - used < length ? PF_SHA256_CHUNK - used : length;
    if (part == PF_SHA256_CHUNK) {
      mix(hash->state, bytes);
    } else {
      memcpy(hash->chunk + used, bytes, part);
      if (used + part == PF_SHA256_CHUNK) mix(hash->state, hash->chunk);
    }
    hash->length += part;
    bytes += part;
    length -= part;
  }
}

void pf_sha256_add_zeros(pf_sha256 *hash, size_t length) {
  static const uint8_t zeros[PF_SHA256_CHUNK];
  for (; length > PF_SHA256_CHUNK; length -= PF_SHA256_CHUNK) pf_sha256_add(hash, zeros, PF_SHA256_CHUNK);
  pf_sha256_add(hash, zeros, length);
}

void pf_sha256_end(pf_sha256 *hash, uint8_t digest[PF_SHA256_LENGTH]) {
  uint64_t bits = hash->length * 8;
  uint8_t length[8];
  put(length, (uint32_t)(bits >> 32));
  put(length + 4, (uint32_t)bits);
  pf_sha256_add(hash, (const uint8_t *)"\x80", 1);
  pf_sha256_add_zeros(hash, (2 * PF_SHA256_CHUNK - sizeof length - hash->length % PF_SHA256_CHUNK) % PF_SHA256_CHUNK);
  pf_sha256_add(hash, length, sizeof length);
  for (unsigned k = 0; k < 8; k++) put(digest + 4 * k, hash->state[k]);
}
