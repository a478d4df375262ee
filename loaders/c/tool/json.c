// See json.h.
#include "json.h"

#include <stdlib.h>
#include <string.h>

#include "../src/utf8.h"

enum { DEEPEST = 64, CHUNK = 1 << 16 };

struct json_chunk {
  json_chunk *next;
  size_t used;
  size_t room;
  max_align_t memory[];
};

typedef struct reader {
  json_arena *arena;
  const char *at;
  const char *end;
  int depth;
  bool lone_surrogate;  // in the string that was read last
} reader;

static void *allocate(json_arena *arena, size_t size) {
  size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
  json_chunk *chunk = arena->chunks;
  if (chunk == NULL || chunk->room - chunk->used < size) {
    size_t room = size > CHUNK ? size : CHUNK;
    chunk = need(malloc(sizeof *chunk + room));
    *chunk = (json_chunk){arena->chunks, 0, room};
    arena->chunks = chunk;
  }
  void *memory = (char *)chunk->memory + chunk->used;
  chunk->used += size;
  return memory;
}

void json_release(json_arena *arena) {
  while (arena->chunks != NULL) {
    json_chunk *next = arena->chunks->next;
    free(arena->chunks);
    arena->chunks = next;
  }
}

static void skip_space(reader *r) {
  while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')) r->at++;
}

static bool take(reader *r, const char *word) {
  size_t length = strlen(word);
  if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0) return false;
  r->at += length;
  return true;
}

static bool take_digits(reader *r) {
  const char *start = r->at;
  while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
  return r->at > start;
}

static bool read_number(reader *r, json *value) {
  const char *start = r->at;
  take(r, "-");
  if (!take(r, "0") && !take_digits(r)) return false;
  if (take(r, ".") && !take_digits(r)) return false;
  if (take(r, "e") || take(r, "E")) {
    if (!take(r, "+")) take(r, "-");
    if (!take_digits(r)) return false;
  }
  value->type = JSON_NUMBER;
  value->text = start;
  value->length = (size_t)(r->at - start);
  return true;
}

