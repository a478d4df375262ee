// See verify.h. One pass checks every word but for the targets of branches and notes which words are literals; a second
// looks at the targets. Its memory is one bit for each word of the longest function.
#include "verify.h"

#include "digests.h"
#include "signature.h"

typedef struct shape {
  uint8_t words;  // 0 for an op that is not assigned
  uint8_t terminator;
  uint8_t kinds[3];
  uint8_t literal;
} shape;

static const shape shapes[256] = {
#define SHAPE(op, id, ID, mnemonic, words, terminator, rule, a, b, c, literal) [op] = {words, terminator, {a, b, c}, literal},
    PF_INSTRUCTIONS(SHAPE)
#undef SHAPE
};

typedef struct function {
  pf_image *image;
  bool digests;          // whether what it reads is checked by them
  const uint8_t *words;  // the function's first
  uint32_t start;        // its place in the code section
  uint32_t count;
  uint32_t signature;
  uint32_t banks[2];     // integer, float
  uint64_t literals[PF_MAX_FUNCTION_WORDS / 64];
} function;

static uint32_t word_at(const function *f, uint32_t k) {
  return pf_u4(f->words + (size_t)k * PF_SIZEOF_CODE_WORD, f->image->foreign);
}

static uint64_t place(const function *f, uint32_t k) {
  return f->image->code.offset + ((uint64_t)f->start + k) * PF_SIZEOF_CODE_WORD;
}

static uint32_t larger(uint32_t x, uint32_t y) { return x > y ? x : y; }

static pf_outcome check_digests(const function *f, const uint8_t *bytes, size_t length, pf_error *error) {
  return f->digests ? pf_check_bytes(f->image, bytes, length, error) : PF_OK;
}

static pf_outcome check_row(function *f, uint32_t index, pf_error *error) {
  pf_image *image = f->image;
  const uint8_t *row = pf_function_row(image, index);
  uint64_t at = pf_offset_of(image, row);
  uint32_t first = index == 0 ? 0 : index - 1;
  pf_outcome outcome = check_digests(f, pf_function_row(image, first), (size_t)(index - first + 1) * PF_SIZEOF_FUNCTION_ROW, error);
  if (outcome != PF_OK) return outcome;
  f->start = pf_function_start(image, index);
  uint32_t end = pf_u4(row + PF_AT_FUNCTION_ROW_CODE_END, image->foreign);
  uint32_t reserved = pf_u2(row + PF_AT_FUNCTION_ROW_RESERVED, image->foreign);
  f->signature = pf_function_signature(image, index);
  f->banks[0] = row[PF_AT_FUNCTION_ROW_I_REGISTERS];
  f->banks[1] = row[PF_AT_FUNCTION_ROW_N_REGISTERS];
  if (reserved != 0) {
    return pf_fail(error, PF_INVALID, PF_RULE_FUN_001, at + PF_AT_FUNCTION_ROW_RESERVED, "expected reserved 0, got %u",
                   reserved);
  }
  if (end <= f->start) {
    return pf_fail(error, PF_INVALID, PF_RULE_FUN_002, at, "expected a code end above %u, got %u", f->start, end);
  }
  if (end > image->word_count) {
    return pf_fail(error, PF_INVALID, PF_RULE_FUN_003, at, "expected a code end of at most %u, got %u", image->word_count,
                   end);
  }
  f->count = end - f->start;
  if (f->count > PF_MAX_FUNCTION_WORDS) {
    return pf_fail(error, PF_INVALID, PF_RULE_LIM_006, at, "expected at most %u words, got %u", PF_MAX_FUNCTION_WORDS,
                   f->count);
  }
  if (pf_i_parameters(f->signature) > f->banks[0] || pf_n_parameters(f->signature) > f->banks[1]) {
    return pf_fail(error, PF_INVALID, PF_RULE_FUN_004, at + PF_AT_FUNCTION_ROW_I_REGISTERS,
                   "expected registers for (%u, %u) parameters, got (%u, %u)", pf_i_parameters(f->signature),
                   pf_n_parameters(f->signature), f->banks[0], f->banks[1]);
  }
  f->words = image->code.bytes + (size_t)f->start * PF_SIZEOF_CODE_WORD;
  return PF_OK;
}

static pf_outcome check_index(const function *f, uint32_t k, uint32_t index, uint32_t count, const char *rule,
                              const char *what, pf_error *error) {
  if (index < count) return PF_OK;
  return pf_fail(error, PF_INVALID, rule, place(f, k), "expected a %s below %u, got %u", what, count, index);
}

