// Whether bytes are UTF-8. Assumes nothing.
#ifndef PF_UTF8_H
#define PF_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Well-formed as PF-SEC-005 says: no overlong form, no surrogate, nothing above U+10FFFF.
bool pf_is_utf8(const uint8_t *bytes, size_t length);

#endif
