// `pf adapter`: the protocol of adapter.md. Assumes nothing of its input; promises one reply for each line, in order, and to go on after
// whatever it was asked.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../src/packfile_format.h"
#include "buffer.h"
#include "hosts.h"
#include "json.h"
#include "tool.h"

// What a handle names; handles are never used again.
typedef struct table {
  void **items;
  size_t count;
  size_t room;
} table;

typedef struct adapter {
  table images;
  table processes;
  pf_host *host;
  buffer log;
  buffer reply;
} adapter;

static int64_t add_handle(table *t, void *item) {
  if (t->count == t->room) {
    t->room = t->room == 0 ? 64 : t->room * 2;
    t->items = need(realloc(t->items, t->room * sizeof *t->items));
  }
  t->items[t->count] = item;
  return (int64_t)t->count++;
}

// A JSON integer from 0 to 2^31 - 1.
static bool read_handle(const json *value, size_t *handle) {
  if (!json_is(value, JSON_NUMBER) || value->length > 10) return false;
  uint64_t number = 0;
  for (size_t k = 0; k < value->length; k++) {
    if (value->text[k] < '0' || value->text[k] > '9') return false;
    number = number * 10 + (uint64_t)(value->text[k] - '0');
  }
  *handle = (size_t)number;
  return number <= INT32_MAX;
}

static void *find(const table *t, const json *value, size_t *handle) {
  if (!read_handle(value, handle) || *handle >= t->count) return NULL;
  return t->items[*handle];
}

static bool read_digits(const json *value, bool may_be_negative, uint64_t most, uint64_t *number, bool *negative) {
  if (!json_is(value, JSON_STRING)) return false;
  const char *text = value->text;
  size_t length = value->length;
  *negative = may_be_negative && length > 0 && text[0] == '-';
  if (*negative) text++, length--;
  if (length == 0 || length > 20 || (length > 1 && text[0] == '0')) return false;
  *number = 0;
  for (size_t k = 0; k < length; k++) {
    if (text[k] < '0' || text[k] > '9') return false;
    uint64_t digit = (uint64_t)(text[k] - '0');
    if (*number > (UINT64_MAX - digit) / 10) return false;
    *number = *number * 10 + digit;
  }
  return *number <= most + (*negative ? 1 : 0);
}

static bool read_amount(const json *value, uint64_t *amount) {
  bool negative;
  return read_digits(value, false, PF_MAX_FUEL, amount, &negative);
}

static bool read_integer(const json *value, int64_t *integer) {
  bool negative;
  uint64_t number;
  if (!read_digits(value, true, INT64_MAX, &number, &negative)) return false;
  *integer = (int64_t)(negative ? 0 - number : number);
  return true;
}

