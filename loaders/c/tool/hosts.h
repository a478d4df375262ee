// The host modules of the tool. Assume nothing of the program that calls them.
#ifndef PF_TOOL_HOSTS_H
#define PF_TOOL_HOSTS_H

#include "buffer.h"
#include "packfile.h"

// The host module of the adapter protocol. Calls log to the buffer that `user` of the request points to, as JSON.
pf_host *hosts_protocol(void);

// The one of `pf run`: the same names, logging to standard output, and print_i, print_n, print_char and print_bytes.
pf_host *hosts_printing(void);

// Writes a float the shortest way that reads back as the same, as 1.5, 1e+16, inf or nan. `text` holds 32 bytes.
void hosts_format(char *text, size_t size, uint64_t bits);

#endif
