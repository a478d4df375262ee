// See reader.h.
#include "reader.h"

#include <stdio.h>
#include <stdlib.h>

static const uint8_t *take(reader *from, size_t length) {
  if (length > from->left) {
    fprintf(stderr, "guided: the builder said less than it should\n");
    abort();
  }
  const uint8_t *bytes = from->bytes;
  from->bytes += length;
  from->left -= length;
  return bytes;
}

static uint64_t number_of(const uint8_t *bytes, unsigned length) {
  uint64_t value = 0;
  for (unsigned k = 0; k < length; k++) value |= (uint64_t)bytes[k] << (8 * k);
  return value;
}

uint32_t read_number(reader *from) { return (uint32_t)number_of(take(from, 4), 4); }

uint64_t read_long(reader *from) { return number_of(take(from, 8), 8); }

bytes_read read_bytes(reader *from) {
  uint32_t length = read_number(from);
  if (length == UINT32_MAX) return (bytes_read){NULL, 0};
  return (bytes_read){take(from, length), length};
}

size_t read_longs(reader *from, uint64_t *values, size_t room) {
  size_t count = read_number(from);
  for (size_t k = 0; k < count && k < room; k++) values[k] = read_long(from);
  return count < room ? count : room;
}

bool is_at_end(const reader *from) { return from->left == 0; }