static bool read_bits(const json *value, uint64_t *bits) {
  if (!json_is(value, JSON_STRING) || value->length != 16) return false;
  *bits = 0;
  for (size_t k = 0; k < 16; k++) {
    char c = value->text[k];
    if (c >= '0' && c <= '9') {
      *bits = *bits << 4 | (uint64_t)(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      *bits = *bits << 4 | (uint64_t)(c - 'a' + 10);
    } else {
      return false;
    }
  }
  return true;
}

static size_t count_of(const json *list) {
  size_t count = 0;
  for (const json *element = list->first; element != NULL; element = element->next) count++;
  return count;
}

static void begin(adapter *a, size_t id) {
  buffer_clear(&a->reply);
  buffer_printf(&a->reply, "{\"id\": %zu, ", id);
}

static void error_reply(adapter *a, const char *error, const char *message) {
  buffer_printf(&a->reply, "\"error\": \"%s\", \"message\": ", error);
  json_write_string(&a->reply, message, strlen(message));
  buffer_puts(&a->reply, "}");
}

static void bad_request(adapter *a, const char *message) { error_reply(a, "bad-request", message); }

// A failure of the loader; `with_log` for a call.
static void failure_reply(adapter *a, const pf_error *error, bool with_log) {
  if (error->outcome == PF_IO_ERROR || error->outcome == PF_MISUSE) {
    error_reply(a, "internal", error->message);
    return;
  }
  buffer_printf(&a->reply, "\"outcome\": \"%s\"", pf_outcome_name(error->outcome));
  if (error->outcome == PF_TRAP) buffer_printf(&a->reply, ", \"code\": \"%s\"", pf_trap_name(error->trap));
  if (error->rule != NULL) buffer_printf(&a->reply, ", \"rule\": \"%s\"", error->rule);
  if (error->has_offset) buffer_printf(&a->reply, ", \"offset\": %" PRIu64, error->offset);
  buffer_puts(&a->reply, ", \"message\": ");
  json_write_string(&a->reply, error->message, strlen(error->message));
  if (with_log) {
    buffer_puts(&a->reply, ", \"log\": [");
    buffer_add(&a->reply, a->log.text, a->log.length);
    buffer_puts(&a->reply, "]");
  }
  buffer_puts(&a->reply, "}");
}

static void hello(adapter *a) {
  buffer_printf(&a->reply, "\"outcome\": \"ok\", \"name\": \"packfile-c\", \"version\": \"%s\", \"protocol\": 1, "
                           "\"features\": [\"audit\", \"in-place\", \"hashed\"]}", "1.0");
}

static void open_image(adapter *a, const json *request) {
  const json *path = json_member(request, "path");
  if (!json_is(path, JSON_STRING)) return bad_request(a, "`path` is no string");
  if (strlen(path->text) != path->length) return bad_request(a, "`path` holds a zero byte");
  pf_image *image;
  pf_error error;
  if (pf_image_open(path->text, &image, &error) == PF_OK) {
    buffer_printf(&a->reply, "\"outcome\": \"ok\", \"image\": %" PRId64 "}", add_handle(&a->images, image));
  } else if (error.outcome == PF_IO_ERROR) {
    bad_request(a, error.message);
  } else {
    failure_reply(a, &error, false);
  }
}

static bool read_member(adapter *a, const json *entry, pf_member *member) {
  const json *name = json_member(entry, "name");
  const json *image = json_member(entry, "image");
  const json *host = json_member(entry, "host");
  size_t handle;
  if (!json_is(name, JSON_STRING) || (image == NULL) == (host == NULL)) return false;
  if (host != NULL && !json_is(host, JSON_TRUE)) return false;
  *member = (pf_member){name->text, name->length, NULL, NULL};
  if (host != NULL) {
    member->host = a->host;
    return true;
  }
  member->image = find(&a->images, image, &handle);
  return member->image != NULL;
}

static void link_modules(adapter *a, const json *request) {
  const json *list = json_member(request, "modules");
  if (!json_is(list, JSON_ARRAY)) return bad_request(a, "`modules` is no list");
  pf_member *members = need(calloc(count_of(list) + 1, sizeof *members));
  size_t count = 0;
  bool good = true;
  for (const json *entry = list->first; entry != NULL && good; entry = entry->next) {
    good = read_member(a, entry, &members[count++]);
  }
  pf_process *process;
  pf_error error;
  if (!good) {
    bad_request(a, "an entry of `modules` is of the wrong form, or its handle unknown");
  } else if (pf_link(members, count, NULL, &process, &error) == PF_OK) {
    buffer_printf(&a->reply, "\"outcome\": \"ok\", \"process\": %" PRId64 "}", add_handle(&a->processes, process));
  } else {
    failure_reply(a, &error, false);
  }
  free(members);
}

static void results_reply(adapter *a, const pf_results *results) {
  buffer_puts(&a->reply, "\"outcome\": \"ok\", \"i\": [");
  for (size_t k = 0; k < results->i_count; k++) {
    buffer_printf(&a->reply, "%s\"%" PRId64 "\"", k > 0 ? ", " : "", results->i[k]);
  }
  buffer_puts(&a->reply, "], \"n\": [");
  for (size_t k = 0; k < results->n_count; k++) {
    buffer_printf(&a->reply, "%s\"%016" PRIx64 "\"", k > 0 ? ", " : "", results->n[k]);
  }
  buffer_puts(&a->reply, "], \"log\": [");
  buffer_add(&a->reply, a->log.text, a->log.length);
  buffer_puts(&a->reply, "]}");
}

// The lists of arguments; NULL if one is of the wrong form. Both are given back with free.
static bool read_arguments(const json *i_list, const json *n_list, int64_t *i, uint64_t *n) {
  for (const json *e = i_list->first; e != NULL; e = e->next) {
    if (!read_integer(e, i++)) return false;
  }
  for (const json *e = n_list->first; e != NULL; e = e->next) {
    if (!read_bits(e, n++)) return false;
  }
  return true;
}

static void call_function(adapter *a, const json *request) {
  size_t handle;
  pf_process *process = find(&a->processes, json_member(request, "process"), &handle);
  const json *module = json_member(request, "module");
  const json *function = json_member(request, "function");
  const json *entry = json_member(request, "entry");
  const json *i_list = json_member(request, "i");
  const json *n_list = json_member(request, "n");
  pf_request call = {.user = &a->log};
  if (process == NULL) return bad_request(a, "`process` is no known handle");
  if (!json_is(module, JSON_STRING)) return bad_request(a, "`module` is no string");
  if ((function == NULL) == (entry == NULL)) return bad_request(a, "expected either `function` or `entry`");
  if (function != NULL && !json_is(function, JSON_STRING)) return bad_request(a, "`function` is no string");
  if (entry != NULL && !json_is(entry, JSON_TRUE)) return bad_request(a, "`entry` is not true");
  if (!json_is(i_list, JSON_ARRAY) || !json_is(n_list, JSON_ARRAY)) return bad_request(a, "`i` or `n` is no list");
  if (!read_amount(json_member(request, "fuel"), &call.fuel)) return bad_request(a, "`fuel` is no amount");
  if (!read_amount(json_member(request, "depth"), &call.depth)) return bad_request(a, "`depth` is no amount");
  call.module = module->text;
  call.module_length = module->length;
  if (function != NULL) {
    call.function = function->text;
    call.function_length = function->length;
  }
  call.i_count = count_of(i_list);
  call.n_count = count_of(n_list);
  int64_t *i = need(malloc((call.i_count + 1) * sizeof *i));
  uint64_t *n = need(malloc((call.n_count + 1) * sizeof *n));
  call.i = i;
  call.n = n;
  buffer_clear(&a->log);
  pf_results results;
  pf_error error;
  if (!read_arguments(i_list, n_list, i, n)) {
    bad_request(a, "an argument is of the wrong form");
  } else if (pf_call(process, &call, &results, &error) == PF_OK) {
    results_reply(a, &results);
  } else {
    failure_reply(a, &error, true);
  }
  free(i);
  free(n);
}

static void audit_image(adapter *a, const json *request) {
  size_t handle;
  pf_image *image = find(&a->images, json_member(request, "image"), &handle);
  pf_error error;
  if (image == NULL) return bad_request(a, "`image` is no known handle");
  if (pf_audit(image, &error) == PF_OK) {
    buffer_puts(&a->reply, "\"outcome\": \"ok\"}");
  } else {
    failure_reply(a, &error, false);
  }
}

static void close_handle(adapter *a, const json *request) {
  const json *image = json_member(request, "image");
  const json *process = json_member(request, "process");
  if ((image == NULL) == (process == NULL)) return bad_request(a, "expected either `image` or `process`");
  table *t = image != NULL ? &a->images : &a->processes;
  size_t handle;
  void *item = find(t, image != NULL ? image : process, &handle);
  if (item == NULL) return bad_request(a, "the handle is unknown");
  t->items[handle] = NULL;
  if (image != NULL) {
    pf_image_close(item);
  } else {
    pf_process_close(item);
  }
  buffer_puts(&a->reply, "\"outcome\": \"ok\"}");
}

static bool is_text(const json *value, const char *text) {
  return value->length == strlen(text) && memcmp(value->text, text, value->length) == 0;
}

static void answer(adapter *a, const json *request) {
  size_t id;
  bool has_id = read_handle(json_member(request, "id"), &id);
  begin(a, has_id ? id : 0);
  const json *command = json_member(request, "command");
  if (!json_is(request, JSON_OBJECT)) return bad_request(a, "the line is no JSON object");
  if (!has_id) return bad_request(a, "`id` is no integer from 0 to 2147483647");
  if (!json_is(command, JSON_STRING)) return bad_request(a, "`command` is no string");
  if (is_text(command, "hello")) return hello(a);
  if (is_text(command, "open")) return open_image(a, request);
  if (is_text(command, "link")) return link_modules(a, request);
  if (is_text(command, "call")) return call_function(a, request);
  if (is_text(command, "audit")) return audit_image(a, request);
  if (is_text(command, "close")) return close_handle(a, request);
  error_reply(a, "unsupported-command", "expected hello, open, link, call, audit or close");
}

static void finish(adapter *a) {
  for (size_t k = 0; k < a->processes.count; k++) pf_process_close(a->processes.items[k]);
  for (size_t k = 0; k < a->images.count; k++) pf_image_close(a->images.items[k]);
  free(a->processes.items);
  free(a->images.items);
  pf_host_close(a->host);
  buffer_free(&a->log);
  buffer_free(&a->reply);
}

int command_adapter(int count, char **arguments) {
  static const char help[] =
      "Usage: pf adapter\n\nServes the adapter protocol: one JSON object a line on standard input, one reply a line.\n";
  if (count > 1 && asks_help(arguments[1])) return fputs(help, stdout) < 0;
  if (count > 1) return usage(help);
  adapter a = {.host = hosts_protocol()};
  char *line = NULL;
  size_t room = 0;
  ssize_t length;
  bool written = true;
  while (written && (length = getline(&line, &room, stdin)) > 0) {
    json_arena arena = {NULL};
    answer(&a, json_read(&arena, line, (size_t)length));
    buffer_puts(&a.reply, "\n");
    json_release(&arena);
    written = fwrite(a.reply.text, 1, a.reply.length, stdout) == a.reply.length && fflush(stdout) == 0;
  }
  free(line);
  finish(&a);
  return written ? STATUS_OK : STATUS_FAILED;
}
