// See builder.h.
#include "builder.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int requests = -1;
static int replies;
static builder_sizes sizes;

static void give_up(const char *what) {
  fprintf(stderr, "guided: %s\n", what);
  abort();
}

static void send_bytes(const void *bytes, size_t length) {
  for (const uint8_t *at = bytes; length > 0;) {
    ssize_t count = write(requests, at, length);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) give_up("the builder ended; what it said stands above");
    at += count;
    length -= (size_t)count;
  }
}

static void receive(void *bytes, size_t length) {
  for (uint8_t *at = bytes; length > 0;) {
    ssize_t count = read(replies, at, length);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) give_up("the builder ended; what it said stands above");
    at += count;
    length -= (size_t)count;
  }
}

static uint32_t receive_number(void) {
  uint8_t bytes[4];
  receive(bytes, sizeof bytes);
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void become_builder(const int *asked, const int *answered) {
  const char *command = getenv("PACKFILE_FUZZ_BUILDER");
  if (command == NULL) command = BUILDER;
  dup2(asked[0], STDIN_FILENO);
  dup2(answered[1], STDOUT_FILENO);
  close(asked[0]);
  close(asked[1]);
  close(answered[0]);
  close(answered[1]);
  execl("/bin/sh", "sh", "-c", command, (char *)NULL);
  _exit(127);
}

static void start(void) {
  if (requests >= 0) return;
  int asked[2];
  int answered[2];
  if (pipe(asked) != 0 || pipe(answered) != 0) give_up("no pipe");
  signal(SIGPIPE, SIG_IGN);
  pid_t child = fork();
  if (child < 0) give_up("no process for the builder");
  if (child == 0) become_builder(asked, answered);
  close(asked[0]);
  close(answered[1]);
  requests = asked[1];
  replies = answered[0];
  char magic[4];
  receive(magic, sizeof magic);
  if (memcmp(magic, "PFG1", sizeof magic) != 0) give_up("the builder speaks another language");
  sizes.head = receive_number();
  sizes.most = receive_number();
}

builder_sizes builder_ask_sizes(void) {
  start();
  return sizes;
}

const uint8_t *builder_ask(const uint8_t *input, size_t length, size_t *answer_length) {
  static uint8_t *answer;
  static size_t room;
  start();
  uint8_t head[4] = {(uint8_t)length, (uint8_t)(length >> 8), (uint8_t)(length >> 16), (uint8_t)(length >> 24)};
  send_bytes(head, sizeof head);
  send_bytes(input, length);
  size_t got = receive_number();
  if (got > room) {
    answer = realloc(answer, got);
    room = got;
    if (answer == NULL) give_up("no memory");
  }
  receive(answer, got);
  *answer_length = got;
  return answer;
}
