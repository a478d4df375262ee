// Judges one function. Assumes an image that opened, and for `calli` nothing of the import rows; promises that the function's
// row and code keep PF-FUN-001 to PF-FUN-004, PF-LIM-006 and PF-CODE-001 to PF-CODE-014, or throws `invalid`. No other
// function's code is looked at. Keeps nothing: verdicts are the machine's to keep.

import { ENUMS, INSTRUCTIONS, ROWS, VALUES } from '../generated/table.js';
import { invalid } from './errors.js';
import { counts, functionRow, importRow, ruleOf, signatureOf } from './rows.js';

const FUNCTION = ROWS.function_row.fields;
const JMP = Number(Object.keys(INSTRUCTIONS).find((op) => INSTRUCTIONS[op].id === 'jmp'));

/** Byte of a word that stands at a position; 0 is the op. @param {number} word @param {number} position */
export function byteOf(word, position) {
  return (word >>> (8 * position)) & 255;
}

/** An operand's number, sign-extended where the table says so. @param {number} word @param {object} operand */
export function valueOf(word, { field, size, position }) {
  const up = 32 - 8 * (position + size);
  const down = 32 - 8 * size;
  return field === 'unsigned' ? (word << up) >>> down : (word << up) >> down;
}

/**
 * @param {import('./image.js').Image} image
 * @param {number} index
 * @returns {ReturnType<typeof functionRow>} the row of a function that is good
 */
export function verify(image, index) {
  const row = functionRow(image, index);
  checkRow(image, row);
  image.needCode(row.start, row.end);
  new Pass(image, row).run();
  return row;
}

function checkRow(image, row) {
  const at = (name) => row.at + FUNCTION[name].offset;
  if (row.reserved !== 0) throw invalid(ruleOf('function_row.reserved'), at('reserved'), 0, row.reserved);
  if (row.end <= row.start) throw invalid('PF-FUN-002', at('code_end'), `more than ${row.start}`, row.end);
  const words = image.sections.code.count;
  if (row.end > words) throw invalid('PF-FUN-003', at('code_end'), `at most ${words} words`, row.end);
  const { ip, np } = counts(row.signature);
  if (ip > row.iRegisters) throw invalid('PF-FUN-004', at('i_registers'), `at least ${ip} registers`, row.iRegisters);
  if (np > row.nRegisters) throw invalid('PF-FUN-004', at('n_registers'), `at least ${np} registers`, row.nRegisters);
  const length = row.end - row.start;
  if (length > VALUES.max_function_words) {
    throw invalid('PF-LIM-006', at('code_end'), `at most ${VALUES.max_function_words} words`, length);
  }
}

class Pass {
  constructor(image, row) {
    this.image = image;
    this.row = row;
    this.begins = new Uint8Array(row.end - row.start);
    this.branches = [];
  }

  run() {
    const { start, end } = this.row;
    let last = null;
    for (let at = start; at < end; ) {
      const word = this.image.word(at);
      last = INSTRUCTIONS[byteOf(word, 0)];
      if (last === undefined) throw this.fault('PF-CODE-001', at, 'an assigned op', byteOf(word, 0));
      this.begins[at - start] = 1;
      this.instruction(at, word, last);
      at += last.words;
    }
    if (!last.terminator) throw this.fault('PF-CODE-007', end - 1, 'a terminator at the end', last.mnemonic);
    for (let each = 0; each < this.branches.length; each += 2) this.target(this.branches[each], this.branches[each + 1]);
  }

  fault(rule, at, expected, got) {
    return invalid(rule, this.image.wordOffset(at), expected, got);
  }

  instruction(at, word, info) {
    for (const position of info.unused) {
      const byte = byteOf(word, position);
      if (byte !== 0) throw this.fault('PF-CODE-002', at, 'zero in a byte that no operand uses', byte);
    }
    if (at + info.words > this.row.end) throw this.fault('PF-CODE-004', at, 'the literal within the function', 'its end');
    const literal = info.words > 1 ? this.image.word(at + 1) : 0;
    for (const operand of info.operands) this.operand(at, word, operand, literal);
    if (info.operands[0]?.field === 'window') this.windows(at, word, info, literal);
    if (info.id === 'jmp_table') this.table(at, valueOf(word, info.operands[1]));
  }

  operand(at, word, operand, literal) {
    if (operand.field === 'register') {
      const number = byteOf(word, operand.position);
      const size = operand.bank === 'i' ? this.row.iRegisters : this.row.nRegisters;
      if (number >= size) throw this.fault('PF-CODE-003', at, `a register below ${operand.bank}${size}`, `${operand.bank}${number}`);
    } else if (operand.field === 'branch') {
      this.branches.push(at, at + valueOf(word, operand));
    } else if (operand.field === 'literal') {
      this.literal(at, operand.name, literal >>> 0);
    }
  }

  literal(at, name, value) {
    const below = (rule, limit) => {
      if (value >= limit) throw this.fault(rule, at + 1, `an index below ${limit}`, value);
    };
    if (name === 'function') below('PF-CODE-008', this.image.functionCount);
    if (name === 'constant') below('PF-CODE-011', this.image.sections.constants.count);
    if (name === 'slot' || name === 'function_slot') below('PF-CODE-009', this.image.sections.imports.count);
    if (name === 'function_slot') {
      const { kind } = importRow(this.image, value);
      if (kind !== ENUMS.import_kind.function) throw this.fault('PF-CODE-010', at + 1, 'an import of a function', `kind ${kind}`);
    }
  }

  windows(at, word, info, literal) {
    const [i, n] = info.operands.map((operand) => byteOf(word, operand.position));
    const callee = info.operands.find((operand) => operand.field === 'literal');
    const { ip, np, ir, nr } = counts(this.signature(callee, literal >>> 0));
    const rule = callee === undefined ? 'PF-CODE-013' : 'PF-CODE-012';
    const need = callee === undefined ? [ir, nr] : [Math.max(ip, ir), Math.max(np, nr)];
    const { iRegisters, nRegisters } = this.row;
    if (i + need[0] > iRegisters) throw this.fault(rule, at, `a window within ${iRegisters} integer registers`, `${need[0]} from i${i}`);
    if (n + need[1] > nRegisters) throw this.fault(rule, at, `a window within ${nRegisters} float registers`, `${need[1]} from n${n}`);
  }

  // `ret` names no callee: its results are the function's own.
  signature(callee, value) {
    if (callee === undefined) return this.row.signature;
    if (callee.name === 'function') return signatureOf(this.image, value);
    return callee.name === 'function_slot' ? importRow(this.image, value).requirement : value;
  }

  table(at, count) {
    for (let entry = at + 1; entry <= at + 1 + count; entry++) {
      if (entry >= this.row.end) throw this.fault('PF-CODE-014', at, `${count + 1} jumps within the function`, `${entry - at - 1}`);
      const op = byteOf(this.image.word(entry), 0);
      if (op !== JMP) throw this.fault('PF-CODE-014', entry, 'a jmp', INSTRUCTIONS[op]?.mnemonic ?? op);
    }
  }

  target(at, to) {
    const { start, end } = this.row;
    if (to < start || to >= end) throw this.fault('PF-CODE-005', at, `a target of ${start} to ${end - 1}`, to);
    if (this.begins[to - start] === 0) throw this.fault('PF-CODE-006', at, 'a target that begins an instruction', to);
  }
}
