// The four counts of a signature word. Assumes nothing.
#ifndef PF_SIGNATURE_H
#define PF_SIGNATURE_H

#include <stdint.h>

static inline uint32_t pf_i_parameters(uint32_t signature) { return signature & 0xff; }
static inline uint32_t pf_n_parameters(uint32_t signature) { return signature >> 8 & 0xff; }
static inline uint32_t pf_i_results(uint32_t signature) { return signature >> 16 & 0xff; }
static inline uint32_t pf_n_results(uint32_t signature) { return signature >> 24; }

#endif