// Checks the literal, and for a call gives the signature that decides its windows.
static pf_outcome check_literal(const function *f, uint32_t k, uint8_t kind, uint32_t literal, uint32_t *signature,
                                pf_error *error) {
  pf_image *image = f->image;
  pf_outcome outcome = PF_OK;
  switch (kind) {
    case PF_OPERAND_FUNCTION:
      outcome = check_index(f, k + 1, literal, image->function_count, PF_RULE_CODE_008, "function", error);
      // PF-EXE-022: `lfn` looks at no row.
      if (outcome != PF_OK || (word_at(f, k) & 0xff) != PF_OP_CALL) return outcome;
      outcome = check_digests(f, pf_function_row(image, literal), PF_SIZEOF_FUNCTION_ROW, error);
      if (outcome == PF_OK) *signature = pf_function_signature(image, literal);
      return outcome;
    case PF_OPERAND_SLOT:
      return check_index(f, k + 1, literal, image->import_count, PF_RULE_CODE_009, "slot", error);
    case PF_OPERAND_FUNCTION_SLOT: {
      outcome = check_index(f, k + 1, literal, image->import_count, PF_RULE_CODE_009, "slot", error);
      if (outcome != PF_OK) return outcome;
      const uint8_t *row = pf_import_row(image, literal);
      // Linking has checked it, but `pf_verify` may come before any link.
      outcome = check_digests(f, row, PF_SIZEOF_IMPORT_ROW, error);
      if (outcome != PF_OK) return outcome;
      if (row[PF_AT_IMPORT_ROW_KIND] != PF_IMPORT_KIND_FUNCTION) {
        return pf_fail(error, PF_INVALID, PF_RULE_CODE_010, place(f, k + 1), "expected a slot of a function, got kind %u",
                       row[PF_AT_IMPORT_ROW_KIND]);
      }
      *signature = pf_u4(row + PF_AT_IMPORT_ROW_REQUIREMENT, image->foreign);
      return PF_OK;
    }
    case PF_OPERAND_CONSTANT:
      outcome = check_index(f, k + 1, literal, image->constant_count, PF_RULE_CODE_011, "constant", error);
      if (outcome != PF_OK) return outcome;
      return check_digests(f, image->constants.bytes + (size_t)literal * PF_SIZEOF_CONSTANT, PF_SIZEOF_CONSTANT, error);
    case PF_OPERAND_SIGNATURE: *signature = literal; return PF_OK;
    default: return PF_OK;
  }
}

static pf_outcome check_window(const function *f, uint32_t k, uint32_t bank, uint32_t first, uint32_t size, const char *rule,
                               pf_error *error) {
  if (first + size <= f->banks[bank]) return PF_OK;
  return pf_fail(error, PF_INVALID, rule, place(f, k), "expected a window of %u within %u %c registers, got one from %u", size,
                 f->banks[bank], "in"[bank], first);
}

static pf_outcome check_operands(const function *f, uint32_t k, uint32_t word, const shape *s, pf_error *error) {
  uint32_t signature = f->signature;
  bool is_return = (word & 0xff) == PF_OP_RET;
  if (s->words == 2) {
    pf_outcome outcome = check_literal(f, k, s->literal, word_at(f, k + 1), &signature, error);
    if (outcome != PF_OK) return outcome;
  }
  for (unsigned field = 0; field < 3; field++) {
    uint32_t value = word >> (8 * (field + 1)) & 0xff;
    uint32_t bank = 0;
    switch (s->kinds[field]) {
      case PF_OPERAND_NONE:
        if (value == 0) break;
        return pf_fail(error, PF_INVALID, PF_RULE_CODE_002, place(f, k), "expected 0 in unused field %c, got %u", "abc"[field],
                       value);
      case PF_OPERAND_N_DST:
      case PF_OPERAND_N_SRC:
      case PF_OPERAND_N_VAR: bank = 1;
      // Both banks are checked alike.
      // fall through
      case PF_OPERAND_I_DST:
      case PF_OPERAND_I_SRC:
      case PF_OPERAND_I_VAR:
        if (value < f->banks[bank]) break;
        return pf_fail(error, PF_INVALID, PF_RULE_CODE_003, place(f, k), "expected a register below %c%u, got %c%u", "in"[bank],
                       f->banks[bank], "in"[bank], value);
      case PF_OPERAND_N_WINDOW: bank = 1;
      // fall through
      case PF_OPERAND_I_WINDOW: {
        uint32_t results = bank == 0 ? pf_i_results(signature) : pf_n_results(signature);
        uint32_t parameters = bank == 0 ? pf_i_parameters(signature) : pf_n_parameters(signature);
        pf_outcome outcome = check_window(f, k, bank, value, is_return ? results : larger(parameters, results),
                                          is_return ? PF_RULE_CODE_013 : PF_RULE_CODE_012, error);
        if (outcome == PF_OK) break;
        return outcome;
      }
      default: break;
    }
  }
  return PF_OK;
}

