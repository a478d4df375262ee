// Survives a file that is cut short under its mapping: a touch of a lost page raises SIGBUS, and a guard turns that into a
// jump. Assumes that guarded code only reads, so that nothing is left half done; promises that a fault
// outside of the guard's ranges goes to whatever handled SIGBUS before. Its only shared state is the
// handler that was there before, written once; the guard in force is one pointer for each thread.
#ifndef PF_FAULT_H
#define PF_FAULT_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct pf_range {
  const uint8_t *start;
  size_t length;
} pf_range;

typedef struct pf_guard {
  sigjmp_buf jump;
  struct pf_guard *outer;
  const pf_range *ranges;
  size_t range_count;
  const uint8_t *volatile address;  // of the touch that failed
} pf_guard;

// Installs the handler, once for the program.
void pf_fault_install(void);

// To be used as: `if (PF_GUARDED(&guard, ranges, count)) { ...; pf_guard_leave(&guard); } else { lost }`. The else branch runs
// after a fault, and the guard is left then.
#define PF_GUARDED(guard, ranges_, count_) \
  (pf_guard_enter((guard), (ranges_), (count_)), sigsetjmp((guard)->jump, 0) == 0)

void pf_guard_enter(pf_guard *guard, const pf_range *ranges, size_t count);
void pf_guard_leave(pf_guard *guard);

// Sets aside every guard of this thread, for code that must not be jumped out of, and puts them back.
pf_guard *pf_guard_suspend(void);
void pf_guard_resume(pf_guard *guard);

#endif
