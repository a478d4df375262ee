/* An adapter to begin with: it speaks the protocol (spec/adapter.md), and its loader can do nothing yet.
   Your loader goes where a comment says so; each function gets fields of the right form. */
#define _POSIX_C_SOURCE 200809L
#include "json.h"

static void error(long id, const char *error) { printf("{\"id\": %ld, \"error\": \"%s\"}\n", id, error); }

/* Say who you are. Name a feature only when its cases pass. */
static void hello(long id) {
    printf("{\"id\": %ld, \"outcome\": \"ok\", \"name\": \"kit-c\", \"version\": \"0\", ", id);
    printf("\"protocol\": 1, \"features\": []}\n");
}

/* Map a file, check header and directory, and give out a handle. */
static void open_file(long id, const char *path) {
    (void)path;
    /* Your loader: {"id": 1, "outcome": "ok", "image": 1}, or {"id": 1, "outcome": "malformed", "rule": "PF-HDR-002"}.
       If the operating system cannot open the path: error(id, "bad-request"). */
    error(id, "unsupported-command");
}

/* Make a process of modules in their order; the image of the host module is -1. */
static void link_modules(long id, size_t count, char **names, const long *images) {
    (void)count, (void)names, (void)images;
    /* Your loader: {"id": 1, "outcome": "ok", "process": 1}, or {"id": 1, "outcome": "unlinkable"}. */
    error(id, "unsupported-command");
}

typedef struct {
    long process;
    char *module, *function; /* of no function: the entry function */
    size_t i_count, n_count;
    int64_t *i;
    uint64_t *n; /* bits: a double might lose some of a NaN */
    int64_t fuel, depth;
} Call;

/* Call a function. */
static void call(long id, const Call *c) {
    (void)c;
    /* Your loader: {"id": 1, "outcome": "ok", "i": ["1"], "n": ["3ff0000000000000"], "log": []}, or
       {"id": 1, "outcome": "trap", "code": "divide-by-zero", "log": []}. */
    error(id, "unsupported-command");
}

/* Forget an image or a process. */
static void close_handle(long id, bool is_image, long handle) {
    (void)is_image, (void)handle;
    /* Your loader: {"id": 1, "outcome": "ok"}. */
    error(id, "unsupported-command");
}

static void *many(Json list, size_t size) { return calloc(length(list) + 1, size); }

static void answer_link(long id, Json q) {
    Json modules = field(q, "modules");
    char **names = many(modules, sizeof *names);
    long *images = many(modules, sizeof *images);
    size_t count = 0;
    bool good = modules && *modules == '[';
    for (Json m = first(modules, '['); m; m = next(m), count++) {
        names[count] = text(field(m, "name"), &good);
        images[count] = is_true(field(m, "host")) ? -1 : handle(field(m, "image"), &good);
    }
    if (good) link_modules(id, count, names, images); else error(id, "bad-request");
    while (count > 0) free(names[--count]);
    free(names), free(images);
}

static void answer_call(long id, Json q) {
    bool good = true;
    Json i = field(q, "i"), n = field(q, "n");
    Call c = {handle(field(q, "process"), &good), text(field(q, "module"), &good), NULL, 0, 0,
              many(i, sizeof *c.i), many(n, sizeof *c.n), 0, 0};
    if (!is_true(field(q, "entry"))) c.function = text(field(q, "function"), &good);
    good = good && i && *i == '[' && n && *n == '[';
    for (Json x = first(i, '['); x; x = next(x)) c.i[c.i_count++] = integer(x, INT64_MIN, INT64_MAX, &good);
    for (Json x = first(n, '['); x; x = next(x)) c.n[c.n_count++] = bits(x, &good);
    c.fuel = integer(field(q, "fuel"), 0, (INT64_C(1) << 53) - 1, &good);
    c.depth = integer(field(q, "depth"), 0, (INT64_C(1) << 53) - 1, &good);
    if (good) call(id, &c); else error(id, "bad-request");
    free(c.module), free(c.function), free(c.i), free(c.n);
}

/* Answers one line, whatever it holds. */
static void answer(const char *line, size_t size) {
    bool good = true;
    Json q = space(line), end = value(q, 0);
    long id = end && space(end) == line + size ? handle(field(q, "id"), &good) : -1;
    char *command = id < 0 || !good ? NULL : text(field(q, "command"), &good);
    if (id < 0 || !good) {
        error(id < 0 ? 0 : id, "bad-request");
    } else if (!strcmp(command, "hello")) {
        hello(id);
    } else if (!strcmp(command, "open")) {
        char *path = text(field(q, "path"), &good);
        if (good) open_file(id, path); else error(id, "bad-request");
        free(path);
    } else if (!strcmp(command, "link")) {
        answer_link(id, q);
    } else if (!strcmp(command, "call")) {
        answer_call(id, q);
    } else if (!strcmp(command, "close")) {
        bool is_image = field(q, "image");
        long number = handle(field(q, is_image ? "image" : "process"), &good);
        if (good) close_handle(id, is_image, number); else error(id, "bad-request");
    } else {
        error(id, "unsupported-command");
    }
    free(command);
}

int main(void) {
    char *line = NULL;
    size_t room = 0;
    for (ssize_t size; (size = getline(&line, &room, stdin)) > 0; fflush(stdout)) {
        scratch = realloc(scratch, (size_t)size + 1);
        if (!scratch) return 1;
        answer(line, (size_t)size);
    }
    free(line), free(scratch);
    return 0;
}
