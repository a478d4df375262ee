// SHA-256 (FIPS 180-4). Assumes nothing; promises the digest of the bytes added, in portable C on every host.
#ifndef PF_SHA256_H
#define PF_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { PF_SHA256_LENGTH = 32, PF_SHA256_CHUNK = 64 };

typedef struct pf_sha256 {
  uint32_t state[8];
  uint64_t length;                 // bytes added so far
  uint8_t chunk[PF_SHA256_CHUNK];  // those that fill no whole chunk yet
} pf_sha256;

void pf_sha256_begin(pf_sha256 *hash);
void pf_sha256_add(pf_sha256 *hash, const uint8_t *bytes, size_t length);
void pf_sha256_add_zeros(pf_sha256 *hash, size_t length);
void pf_sha256_end(pf_sha256 *hash, uint8_t digest[PF_SHA256_LENGTH]);

#endif
