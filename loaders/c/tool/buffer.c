// See buffer.h.
#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *need(void *memory) {
  if (memory == NULL) {
    fputs("pf: no memory\n", stderr);
    exit(3);
  }
  return memory;
}

void buffer_add(buffer *b, const char *text, size_t length) {
  if (b->room - b->length < length + 1) {
    size_t room = b->room * 2 > b->length + length + 1 ? b->room * 2 : b->length + length + 1;
    b->text = need(realloc(b->text, room));
    b->room = room;
  }
  if (length > 0) memcpy(b->text + b->length, text, length);
  b->length += length;
  b->text[b->length] = '\0';
}

void buffer_puts(buffer *b, const char *text) { buffer_add(b, text, strlen(text)); }

void buffer_printf(buffer *b, const char *format, ...) {
  char small[512];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(small, sizeof small, format, arguments);
  va_end(arguments);
  if (length < 0) return;
  buffer_add(b, small, (size_t)length < sizeof small ? (size_t)length : sizeof small - 1);
}

void buffer_clear(buffer *b) { b->length = 0; }

void buffer_free(buffer *b) {
  free(b->text);
  *b = (buffer){NULL, 0, 0};
}
