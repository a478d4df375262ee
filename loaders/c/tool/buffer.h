// A growing run of bytes. Assumes that a program without memory may end; promises that `text` is followed by a zero byte.
#ifndef PF_TOOL_BUFFER_H
#define PF_TOOL_BUFFER_H

#include <stddef.h>

typedef struct buffer {
  char *text;
  size_t length;
  size_t room;
} buffer;

void buffer_add(buffer *b, const char *text, size_t length);
void buffer_puts(buffer *b, const char *text);
void buffer_printf(buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_clear(buffer *b);
void buffer_free(buffer *b);

// Memory, or the end of the program.
void *need(void *memory);

#endif
