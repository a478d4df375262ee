// Turns verified code into what the machine runs: one object an instruction, each knowing its successor and its target.
// Assumes that the function was verified; promises that no field of an instruction has to be looked up or checked again.
// Words are read through the file's byte order and the file's bytes stay as they are.

import { INSTRUCTIONS, ROWS } from '../generated/table.js';
import { counts } from './rows.js';
import { byteOf, valueOf } from './verify.js';

/** Every instruction has the same fields in the same order, so that the machine's loop sees one shape. */
export class Instruction {
  constructor(run, info, word, literal, offset) {
    /** Carries it out and gives the next one. @type {(m: object, x: Instruction) => Instruction|null} */
    this.run = run;
    this.a = byteOf(word, 1);
    this.b = byteOf(word, 2);
    this.c = byteOf(word, 3);
    /** Immediate, displacement or count. */
    this.imm = 0;
    /** The literal as a signed number. */
    this.lit = literal;
    /** @type {Instruction|null} */
    this.next = null;
    /** Target of the branch. @type {Instruction|null} */
    this.to = null;
    /** Whether the target is this word or an earlier one, which costs fuel. */
    this.back = false;
    /** The jumps of a jump table. @type {Instruction[]|null} */
    this.table = null;
    /** Function of this module that is called; found at the first call. */
    this.callee = null;
    this.info = info;
    this.offset = offset;
  }
}

/** A function whose row and code are good. */
export class Code {
  constructor(image, row, first) {
    this.image = image;
    this.signature = row.signature;
    this.iRegisters = row.iRegisters;
    this.nRegisters = row.nRegisters;
    const { ip, np, ir, nr } = counts(row.signature);
    this.ip = ip;
    this.np = np;
    this.ir = ir;
    this.nr = nr;
    this.first = first;
  }
}

/**
 * @param {import('./image.js').Image} image
 * @param {object} row of `functionRow`, verified
 * @param {Record<string, Function>} handlers by instruction id
 */
export function decode(image, row, handlers) {
  const at = new Array(row.end - row.start).fill(null);
  let before = null;
  for (let index = row.start; index < row.end; ) {
    const word = image.word(index);
    const info = INSTRUCTIONS[byteOf(word, 0)];
    const literal = info.words > 1 ? image.word(index + 1) : 0;
    const each = new Instruction(handlers[info.id], info, word, literal, image.wordOffset(index));
    for (const operand of info.operands) {
      if (operand.field === 'signed' || operand.field === 'unsigned' || operand.field === 'branch') each.imm = valueOf(word, operand);
    }
    at[index - row.start] = each;
    if (before !== null) before.next = each;
    before = each;
    index += info.words;
  }
  for (let index = 0; index < at.length; index++) {
    const each = at[index];
    if (each === null) continue;
    if (each.info.id === 'jmp_table') each.table = at.slice(index + 1, index + 2 + each.imm);
    if (!each.info.operands.some((operand) => operand.field === 'branch')) continue;
    each.to = at[index + each.imm];
    each.back = each.imm <= 0;
  }
  return new Code(image, row, at[0]);
}

/** Reads a constant's bits. @param {import('./image.js').Image} image @param {number} index */
export function constant(image, index) {
  return image.view.getBigUint64(image.row('constants', index) + ROWS.constant.fields.bits.offset, image.little);
}
