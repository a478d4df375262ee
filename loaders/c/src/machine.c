// See machine.h. The loop itself is machine_loop.inc.
#include "machine.h"

#include "floats.h"
#include "memory.h"
#include "signature.h"

// Computed goto is an extension; without it the same source is a switch.
#if defined(__GNUC__) && !defined(PF_NO_COMPUTED_GOTO)
#define PF_THREADED 1
#pragma GCC diagnostic ignored "-Wpedantic"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
#else
#define PF_THREADED 0
#endif

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

// Banks are a few words long, and a call of memset or memcpy costs more than they do.
#ifdef __clang__
#define NO_IDIOMS __attribute__((no_builtin("memset", "memcpy", "memmove")))
#else
#define NO_IDIOMS
#endif

#define TRAP_CODE(ID, number, name) TRAP_##ID = number,
enum { PF_TRAPS(TRAP_CODE) };
#undef TRAP_CODE

const uint32_t pf_stubs[2] = {0, 0};

static inline __attribute__((always_inline)) void pf_zero(uint64_t *from, const uint64_t *to) {
  // Four words a turn, so that up to three after the frame are cleared too: `limit` leaves room for them.
  while (from < to) {
    from[0] = 0;
    from[1] = 0;
    from[2] = 0;
    from[3] = 0;
    from += 4;
  }
}

static inline __attribute__((always_inline)) void pf_copy(uint64_t *to, const uint64_t *from, uint32_t count) {
  while (count > 0) {
    *to++ = *from++;
    count--;
  }
}

#define RUN run_native
#define FOREIGN 0
#include "machine_loop.inc"
#undef RUN
#undef FOREIGN

#define RUN run_foreign
#define FOREIGN 1
#include "machine_loop.inc"
#undef RUN
#undef FOREIGN

pf_outcome pf_run(pf_machine *machine) {
  pf_step step;
  do {
    step = machine->module->foreign ? run_foreign(machine) : run_native(machine);
  } while (step == PF_STEP_SWITCH);
  return step == PF_STEP_DONE ? PF_OK : machine->outcome;
}
