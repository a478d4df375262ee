// Reads what the builder says. Assumes nothing of it; promises never to read past its end.
#ifndef PF_GUIDED_READER_H
#define PF_GUIDED_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What was not read yet.
typedef struct reader {
  const uint8_t *bytes;
  size_t left;
} reader;

// Bytes where they lie; NULL where the builder says that there are none.
typedef struct bytes_read {
  const uint8_t *bytes;
  size_t length;
} bytes_read;

uint32_t read_number(reader *from);
uint64_t read_long(reader *from);
bytes_read read_bytes(reader *from);

// As many as are said to be there, but at most `room`.
size_t read_longs(reader *from, uint64_t *values, size_t room);

bool is_at_end(const reader *from);

#endif