static pf_outcome check_words(function *f, pf_error *error) {
  uint32_t table_jumps = 0;
  bool ended = false;
  for (uint32_t k = 0; k < f->count;) {
    uint32_t word = word_at(f, k);
    const shape *s = &shapes[word & 0xff];
    if (s->words == 0) {
      return pf_fail(error, PF_INVALID, PF_RULE_CODE_001, place(f, k), "expected an assigned op, got 0x%02x", word & 0xff);
    }
    if (s->words == 2) {
      if (f->count - k < 2) {
        return pf_fail(error, PF_INVALID, PF_RULE_CODE_004, place(f, k), "expected a literal word, got the function's end");
      }
      f->literals[(k + 1) / 64] |= UINT64_C(1) << (k + 1) % 64;
    }
    pf_outcome outcome = check_operands(f, k, word, s, error);
    if (outcome != PF_OK) return outcome;
    if (table_jumps > 0) {
      if ((word & 0xff) != PF_OP_JMP) {
        return pf_fail(error, PF_INVALID, PF_RULE_CODE_014, place(f, k), "expected %u more jmp of a table, got op 0x%02x",
                       table_jumps, word & 0xff);
      }
      table_jumps--;
    } else if ((word & 0xff) == PF_OP_JMP_TABLE) {
      table_jumps = (word >> 16) + 1;
    }
    ended = s->terminator != 0;
    k += s->words;
  }
  if (table_jumps > 0) {
    return pf_fail(error, PF_INVALID, PF_RULE_CODE_014, place(f, f->count - 1),
                   "expected %u more jmp of a table, got the function's end", table_jumps);
  }
  if (!ended) {
    return pf_fail(error, PF_INVALID, PF_RULE_CODE_007, place(f, f->count - 1), "expected a terminator at the end, got none");
  }
  return PF_OK;
}

static pf_outcome check_branches(const function *f, pf_error *error) {
  for (uint32_t k = 0; k < f->count;) {
    uint32_t word = word_at(f, k);
    const shape *s = &shapes[word & 0xff];
    for (unsigned field = 0; field < 3; field++) {
      uint8_t kind = s->kinds[field];
      if (kind != PF_OPERAND_OFF8 && kind != PF_OPERAND_OFF16 && kind != PF_OPERAND_OFF24) continue;
      // Each distance reaches to the top of the word, so one arithmetic shift gives it.
      int32_t distance = (int32_t)(word & ~(UINT32_C(0xffffffff) >> (24 - 8 * field))) / (1 << (8 * (field + 1)));
      int64_t target = (int64_t)k + distance;
      if (target < 0 || target >= f->count) {
        return pf_fail(error, PF_INVALID, PF_RULE_CODE_005, place(f, k), "expected a target within %u words, got word %lld",
                       f->count, (long long)target);
      }
      if (f->literals[target / 64] >> (target % 64) & 1) {
        return pf_fail(error, PF_INVALID, PF_RULE_CODE_006, place(f, k), "expected an instruction at word %u, got a literal",
                       (unsigned)target);
      }
    }
    k += s->words;
  }
  return PF_OK;
}

static pf_outcome judge(pf_image *image, uint32_t index, bool digests, pf_error *error) {
  function f;
  f.image = image;
  f.digests = digests && image->digests != NULL;
  f.words = NULL;
  f.start = f.count = f.signature = f.banks[0] = f.banks[1] = 0;
  pf_outcome outcome = check_row(&f, index, error);
  if (outcome != PF_OK) return outcome;
  memset(f.literals, 0, ((size_t)f.count + 63) / 64 * 8);
  outcome = check_digests(&f, f.words, (size_t)f.count * PF_SIZEOF_CODE_WORD, error);
  if (outcome == PF_OK) outcome = check_words(&f, error);
  if (outcome == PF_OK) outcome = check_branches(&f, error);
  atomic_fetch_add_explicit(&image->words_verified, f.count, memory_order_relaxed);
  return outcome;
}

pf_outcome pf_judge(pf_image *image, uint32_t index, pf_error *error) {
  uint8_t verdict = atomic_load_explicit(&image->verdicts[index], memory_order_relaxed);
  if (verdict == PF_GOOD) return pf_succeed(error);
  // A bad function is judged again for the sake of the diagnosis, which is not kept.
  pf_outcome outcome = judge(image, index, true, error);
  // Nothing is judged by bytes that are corrupt, so there is no verdict to keep.
  if (outcome == PF_CORRUPT) return outcome;
  if (verdict == PF_BAD) {
    if (outcome != PF_OK) return outcome;
    return pf_fail(error, PF_INVALID, PF_RULE_FUN_006, PF_NO_OFFSET, "expected the function as it was judged, got another");
  }
  atomic_fetch_add_explicit(&image->functions_verified, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&image->rows_read, 1, memory_order_relaxed);
  atomic_store_explicit(&image->verdicts[index], outcome == PF_OK ? PF_GOOD : PF_BAD, memory_order_relaxed);
  return outcome == PF_OK ? pf_succeed(error) : outcome;
}

pf_outcome pf_judge_anyway(pf_image *image, uint32_t index, pf_error *error) {
  return image->digests == NULL ? pf_judge(image, index, error) : judge(image, index, false, error);
}

pf_outcome pf_verify(pf_image *image, uint32_t index, pf_error *error) {
  if (index >= image->function_count) {
    return pf_fail(error, PF_MISUSE, NULL, PF_NO_OFFSET, "expected a function below %u, got %u", image->function_count, index);
  }
  pf_guard guard;
  if (PF_GUARDED(&guard, &image->range, 1)) {
    pf_outcome outcome = pf_judge(image, index, error);
    pf_guard_leave(&guard);
    return outcome;
  }
  return pf_fail_lost(error, pf_offset_of(image, guard.address));
}
