// See utf8.h.
#include "utf8.h"

bool pf_is_utf8(const uint8_t *bytes, size_t length) {
  for (size_t k = 0; k < length;) {
    uint8_t first = bytes[k++];
    if (first < 0x80) continue;
    unsigned more;
    uint32_t point;
    uint32_t least;
    if (first >= 0xc2 && first <= 0xdf) {
      more = 1, point = first & 0x1f, least = 0x80;
    } else if (first >= 0xe0 && first <= 0xef) {
      more = 2, point = first & 0x0f, least = 0x800;
    } else if (first >= 0xf0 && first <= 0xf4) {
      more = 3, point = first & 0x07, least = 0x10000;
    } else {
      return false;
    }
    if (length - k < more) return false;
    for (; more > 0; more--) {
      if ((bytes[k] & 0xc0) != 0x80) return false;
      point = point << 6 | (bytes[k++] & 0x3f);
    }
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
  }
  return true;
}
