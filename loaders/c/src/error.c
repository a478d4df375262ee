// See error.h.
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "packfile_format.h"

const char *pf_outcome_name(pf_outcome outcome) {
  switch (outcome) {
    case PF_OK: return "ok";
    case PF_MALFORMED: return "malformed";
    case PF_UNSUPPORTED: return "unsupported";
    case PF_CORRUPT: return "corrupt";
    case PF_UNLINKABLE: return "unlinkable";
    case PF_INVALID: return "invalid";
    case PF_TRAP: return "trap";
    case PF_EXHAUSTED: return "exhausted";
    case PF_IO_ERROR: return "io-error";
    case PF_MISUSE: return "misuse";
  }
  return "unknown";
}

const char *pf_trap_name(int trap) {
  switch (trap) {
#define NAME(ID, number, name) \
  case number: return name;
    PF_TRAPS(NAME)
#undef NAME
    default: return NULL;
  }
}

static void fill(pf_error *error, pf_outcome outcome, int trap, const char *rule, uint64_t offset, const char *format,
                 va_list arguments) {
  error->outcome = outcome;
  error->rule = rule;
  error->trap = trap;
  error->has_offset = offset != PF_NO_OFFSET;
  error->offset = error->has_offset ? offset : 0;
  vsnprintf(error->message, sizeof error->message, format, arguments);
}

pf_outcome pf_fail(pf_error *error, pf_outcome outcome, const char *rule, uint64_t offset, const char *format, ...) {
  if (error != NULL) {
    va_list arguments;
    va_start(arguments, format);
    fill(error, outcome, 0, rule, offset, format, arguments);
    va_end(arguments);
  }
  return outcome;
}

pf_outcome pf_fail_trap(pf_error *error, int trap, const char *rule, uint64_t offset, const char *format, ...) {
  if (error != NULL) {
    va_list arguments;
    va_start(arguments, format);
    fill(error, PF_TRAP, trap, rule, offset, format, arguments);
    va_end(arguments);
  }
  return PF_TRAP;
}

pf_outcome pf_succeed(pf_error *error) {
  if (error != NULL) {
    error->outcome = PF_OK;
    error->rule = NULL;
    error->trap = 0;
    error->has_offset = false;
    error->offset = 0;
    error->message[0] = '\0';
  }
  return PF_OK;
}

const char *pf_escape(char *buffer, size_t size, const uint8_t *name, size_t length) {
  size_t used = 0;
  for (size_t k = 0; k < length; k++) {
    if (used + 8 > size) {
      memcpy(buffer + used, "...", 3);
      used += 3;
      break;
    }
    uint8_t byte = name[k];
    if (byte >= ' ' && byte < 0x7f && byte != '\\') {
      buffer[used++] = (char)byte;
    } else {
      used += (size_t)snprintf(buffer + used, size - used, "\\x%02x", byte);
    }
  }
  buffer[used] = '\0';
  return buffer;
}
