// `pf run`: links files and calls a function. Assumes nothing of arguments or files.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../src/floats.h"
#include "../src/packfile_format.h"
#include "../src/signature.h"
#include "hosts.h"
#include "tool.h"

static const char help[] =
    "Usage: pf run [OPTIONS] FILE [ARGS]...\n\n"
    "Links a packfile with the module `host` and calls its entry function, or --function. ARGS are the\n"
    "integers and then the floats of its signature. Results are printed one a line, integers first.\n\n"
    "  --function NAME      call the function exported under this name\n"
    "  --with [NAME=]FILE   link another module as well\n"
    "  --name NAME          name of FILE in the set; by default its own, without suffix\n"
    "  --fuel N             calls and backward branches it may make\n"
    "  --depth N            frames it may have at once\n"
    "  --no-digests         take files that have digests as if they had none\n"
    "  --stats              show on standard error what the loader did\n";

typedef struct options {
  const char *function;
  const char *name;
  const char *file;
  char **arguments;
  int argument_count;
  const char *others[PF_MAX_MODULES];
  size_t other_count;
  uint64_t fuel;
  uint64_t depth;
  bool stats;
  bool no_digests;
} options;

static bool read_amount(const char *text, uint64_t *amount) {
  char *end;
  if (*text < '0' || *text > '9') return false;
  errno = 0;
  *amount = strtoull(text, &end, 10);
  return errno == 0 && *end == '\0' && *amount <= PF_MAX_FUEL;
}

// One option and its value; how many arguments it took, 0 if it is none.
static int read_option(options *o, int count, char **arguments) {
  const char *option = arguments[0];
  const char *value = count > 1 ? arguments[1] : NULL;
  if (strcmp(option, "--stats") == 0) {
    o->stats = true;
    return 1;
  }
  if (strcmp(option, "--no-digests") == 0) {
    o->no_digests = true;
    return 1;
  }
  if (value == NULL) return 0;
  if (strcmp(option, "--function") == 0) {
    o->function = value;
  } else if (strcmp(option, "--name") == 0) {
    o->name = value;
  } else if (strcmp(option, "--with") == 0 && o->other_count < PF_MAX_MODULES) {
    o->others[o->other_count++] = value;
  } else if (strcmp(option, "--fuel") == 0) {
    if (!read_amount(value, &o->fuel)) return 0;
  } else if (strcmp(option, "--depth") == 0) {
    if (!read_amount(value, &o->depth)) return 0;
  } else {
    return 0;
  }
  return 2;
}

static bool read_options(options *o, int count, char **arguments) {
  *o = (options){.fuel = PF_MAX_FUEL, .depth = PF_MAX_DEPTH};
  int k = 1;
  while (k < count) {
    if (arguments[k][0] == '-' && arguments[k][1] == '-' && arguments[k][2] != '\0') {
      int taken = read_option(o, count - k, arguments + k);
      if (taken == 0) return false;
      k += taken;
    } else if (o->file == NULL) {
      o->file = arguments[k++];
    } else {
      break;
    }
  }
  // Options may stand behind the file, but not among the arguments, which may begin with a dash.
  o->arguments = arguments + k;
  o->argument_count = count - k;
  return o->file != NULL;
}

static void name_after(const char *file, pf_member *member) {
  const char *slash = strrchr(file, '/');
  member->name = slash != NULL ? slash + 1 : file;
  const char *dot = strrchr(member->name, '.');
  member->name_length = dot != NULL && dot != member->name ? (size_t)(dot - member->name) : strlen(member->name);
}

static bool read_integer(const char *text, int64_t *value) {
  char *end;
  bool negative = *text == '-';
  const char *digits = text + (*text == '-' || *text == '+');
  if (*digits < '0' || *digits > '9') return false;
  errno = 0;
  uint64_t magnitude = strtoull(digits, &end, digits[0] == '0' && (digits[1] | 32) == 'x' ? 16 : 10);
  if (errno != 0 || *end != '\0') return false;
  *value = (int64_t)(negative ? 0 - magnitude : magnitude);
  return !negative || magnitude <= (uint64_t)INT64_MAX + 1;
}

