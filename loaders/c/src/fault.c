// See fault.h.
#include "fault.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

static _Thread_local pf_guard *volatile current;
static struct sigaction previous;
static pthread_once_t installed = PTHREAD_ONCE_INIT;

static void pass_on(int signal, siginfo_t *info, void *context) {
  if (previous.sa_flags & SA_SIGINFO) {
    previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
  } else {
    // The instruction is run again, and this time ends the program as if no handler had ever been there.
    struct sigaction standard;
    memset(&standard, 0, sizeof standard);
    standard.sa_handler = SIG_DFL;
    sigaction(SIGBUS, &standard, NULL);
  }
}

static void on_fault(int signal, siginfo_t *info, void *context) {
  pf_guard *guard = current;
  const uint8_t *address = info->si_addr;
  if (guard != NULL && info->si_code > 0) {
    for (size_t k = 0; k < guard->range_count; k++) {
      uintptr_t distance = (uintptr_t)address - (uintptr_t)guard->ranges[k].start;
      if (distance < guard->ranges[k].length) {
        guard->address = address;
        current = guard->outer;
        siglongjmp(guard->jump, 1);
      }
    }
  }
  pass_on(signal, info, context);
}

static void install(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_fault;
  // NODEFER, so that jumping out of the handler leaves the signal mask as it was without a system call for each guard.
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  // The old handler is stored before the new one can run.
  sigaction(SIGBUS, NULL, &previous);
  sigaction(SIGBUS, &action, NULL);
}

void pf_fault_install(void) { pthread_once(&installed, install); }

void pf_guard_enter(pf_guard *guard, const pf_range *ranges, size_t count) {
  guard->outer = current;
  guard->ranges = ranges;
  guard->range_count = count;
  guard->address = NULL;
  current = guard;
}

void pf_guard_leave(pf_guard *guard) { current = guard->outer; }

pf_guard *pf_guard_suspend(void) {
  pf_guard *guard = current;
  current = NULL;
  return guard;
}

void pf_guard_resume(pf_guard *guard) { current = guard; }
