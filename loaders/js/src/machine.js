// Runs verified code. Assumes a linked process and arguments whose counts fit the signature; promises fuel and depth to the
// unit, results, or a trap, `invalid` or `exhausted`, with the process left as PF-EXE-015 says. Calls of bytecode do not
// recurse on the host's stack.

import { VALUES } from '../generated/table.js';
import { decode } from './decode.js';
import { exhausted, HostFailure, PackfileError, trap } from './errors.js';
import { control } from './control.js';
import { floats } from './floats.js';
import { integers } from './integers.js';
import { loads } from './loads.js';
import { Registers, copyWords } from './registers.js';
import { naming } from './rows.js';
import { verify } from './verify.js';

/** Frames at which a call is exhausted whatever depth it was given (PF-LIM-009). */
export const GREATEST_DEPTH = 16 * VALUES.min_depth;

/** Registers that a loop clears faster than `fill` does. */
const FEW = 16;

const HANDLERS = { ...control, ...integers, ...floats, ...loads };

/**
 * The verdict on a function, and its code if it is good. It depends on the file alone, so it is kept with the image.
 * @param {import('./image.js').Image} image @param {number} index
 * @returns {import('./decode.js').Code}
 */
export function codeOf(image, index) {
  let verdict = image.functions.get(index);
  if (verdict === undefined) {
    try {
      verdict = decode(image, verify(image, index), HANDLERS);
    } catch (error) {
      if (!(error instanceof PackfileError)) throw error;
      verdict = naming(image, error);
    }
    image.functions.set(index, verdict);
  }
  if (verdict instanceof PackfileError) throw verdict;
  return verdict;
}

export class Machine {
  /** @param {import('./process.js').Process} process */
  constructor(process) {
    this.process = process;
    this.segments = process.segments;
    this.registers = new Registers();
    /** Module whose code runs. @type {import('./link.js').Instance|null} */
    this.instance = null;
    /** @type {import('./decode.js').Code|null} */
    this.code = null;
    /** First register of the running frame in each bank. */
    this.ib = 0;
    this.nb = 0;
    this.fuel = 0;
    this.depth = 0;
    this.limit = 0;
    /** What each frame but the first returns to. */
    this.calls = [];
    this.codes = [];
    this.instances = [];
  }

  /**
   * Calls a function for the embedder.
   * @param {import('./link.js').Instance} instance
   * @param {number} index
   * @param {{i: BigInt64Array, n: BigUint64Array}} given bits of floats
   * @param {number} fuel @param {number} depth
   * @returns {{i: bigint[], n: bigint[]}}
   */
  call(instance, index, given, fuel, depth) {
    this.fuel = fuel;
    this.depth = 0;
    this.limit = Math.min(depth, GREATEST_DEPTH);
    this.ib = 0;
    this.nb = 0;
    this.code = null;
    this.instance = null;
    this.charge();
    if (instance.host !== null) {
      const results = this.hostCall(instance.host.functions[index], given);
      return { i: Array.from(results.i), n: Array.from(results.n) };
    }
    this.count();
    const code = codeOf(instance.image, index);
    this.frame(instance, code, 0, 0);
    this.registers.i.set(given.i);
    this.registers.bits.set(given.n);
    this.run(code.first);
    const { i, bits } = this.registers;
    return { i: Array.from(i.subarray(this.ib, this.ib + code.ir)), n: Array.from(bits.subarray(this.nb, this.nb + code.nr)) };
  }

  run(first) {
    let x = first;
    try {
      while (x !== null) x = x.run(this, x);
    } catch (error) {
      // Where it happened is known here alone. A verdict is shared by all calls, so it keeps its own place.
      if (error instanceof PackfileError && error.outcome !== 'invalid' && error.path === undefined) {
        error.path = this.instance.image.path;
        error.offset = x.offset;
        error.rule ??= x.info.rule;
      }
      throw error;
    }
  }

  /** Charges a unit of fuel (PF-EXE-013). */
  charge() {
    if (this.fuel === 0) throw exhausted('PF-EXE-013', 'the fuel is used up');
    this.fuel -= 1;
  }

  /** Counts a frame (PF-EXE-014). */
  count() {
    if (this.depth >= this.limit) throw exhausted('PF-EXE-014', `more than ${this.limit} frames`);
    this.depth += 1;
  }

  /** Makes a frame whose registers are zero. */
  frame(instance, code, ib, nb) {
    const registers = this.registers;
    const iEnd = ib + code.iRegisters;
    const nEnd = nb + code.nRegisters;
    if (iEnd > registers.i.length || nEnd > registers.n.length) registers.grow(iEnd, nEnd);
    clear(registers.iw, ib, iEnd);
    clear(registers.nw, nb, nEnd);
    this.instance = instance;
    this.code = code;
    this.ib = ib;
    this.nb = nb;
  }

  /**
   * Calls a function for an instruction: the steps of PF-EXE-012 from the charge of fuel on.
   * @returns the instruction that goes on
   */
  enter(x, instance, index) {
    this.charge();
    if (instance.host !== null) return this.enterHost(x, instance.host.functions[index]);
    this.count();
    const code = codeOf(instance.image, index);
    const caller = this.code;
    const above = this.depth - 2;
    this.calls[above] = x;
    this.codes[above] = caller;
    this.instances[above] = this.instance;
    const i = this.ib + x.a;
    const n = this.nb + x.b;
    this.frame(instance, code, this.ib + caller.iRegisters, this.nb + caller.nRegisters);
    const { iw, nw } = this.registers;
    copyWords(iw, i, iw, this.ib, code.ip);
    copyWords(nw, n, nw, this.nb, code.np);
    return code.first;
  }

  /** Returns to the caller, with the results that begin at the windows. */
  leave(x) {
    const { ir, nr } = this.code;
    const i = this.ib + x.a;
    const n = this.nb + x.b;
    this.depth -= 1;
    if (this.depth === 0) {
      this.ib = i;
      this.nb = n;
      return null;
    }
    const above = this.depth - 1;
    const call = this.calls[above];
    this.code = this.codes[above];
    this.instance = this.instances[above];
    this.ib -= this.code.iRegisters;
    this.nb -= this.code.nRegisters;
    const { iw, nw } = this.registers;
    copyWords(iw, i, iw, this.ib + call.a, ir);
    copyWords(nw, n, nw, this.nb + call.b, nr);
    return call.next;
  }

  enterHost(x, callee) {
    const { i, bits } = this.registers;
    const { ip, np } = callee.counts;
    const ia = this.ib + x.a;
    const na = this.nb + x.b;
    const results = this.hostCall(callee, { i: i.slice(ia, ia + ip), n: bits.slice(na, na + np) });
    i.set(results.i, ia);
    bits.set(results.n, na);
    return x.next;
  }

  hostCall(callee, given) {
    try {
      return callee.call(given, this.process);
    } catch (error) {
      if (error instanceof HostFailure) throw trap('host', 'PF-EXE-024', error.message || 'a host function failed');
      throw error;
    }
  }
}

// Both ends are registers; a register is two words.
function clear(words, from, to) {
  if (to - from > FEW) {
    words.fill(0, 2 * from, 2 * to);
    return;
  }
  for (let word = 2 * from; word < 2 * to; word++) words[word] = 0;
}
