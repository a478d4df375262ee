// How a failure is made. Assumes nothing; promises a message that is safe to show and always ends.
#ifndef PF_ERROR_H
#define PF_ERROR_H

#include "packfile.h"

#if defined(__GNUC__)
#define PF_FORMAT(f, a) __attribute__((format(printf, f, a), cold))
#else
#define PF_FORMAT(f, a)
#endif

#define PF_NO_OFFSET UINT64_MAX

// Fills `error` if there is one, and gives the outcome back. `rule` is a literal or NULL.
pf_outcome pf_fail(pf_error *error, pf_outcome outcome, const char *rule, uint64_t offset, const char *format, ...)
    PF_FORMAT(5, 6);

// The same for a trap.
pf_outcome pf_fail_trap(pf_error *error, int trap, const char *rule, uint64_t offset, const char *format, ...)
    PF_FORMAT(5, 6);

// Marks success.
pf_outcome pf_succeed(pf_error *error);

// Writes a name with everything but printable ASCII escaped, cut to fit, and gives `buffer`.
const char *pf_escape(char *buffer, size_t size, const uint8_t *name, size_t length);

#endif
