// What both drivers share: requests of words in a line, answered by a line, and an end that says what failed.
#ifndef LINES_H
#define LINES_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 8 };

__attribute__((noreturn, format(printf, 1, 2))) static inline void fail(const char *format, ...) {
  va_list values;
  va_start(values, format);
  vfprintf(stderr, format, values);
  va_end(values);
  fputc('\n', stderr);
  exit(1);
}

// Splits the next line of standard input in place; words that are not there are empty. False at the end.
static inline int next_request(char **line, size_t *room, const char *words[MAX_WORDS]) {
  ssize_t length = getline(line, room, stdin);
  if (length < 0) return 0;
  char *rest = *line;
  for (int k = 0; k < MAX_WORDS; k++) {
    char *word = strtok_r(k == 0 ? *line : NULL, " \n", &rest);
    words[k] = word == NULL ? "" : word;
  }
  return 1;
}

static inline long long number(const char *word) { return strtoll(word, NULL, 10); }

static inline void answer(long long value) {
  printf("%lld\n", value);
  fflush(stdout);
}

#endif
