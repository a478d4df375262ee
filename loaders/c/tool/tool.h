// The commands of `pf`. Each assumes its arguments as the shell gave them, its own name first, and gives the exit status.
#ifndef PF_TOOL_H
#define PF_TOOL_H

#include <stdio.h>

#include "packfile.h"

enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

int command_run(int count, char **arguments);
int command_info(int count, char **arguments);
int command_verify(int count, char **arguments);
int command_adapter(int count, char **arguments);

// Prints a failure as one line: FILE:0xOFFSET: outcome: rule: message. Gives the exit status for it.
int report(const char *file, const pf_error *error);

// Prints on one line what the loader did.
void show_counts(FILE *stream, const pf_stats *stats);

// Prints `text` and gives the status for a wrong command line.
int usage(const char *text);

// Whether an argument asks for help.
int asks_help(const char *argument);

#endif
