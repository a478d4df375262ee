// `pf`: chooses the command. Assumes nothing of its arguments.
#include <string.h>

#include "tool.h"

static const char help[] =
    "Usage: pf COMMAND [ARGUMENTS]\n\n"
    "  run FILE [ARGS]   link a packfile and call a function of it\n"
    "  info FILE         show header and directory\n"
    "  verify FILE...    check whole files\n"
    "  adapter           serve the adapter protocol\n\n"
    "`pf COMMAND --help` says more. Exit status: 0 for ok; 1 for any other outcome; 2 if a file cannot be read or\n"
    "the command line is wrong.\n";

int asks_help(const char *argument) { return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0; }

int usage(const char *text) {
  fputs(text, stderr);
  return STATUS_USAGE;
}

int report(const char *file, const pf_error *error) {
  char place[32] = "";
  if (error->has_offset) snprintf(place, sizeof place, "0x%llx", (unsigned long long)error->offset);
  fprintf(stderr, "%s:%s%s %s: %s%s%s\n", file, place, error->has_offset ? ":" : "", pf_outcome_name(error->outcome),
          error->rule != NULL ? error->rule : "", error->rule != NULL ? ": " : "", error->message);
  return error->outcome == PF_IO_ERROR || error->outcome == PF_MISUSE ? STATUS_USAGE : STATUS_FAILED;
}

int main(int count, char **arguments) {
  if (count < 2) return usage(help);
  const char *command = arguments[1];
  int status = -1;
  if (asks_help(command)) {
    fputs(help, stdout);
    status = STATUS_OK;
  } else if (strcmp(command, "run") == 0) {
    status = command_run(count - 1, arguments + 1);
  } else if (strcmp(command, "info") == 0) {
    status = command_info(count - 1, arguments + 1);
  } else if (strcmp(command, "verify") == 0) {
    status = command_verify(count - 1, arguments + 1);
  } else if (strcmp(command, "adapter") == 0) {
    status = command_adapter(count - 1, arguments + 1);
  }
  if (status < 0) return usage(help);
  if (fflush(stdout) != 0 && status == STATUS_OK) status = STATUS_USAGE;
  return status;
}
