// The fourth layer: runs verified code. Assumes a linked process, and a mapping that is guarded; promises exact fuel and depth, no recursion
// of its own, and to judge a function before it is entered.
#ifndef PF_MACHINE_H
#define PF_MACHINE_H

#include "link.h"

// Stands before the registers of each function that runs: integer bank, then float bank, then the next frame.
typedef struct pf_frame {
  const uint32_t *pc;  // where its caller goes on
  pf_module *module;   // the caller's module and banks
  uint64_t *i;
  uint64_t *n;
  uint32_t windows;    // from the low byte: the caller's windows, then the counts of results, by bank
  uint32_t depth;      // how many more frames there may be
} pf_frame;

typedef enum pf_step { PF_STEP_ON, PF_STEP_SWITCH, PF_STEP_DONE, PF_STEP_FAILED } pf_step;

// What runs, kept in locals of the loop but for the moments at which it is left.
typedef struct pf_machine {
  pf_process *process;
  const uint32_t *pc;
  uint64_t *i;
  uint64_t *n;
  uint64_t *sp;     // the first word after the frame
  uint64_t *limit;  // no frame ends after this
  pf_module *module;
  int64_t fuel;
  pf_outcome outcome;
  pf_error *error;
} pf_machine;

// Addresses that no code has. A word there is of no assigned op, so that the loop stops without a check at each return.
extern const uint32_t pf_stubs[2];
#define PF_STUB_HALT (&pf_stubs[0])
#define PF_STUB_SWITCH (&pf_stubs[1])

#define PF_FRAME_WORDS (sizeof(pf_frame) / sizeof(uint64_t))
#define PF_FRAME_OF(i) ((pf_frame *)(void *)(i)-1)

// Runs from the machine's state, which is at the first word of a function, until its frame returns to PF_STUB_HALT.
pf_outcome pf_run(pf_machine *machine);

// Makes a frame for a function of a file, with arguments from the windows of the current banks, and makes it
// current: the steps of PF-EXE-012 from depth on. `word` holds the windows where a call has them; `pc` is where the caller goes on.
pf_step pf_push(pf_machine *machine, pf_module *target, uint32_t function, uint32_t word, const uint32_t *pc, uint32_t depth);

// Calls a host function with windows at i and n. Its fuel is charged already.
pf_step pf_run_host(pf_machine *machine, pf_module *target, uint32_t function, uint64_t *i, uint64_t *n);

// For the loop: the call at the machine's pc, with all its steps.
pf_step pf_slow_call(pf_machine *machine);

// In place of a trap, for a slot that is not bound; its state says what that means.
enum { PF_BAD_SLOT = -2 };

// For the loop: the load or store at the machine's pc, with all its checks; PF_STEP_SWITCH if it was done, so that the loop is entered again.
pf_step pf_slow_access(pf_machine *machine);

// For the loop: fails with a trap, or what stands in its place; for lack of fuel; or for an op that verification would have refused.
pf_step pf_trapped(pf_machine *machine, int trap);
pf_step pf_out_of_fuel(pf_machine *machine);
pf_step pf_bad_op(pf_machine *machine);

#endif
