// Modules that the embedder makes of its own functions. Assumes functions that keep to the signatures they state; promises
// them arguments of their own, all 64 bits kept, and the machine results of the right counts.

import { HostFailure } from './errors.js';
import { counts } from './rows.js';

export { HostFailure };

/**
 * What a host function is given: copies of its arguments. `n` and `bits` are the same memory; a Number may lose the bits of a
 * signalling NaN, so what must keep them uses `bits`.
 * @typedef {{i: BigInt64Array, n: Float64Array, bits: BigUint64Array}} Values
 */

/**
 * @typedef {object} HostFunction
 * @property {string} name
 * @property {string} signature such as `(i, i, n) -> (n)`, integers before floats
 * @property {(given: Values, results: Values, process: import('./process.js').Process) => void} call fills `results`, which
 *   are zero; throws HostFailure to make the caller trap with `host`; anything else that it throws reaches the embedder
 */

/** The signature word of a text such as `(i, n) -> (n)`. @param {string} text */
export function signatureWord(text) {
  const parts = /^\s*\(([in,\s]*)\)\s*->\s*\(([in,\s]*)\)\s*$/.exec(text);
  if (parts === null) throw new TypeError(`not a signature: ${text}`);
  const [given, results] = parts.slice(1).map((list) => {
    const banks = list.split(',').map((each) => each.trim());
    if (list.trim() === '') return [0, 0];
    const integers = banks.filter((bank) => bank === 'i').length;
    const inOrder = banks.every((bank, index) => bank === (index < integers ? 'i' : 'n'));
    if (!inOrder || banks.length - integers > 255 || integers > 255) throw new TypeError(`not a signature: ${text}`);
    return [integers, banks.length - integers];
  });
  return (given[0] | (given[1] << 8) | (results[0] << 16) | (results[1] << 24)) >>> 0;
}

/** A signature word as text. @param {number} word */
export function signatureText(word) {
  const { ip, np, ir, nr } = counts(word);
  const list = (i, n) => [...Array(i).fill('i'), ...Array(n).fill('n')].join(', ');
  return `(${list(ip, np)}) -> (${list(ir, nr)})`;
}

function values(integers, floats) {
  const n = new Float64Array(floats);
  return { i: new BigInt64Array(integers), n, bits: new BigUint64Array(n.buffer) };
}

class Callee {
  constructor({ name, signature, call }) {
    this.name = name;
    this.signature = signatureWord(signature);
    this.counts = counts(this.signature);
    this.run = call;
  }

  /** @param {{i: BigInt64Array, n: BigUint64Array}} given */
  call(given, process) {
    const { ip, np, ir, nr } = this.counts;
    const copies = values(ip, np);
    copies.i.set(given.i);
    copies.bits.set(given.n);
    const results = values(ir, nr);
    this.run(copies, results, process);
    return { i: results.i, n: results.bits };
  }
}

/** A module of host functions, in the order of their indices. */
export class HostModule {
  /** @param {HostFunction[]} functions */
  constructor(functions) {
    this.functions = functions.map((each) => new Callee(each));
    this.byName = new Map();
    this.functions.forEach((callee, index) => {
      const key = Buffer.from(callee.name, 'utf8').toString('latin1');
      if (this.byName.has(key)) throw new TypeError(`two host functions named ${callee.name}`);
      this.byName.set(key, index);
    });
  }
}
