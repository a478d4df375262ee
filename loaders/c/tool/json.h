// A reader and writer of JSON. Assumes nothing of the text; promises to refuse what RFC 8259 refuses, bytes that are not UTF-8, and
// nesting deeper than its bound. A string with a lone surrogate has no UTF-8, so it is a value of a type of its own.
#ifndef PF_TOOL_JSON_H
#define PF_TOOL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

typedef enum json_type { JSON_NULL, JSON_TRUE, JSON_FALSE, JSON_NUMBER, JSON_STRING, JSON_BROKEN_STRING, JSON_ARRAY, JSON_OBJECT } json_type;

typedef struct json json;
struct json {
  json_type type;
  const char *text;  // of a string, decoded; of a number, as written
  size_t length;
  const char *key;   // of a member of an object
  size_t key_length;
  json *first;       // of an array or object
  json *next;
};

typedef struct json_chunk json_chunk;

// Memory of one document.
typedef struct json_arena {
  json_chunk *chunks;
} json_arena;

// Reads a whole text; NULL if it is not exactly one value.
json *json_read(json_arena *arena, const char *text, size_t length);
void json_release(json_arena *arena);

// The member of that key, the last if there are several; NULL if there is none or the value is no object.
json *json_member(const json *object, const char *key);

bool json_is(const json *value, json_type type);

// Appends a string with its quotes. The bytes have to be UTF-8.
void json_write_string(buffer *b, const char *text, size_t length);

#endif