static bool read_arguments(const options *o, uint32_t signature, int64_t *i, uint64_t *n) {
  uint32_t integers = pf_i_parameters(signature);
  if ((uint32_t)o->argument_count != integers + pf_n_parameters(signature)) return false;
  for (int k = 0; k < o->argument_count; k++) {
    const char *text = o->arguments[k];
    if ((uint32_t)k < integers) {
      if (!read_integer(text, &i[k])) return false;
    } else {
      char *end;
      double x = strtod(text, &end);
      if (end == text || *end != '\0') return false;
      n[(uint32_t)k - integers] = pf_canonical(x);
    }
  }
  return true;
}

static void show_results(const pf_results *results) {
  for (size_t k = 0; k < results->i_count; k++) printf("%" PRId64 "\n", results->i[k]);
  for (size_t k = 0; k < results->n_count; k++) {
    char text[40];
    hosts_format(text, sizeof text, results->n[k]);
    printf("%s\n", text);
  }
}

static void show_stats(const pf_process *process) {
  pf_stats stats;
  pf_process_stats(process, &stats);
  show_counts(stderr, &stats);
}

static int call(const options *o, pf_process *process, const pf_member *first) {
  int64_t i[255];
  uint64_t n[255];
  uint32_t signature;
  pf_error error;
  pf_results results;
  pf_request request = {.module = first->name,
                        .module_length = first->name_length,
                        .function = o->function,
                        .function_length = o->function != NULL ? strlen(o->function) : 0,
                        .i = i,
                        .n = n,
                        .fuel = o->fuel,
                        .depth = o->depth};
  if (pf_signature_of(process, &request, &signature, &error) != PF_OK) return report(o->file, &error);
  if (!read_arguments(o, signature, i, n)) {
    fprintf(stderr, "pf: expected %u integers and %u floats as arguments\n", pf_i_parameters(signature),
            pf_n_parameters(signature));
    return STATUS_USAGE;
  }
  request.i_count = pf_i_parameters(signature);
  request.n_count = pf_n_parameters(signature);
  pf_outcome outcome = pf_call(process, &request, &results, &error);
  fflush(stdout);
  if (outcome == PF_OK) show_results(&results);
  if (o->stats) show_stats(process);
  return outcome == PF_OK ? STATUS_OK : report(o->file, &error);
}

static int open_all(const options *o, pf_member *members, size_t *count) {
  for (size_t k = 0; k <= o->other_count; k++) {
    const char *file = k == 0 ? o->file : o->others[k - 1];
    const char *equals = k == 0 ? NULL : strchr(file, '=');
    pf_member *member = &members[*count];
    *member = (pf_member){NULL, 0, NULL, NULL};
    name_after(file, member);
    if (k == 0 && o->name != NULL) {
      member->name = o->name;
      member->name_length = strlen(o->name);
    }
    if (equals != NULL) {
      member->name = file;
      member->name_length = (size_t)(equals - file);
      file = equals + 1;
    }
    pf_error error;
    pf_open_options how = {.path = file, .no_digests = o->no_digests};
    if (pf_image_open_with(&how, &member->image, &error) != PF_OK) return report(file, &error);
    (*count)++;
  }
  return STATUS_OK;
}

static bool is_host(const pf_member *member) { return member->name_length == 4 && memcmp(member->name, "host", 4) == 0; }

int command_run(int count, char **arguments) {
  options o;
  if (count > 1 && asks_help(arguments[1])) return fputs(help, stdout) < 0;
  if (!read_options(&o, count, arguments)) return usage(help);
  pf_member members[PF_MAX_MODULES + 2];
  size_t member_count = 0;
  int status = open_all(&o, members, &member_count);
  size_t files = member_count;
  pf_host *host = hosts_printing();
  if (status == STATUS_OK) {
    bool taken = false;
    for (size_t k = 0; k < files; k++) taken = taken || is_host(&members[k]);
    if (!taken) members[member_count++] = (pf_member){"host", 4, NULL, host};
    pf_process *process;
    pf_error error;
    if (pf_link(members, member_count, NULL, &process, &error) == PF_OK) {
      status = call(&o, process, &members[0]);
      pf_process_close(process);
    } else {
      status = report(o.file, &error);
    }
  }
  for (size_t k = 0; k < files; k++) pf_image_close(members[k].image);
  pf_host_close(host);
  return status;
}
