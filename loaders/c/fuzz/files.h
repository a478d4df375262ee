// Reads whole files, for the fuzzing programs. Assumes files of moderate size; promises NULL if one cannot be read.
#ifndef PF_FUZZ_FILES_H
#define PF_FUZZ_FILES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static inline uint8_t *read_stream(FILE *stream, size_t *length) {
  uint8_t *bytes = NULL;
  size_t room = 0;
  *length = 0;
  for (;;) {
    if (*length == room) {
      room = room == 0 ? 1 << 16 : room * 2;
      uint8_t *more = realloc(bytes, room);
      if (more == NULL) break;
      bytes = more;
    }
    size_t got = fread(bytes + *length, 1, room - *length, stream);
    if (got == 0) {
      if (ferror(stream)) break;
      return bytes;
    }
    *length += got;
  }
  free(bytes);
  return NULL;
}

static inline uint8_t *read_file(const char *path, size_t *length) {
  FILE *stream = fopen(path, "rb");
  if (stream == NULL) return NULL;
  uint8_t *bytes = read_stream(stream, length);
  fclose(stream);
  return bytes;
}

#endif
