// Changes the generator's bytes item by item, so that what was not changed means what it did. Assumes what
// `packfile_fuzz/generator` says of items; promises inputs of whole items, no longer than the generator reads.
#include <stdbool.h>
#include <string.h>

#include "builder.h"
#include "fuzz/random.h"

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t length, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t length, size_t room, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_length, const uint8_t *other, size_t other_length, uint8_t *out,
                                 size_t room, unsigned seed);

// An input, in items.
typedef struct input {
  uint8_t *bytes;
  size_t count;
  size_t most;
  size_t head;
} input;

static void set_random(uint8_t *item) {
  uint64_t bits = random_bits();
  memcpy(item, &bits, ITEM);
}

// Opens a gap of one item in the bodies, so that no item of the head moves.
static uint8_t *insert(input *it) {
  if (it->count >= it->most || it->count < it->head) return NULL;
  size_t at = it->head + below(it->count - it->head + 1);
  uint8_t *gap = it->bytes + at * ITEM;
  memmove(gap + ITEM, gap, (it->count - at) * ITEM);
  it->count++;
  return gap;
}

static void insert_copy(input *it) {
  uint8_t item[ITEM];
  memcpy(item, it->bytes + below(it->count) * ITEM, ITEM);
  uint8_t *gap = insert(it);
  if (gap != NULL) memcpy(gap, item, ITEM);
}

static void insert_random(input *it) {
  uint8_t *gap = insert(it);
  if (gap != NULL) set_random(gap);
}

static void erase(input *it) {
  if (it->count <= it->head) return;
  size_t at = it->head + below(it->count - it->head);
  size_t gone = 1 + below(it->count - at > 4 ? 4 : it->count - at);
  memmove(it->bytes + at * ITEM, it->bytes + (at + gone) * ITEM, (it->count - at - gone) * ITEM);
  it->count -= gone;
}

static void change(input *it) {
  uint8_t *item = it->bytes + below(it->count) * ITEM;
  // libFuzzer's own mutations, with its dictionary of what comparisons saw; they may shorten.
  size_t left = LLVMFuzzerMutate(item, ITEM, ITEM);
  memset(item + left, 0, ITEM - left);
}

static void change_byte(input *it) {
  // The low byte of an item is its template or its first choice, and the rest are fields of bytes and less.
  uint8_t *item = it->bytes + below(it->count) * ITEM;
  item[below(4) == 0 ? 0 : below(ITEM)] = (uint8_t)random_bits();
}

static void copy_over(input *it) {
  uint8_t item[ITEM];
  memcpy(item, it->bytes + below(it->count) * ITEM, ITEM);
  memcpy(it->bytes + below(it->count) * ITEM, item, ITEM);
}

static void replace(input *it) { set_random(it->bytes + below(it->count) * ITEM); }

static void clear(input *it) { memset(it->bytes + below(it->count) * ITEM, 0, ITEM); }

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t length, size_t room, unsigned seed) {
  static void (*const mutations[])(input *) = {change,      change,      change_byte,   change_byte, copy_over,
                                               replace,     insert_copy, insert_random, insert_copy, insert_random,
                                               erase,       erase,       clear};
  random_state = seed;
  builder_sizes sizes = builder_ask_sizes();
  input it = {bytes, 0, least(sizes.most, room / ITEM), sizes.head};
  if (it.most == 0) return LLVMFuzzerMutate(bytes, length, room);
  it.count = least((length + ITEM - 1) / ITEM, it.most);
  if (it.count * ITEM > length) memset(bytes + length, 0, it.count * ITEM - length);
  while (it.count < it.head && it.count < it.most) set_random(bytes + it.count++ * ITEM);
  for (size_t times = 1 + below(4); times > 0; times--) mutations[below(sizeof mutations / sizeof *mutations)](&it);
  return it.count * ITEM;
}

// The head of one with the bodies of the other, or with some of both.
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_length, const uint8_t *other, size_t other_length, uint8_t *out,
                                 size_t room, unsigned seed) {
  random_state = seed;
  builder_sizes sizes = builder_ask_sizes();
  size_t most = least(sizes.most, room / ITEM);
  size_t kept = least(one_length / ITEM, most);
  if (kept > sizes.head) kept = sizes.head + below(kept - sizes.head + 1);
  size_t from = other_length / ITEM;
  from = from > sizes.head ? sizes.head + below(from - sizes.head) : from;
  size_t taken = least(other_length / ITEM - from, most - kept);
  memcpy(out, one, kept * ITEM);
  memcpy(out + kept * ITEM, other + from * ITEM, taken * ITEM);
  return (kept + taken) * ITEM;
}
