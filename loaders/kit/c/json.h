/* The smallest reader of JSON that an adapter needs: it checks a line once, and then finds values in it. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEEPEST 64
typedef const char *Json; /* where a value begins in a line that `value` has found to be good */

static char *scratch; /* as long as the line, so it holds any string of it */

static Json space(Json p) { return p + strspn(p, " \t\r\n"); }

/* The number in four hexadecimal digits; -1 if they are none. */
static long hex(Json p) {
    char digits[5] = {0};
    return strspn(p, "0123456789abcdefABCDEF") < 4 ? -1 : strtol(memcpy(digits, p, 4), NULL, 16);
}

/* Reads the character at p, of UTF-8 or escaped, and appends it to *out; NULL if it is none. */
static Json character(Json p, char **out) {
    static const char escapes[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    const unsigned char *u = (const unsigned char *)p;
    if (*p == '\\' && p[1] == 'u') {
        long c = hex(p + 2), low = c >> 10 == 0x36 && p[6] == '\\' && p[7] == 'u' ? hex(p + 8) : 0;
        if (c < 0) return NULL;
        p += 6;
        if (low >> 10 == 0x37) c = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff), p += 6;
        if (c && c < 0x80) return *(*out)++ = (char)c, p;
        if (c < 0x800) { /* U+0000 as two bytes, so that it ends no string */
            *(*out)++ = (char)(0xc0 | c >> 6);
        } else {
            *(*out)++ = (char)(c < 0x10000 ? 0xe0 | c >> 12 : 0xf0 | c >> 18);
            if (c >= 0x10000) *(*out)++ = (char)(0x80 | (c >> 12 & 0x3f));
            *(*out)++ = (char)(0x80 | (c >> 6 & 0x3f));
        }
        return *(*out)++ = (char)(0x80 | (c & 0x3f)), p;
    }
    if (*p == '\\') {
        for (const char *e = escapes; *e; e += 2)
            if (*e == p[1]) return *(*out)++ = e[1], p + 2;
        return NULL;
    }
    int more = *u < 0x80 ? 0 : *u >= 0xc2 && *u < 0xe0 ? 1 : *u >> 4 == 0xe ? 2 : *u >= 0xf0 && *u < 0xf5 ? 3 : -1;
    if (more < 0 || *u < 0x20 || (*u == 0xe0 && u[1] < 0xa0) || (*u == 0xed && u[1] > 0x9f) ||
        (*u == 0xf0 && u[1] < 0x90) || (*u == 0xf4 && u[1] > 0x8f))
        return NULL;
    for (*(*out)++ = *p++; more > 0; more--)
        if ((*p & 0xc0) == 0x80) *(*out)++ = *p++; else return NULL;
    return p;
}

/* The end of the string at p, which is left in `scratch`; NULL if there is none. */
static Json string(Json p) {
    char *out = scratch;
    if (!p || *p++ != '"') return NULL;
    while (p && *p != '"') p = character(p, &out);
    *out = 0;
    return p ? p + 1 : NULL;
}

static Json digits(Json p) { return p && strspn(p, "0123456789") ? p + strspn(p, "0123456789") : NULL; }

/* The end of the value at p; NULL if there is none. */
static Json value(Json p, int depth) {
    static const char *const words[] = {"true", "false", "null"};
    if (*p == '"') return string(p);
    if (*p == '{' || *p == '[') {
        char last = *p == '{' ? '}' : ']';
        if (depth == DEEPEST) return NULL;
        p = space(p + 1);
        if (*p == last) return p + 1;
        for (;; p = space(p + 1)) {
            if (last == '}' && (!(p = string(p)) || *(p = space(p)) != ':')) return NULL;
            if (!(p = value(last == '}' ? space(p + 1) : p, depth + 1))) return NULL;
            if (*(p = space(p)) == last) return p + 1;
            if (*p != ',') return NULL;
        }
    }
    for (int k = 0; k < 3; k++)
        if (!strncmp(p, words[k], strlen(words[k]))) return p + strlen(words[k]);
    p += *p == '-';
    p = *p == '0' ? p + 1 : digits(p);
    if (p && *p == '.') p = digits(p + 1);
    if (p && (*p == 'e' || *p == 'E')) p = digits(p + 1 + (p[1] == '-' || p[1] == '+'));
    return p;
}

/* The first item of a list, or the first name of an object; NULL if it has none. `next` gives the one after it. */
static Json first(Json list, char kind) {
    return list && *list == kind && !strchr("]}", *space(list + 1)) ? space(list + 1) : NULL;
}
static Json next(Json item) { return *(item = space(value(item, 0))) == ',' ? space(item + 1) : NULL; }

/* The value that an object has under a name; NULL if it has none. */
static Json field(Json object, const char *name) {
    for (Json key = first(object, '{'); key;) {
        Json found = space(space(string(key)) + 1);
        if (!strcmp(scratch, name)) return found;
        key = next(found);
    }
    return NULL;
}
static size_t length(Json list) {
    size_t count = 0;
    for (Json item = first(list, '['); item; item = next(item)) count++;
    return count;
}
static bool is_true(Json p) { return p && *p == 't'; }

/* A string as memory of its own; `good` becomes false if it is none. */
static char *text(Json p, bool *good) {
    *good = *good && string(p);
    return *good ? strdup(scratch) : NULL;
}
static long handle(Json p, bool *good) {
    size_t size = p ? strspn(p, "0123456789") : 0;
    long found = size && size < 11 && !strchr(".eE", p[size]) ? strtol(p, NULL, 10) : -1;
    found = found <= INT32_MAX ? found : -1;
    *good = *good && found >= 0;
    return found;
}
/* An integer in decimal, as a string. */
static int64_t integer(Json p, int64_t least, int64_t most, bool *good) {
    *good = *good && string(p);
    const char *from = scratch + (*good && *scratch == '-' && least < 0), *end = digits(from);
    errno = 0;
    int64_t found = *good ? strtoll(scratch, NULL, 10) : 0;
    *good = *good && end && !*end && (*from != '0' || !from[1]) && !errno && found >= least && found <= most;
    return found;
}
/* The bits of a float, as a string. */
static uint64_t bits(Json p, bool *good) {
    *good = *good && string(p) && strlen(scratch) == 16 && strspn(scratch, "0123456789abcdef") == 16;
    return *good ? strtoull(scratch, NULL, 16) : 0;
}
