// See hosts.h.
#include "hosts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/floats.h"
#include "functions.h"

static bool log_i(void *unused, pf_host_call *call) {
  (void)unused;
  buffer *log = call->user;
  buffer_printf(log, "%s{\"i\": \"%" PRId64 "\"}", log->length > 0 ? ", " : "", call->i[0]);
  return true;
}

static bool log_n(void *unused, pf_host_call *call) {
  (void)unused;
  buffer *log = call->user;
  buffer_printf(log, "%s{\"n\": \"%016" PRIx64 "\"}", log->length > 0 ? ", " : "", call->n[0]);
  return true;
}

void hosts_format(char *text, size_t size, uint64_t bits) {
  double x = pf_float(bits);
  if (x != x) {
    snprintf(text, size, "nan");
    return;
  }
  if (isinf(x)) {
    snprintf(text, size, x < 0 ? "-inf" : "inf");
    return;
  }
  int digits = 1;
  for (; digits < 17; digits++) {
    snprintf(text, size, "%.*e", digits - 1, x);
    if (pf_bits(strtod(text, NULL)) == bits) break;
  }
  snprintf(text, size, "%.*e", digits - 1, x);
  int exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
  if (exponent >= -4 && exponent < 16) {
    int fraction = digits - 1 - exponent;
    snprintf(text, size, "%.*f", fraction > 0 ? fraction : 1, x);
  }
}

static bool show_i(void *end, pf_host_call *call) { return printf("%" PRId64 "%s", call->i[0], (const char *)end) >= 0; }

static bool show_n(void *end, pf_host_call *call) {
  char text[40];
  hosts_format(text, sizeof text, call->n[0]);
  return printf("%s%s", text, (const char *)end) >= 0;
}

static bool print_char(void *unused, pf_host_call *call) {
  (void)unused;
  if (call->i[0] < 0 || call->i[0] > 0x10ffff) return false;
  uint32_t point = (uint32_t)call->i[0];
  char utf8[4];
  size_t length = 0;
  if (point < 0x80) {
    utf8[length++] = (char)point;
  } else {
    unsigned more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const uint8_t leads[4] = {0, 0xc0, 0xe0, 0xf0};
    utf8[length++] = (char)(leads[more] | point >> (6 * more));
    while (more-- > 0) utf8[length++] = (char)(0x80 | (point >> (6 * more) & 0x3f));
  }
  return fwrite(utf8, 1, length, stdout) == length;
}

static bool print_bytes(void *unused, pf_host_call *call) {
  (void)unused;
  uint64_t address = (uint64_t)call->i[0];
  uint64_t left = (uint64_t)call->i[1];
  char bytes[4096];
  if (!pf_memory_read(call->process, address, bytes, 0)) return false;
  while (left > 0) {
    uint64_t part = left < sizeof bytes ? left : sizeof bytes;
    if (!pf_memory_read(call->process, address, bytes, part)) return false;
    if (fwrite(bytes, 1, (size_t)part, stdout) != part) return false;
    address += part;
    left -= part;
  }
  return true;
}

static void add(pf_host *host, const char *name, uint32_t signature, pf_host_function function, void *user) {
  if (pf_host_add(host, name, strlen(name), signature, function, user, NULL) != PF_OK) need(NULL);
}

pf_host *hosts_protocol(void) {
  pf_host *host = need(pf_host_create());
  add(host, "log_i", pf_signature(1, 0, 0, 0), log_i, NULL);
  add(host, "log_n", pf_signature(0, 1, 0, 0), log_n, NULL);
  add(host, "mix", pf_signature(2, 2, 2, 2), host_mix, NULL);
  add(host, "trap", pf_signature(0, 0, 0, 0), host_trap, NULL);
  return host;
}

pf_host *hosts_printing(void) {
  static char line[] = "\n";
  static char nothing[] = "";
  pf_host *host = need(pf_host_create());
  add(host, "log_i", pf_signature(1, 0, 0, 0), show_i, line);
  add(host, "log_n", pf_signature(0, 1, 0, 0), show_n, line);
  add(host, "mix", pf_signature(2, 2, 2, 2), host_mix, NULL);
  add(host, "trap", pf_signature(0, 0, 0, 0), host_trap, NULL);
  add(host, "print_i", pf_signature(1, 0, 0, 0), show_i, nothing);
  add(host, "print_n", pf_signature(0, 1, 0, 0), show_n, nothing);
  add(host, "print_char", pf_signature(1, 0, 0, 0), print_char, NULL);
  add(host, "print_bytes", pf_signature(2, 0, 0, 0), print_bytes, NULL);
  return host;
}