static bool read_hex(reader *r, uint32_t *unit) {
  *unit = 0;
  if (r->end - r->at < 4) return false;
  for (int k = 0; k < 4; k++) {
    char c = *r->at++;
    uint32_t digit;
    if (c >= '0' && c <= '9') {
      digit = (uint32_t)(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = (uint32_t)(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = (uint32_t)(c - 'A') + 10;
    } else {
      return false;
    }
    *unit = *unit << 4 | digit;
  }
  return true;
}

static char *write_point(char *to, uint32_t point) {
  if (point < 0x80) {
    *to++ = (char)point;
  } else if (point < 0x800) {
    *to++ = (char)(0xc0 | point >> 6);
    *to++ = (char)(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    *to++ = (char)(0xe0 | point >> 12);
    *to++ = (char)(0x80 | (point >> 6 & 0x3f));
    *to++ = (char)(0x80 | (point & 0x3f));
  } else {
    *to++ = (char)(0xf0 | point >> 18);
    *to++ = (char)(0x80 | (point >> 12 & 0x3f));
    *to++ = (char)(0x80 | (point >> 6 & 0x3f));
    *to++ = (char)(0x80 | (point & 0x3f));
  }
  return to;
}

static bool read_escape(reader *r, char **to) {
  if (r->at == r->end) return false;
  char c = *r->at++;
  switch (c) {
    case '"':
    case '\\':
    case '/': *(*to)++ = c; return true;
    case 'b': *(*to)++ = '\b'; return true;
    case 'f': *(*to)++ = '\f'; return true;
    case 'n': *(*to)++ = '\n'; return true;
    case 'r': *(*to)++ = '\r'; return true;
    case 't': *(*to)++ = '\t'; return true;
    case 'u': break;
    default: return false;
  }
  uint32_t point;
  if (!read_hex(r, &point)) return false;
  if (point >= 0xd800 && point <= 0xdfff) {
    const char *after = r->at;
    uint32_t low;
    if (point < 0xdc00 && take(r, "\\u") && read_hex(r, &low) && low >= 0xdc00 && low <= 0xdfff) {
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    } else {
      r->at = after;
      r->lone_surrogate = true;
      point = '?';
    }
  }
  *to = write_point(*to, point);
  return true;
}

static bool read_string(reader *r, const char **text, size_t *length) {
  if (!take(r, "\"")) return false;
  r->lone_surrogate = false;
  // No escape is shorter than what it stands for, so the text up to the closing quote is room enough.
  const char *close = r->at;
  while (close < r->end && *close != '"') close += *close == '\\' ? 2 : 1;
  if (close >= r->end) return false;
  char *decoded = allocate(r->arena, (size_t)(close - r->at) + 1);
  char *to = decoded;
  while (*r->at != '"') {
    unsigned char c = (unsigned char)*r->at++;
    if (c < 0x20) return false;
    if (c == '\\') {
      if (!read_escape(r, &to)) return false;
    } else {
      *to++ = (char)c;
    }
  }
  r->at++;
  *to = '\0';
  *text = decoded;
  *length = (size_t)(to - decoded);
  return true;
}

static bool read_value(reader *r, json *value);

// The elements of an array or the members of an object, after its opening bracket.
static bool read_list(reader *r, json *value, char closing) {
  json **link = &value->first;
  char close[2] = {closing, '\0'};
  skip_space(r);
  if (take(r, close)) return true;
  for (;;) {
    json *element = allocate(r->arena, sizeof *element);
    memset(element, 0, sizeof *element);
    skip_space(r);
    if (closing == '}') {
      if (!read_string(r, &element->key, &element->key_length)) return false;
      skip_space(r);
      if (!take(r, ":")) return false;
    }
    if (!read_value(r, element)) return false;
    *link = element;
    link = &element->next;
    skip_space(r);
    if (take(r, close)) return true;
    if (!take(r, ",")) return false;
  }
}

static bool read_value(reader *r, json *value) {
  skip_space(r);
  if (r->at == r->end) return false;
  switch (*r->at) {
    case '"':
      if (!read_string(r, &value->text, &value->length)) return false;
      value->type = r->lone_surrogate ? JSON_BROKEN_STRING : JSON_STRING;
      return true;
    case 't': value->type = JSON_TRUE; return take(r, "true");
    case 'f': value->type = JSON_FALSE; return take(r, "false");
    case 'n': value->type = JSON_NULL; return take(r, "null");
    case '[':
    case '{': {
      char closing = *r->at == '[' ? ']' : '}';
      value->type = closing == ']' ? JSON_ARRAY : JSON_OBJECT;
      r->at++;
      if (++r->depth > DEEPEST) return false;
      bool good = read_list(r, value, closing);
      r->depth--;
      return good;
    }
    default: return read_number(r, value);
  }
}

json *json_read(json_arena *arena, const char *text, size_t length) {
  if (!pf_is_utf8((const uint8_t *)text, length)) return NULL;
  reader r = {arena, text, text + length, 0, false};
  json *value = allocate(arena, sizeof *value);
  memset(value, 0, sizeof *value);
  if (!read_value(&r, value)) return NULL;
  skip_space(&r);
  return r.at == r.end ? value : NULL;
}

json *json_member(const json *object, const char *key) {
  json *found = NULL;
  if (!json_is(object, JSON_OBJECT)) return NULL;
  size_t length = strlen(key);
  for (json *member = object->first; member != NULL; member = member->next) {
    if (member->key_length == length && memcmp(member->key, key, length) == 0) found = member;
  }
  return found;
}

bool json_is(const json *value, json_type type) { return value != NULL && value->type == type; }

void json_write_string(buffer *b, const char *text, size_t length) {
  buffer_add(b, "\"", 1);
  for (size_t k = 0; k < length; k++) {
    unsigned char c = (unsigned char)text[k];
    if (c == '"' || c == '\\') buffer_add(b, "\\", 1);
    if (c < 0x20) {
      buffer_printf(b, "\\u%04x", c);
    } else {
      buffer_add(b, text + k, 1);
    }
  }
  buffer_add(b, "\"", 1);
}
