// The embedder's interface. Assumes paths, images and host modules; promises values or a PackfileError, never a half-made
// process. This file is all that an embedder imports.

import { ENUMS, VALUES } from '../generated/table.js';
import { exhausted, HostFailure, PackfileError, trap, unlinkable } from './errors.js';
import { HostModule } from './host.js';
import { Image, open } from './image.js';
import { linkSet } from './link.js';
import { Machine } from './machine.js';
import { range } from './memory.js';
import { counts, naming, showName } from './rows.js';

export { open, Image, HostModule, HostFailure, PackfileError };
export { audit, findings } from './audit.js';

const MAX_I = 2n ** 63n;

/** A name's bytes; text that is not well-formed has none. @param {string|Uint8Array} name */
function bytesOf(name) {
  if (name instanceof Uint8Array) return name;
  if (typeof name !== 'string') throw new TypeError('a name is a string, or bytes');
  if (/\p{Surrogate}/u.test(name)) throw new TypeError('a name with a lone surrogate has no UTF-8');
  return Buffer.from(name, 'utf8');
}

/**
 * @typedef {object} CallOptions
 * @property {Iterable<bigint|number>} [i] integer arguments
 * @property {Iterable<number|bigint>} [n] float arguments; a bigint is the 64 bits of one
 * @property {number} [fuel] calls and backward branches that it may make; the greatest by default
 * @property {number} [depth] frames that it may have at once; 4,096 by default
 */

/**
 * @typedef {object} Results
 * @property {bigint[]} i integers
 * @property {number[]} n floats
 * @property {bigint[]} bits the same floats as bits, signalling NaNs and all
 */

/** A linked set of modules. Made by `link`. */
export class Process {
  /** @param {{name: Uint8Array, module: Image|HostModule, isHost: boolean}[]} modules */
  constructor(modules) {
    const { instances, byName, segments } = linkSet(modules);
    this.instances = instances;
    this.byName = byName;
    this.segments = segments;
    this.machine = new Machine(this);
    this.exhausted = false;
    this.running = false;
    this.closed = false;
    for (const { image } of instances) image?.source.retain();
  }

  /**
   * Calls the function that a module exports under a name.
   * @param {string|Uint8Array} module @param {string|Uint8Array} name @param {CallOptions} [options]
   * @returns {Results}
   * @throws {PackfileError}
   */
  call(module, name, options = {}) {
    return this.#call(options, () => {
      const instance = this.#module(bytesOf(module));
      const wanted = bytesOf(name);
      let found;
      try {
        found = instance.lookUp(wanted);
      } catch (error) {
        throw naming(instance.image, error);
      }
      if (found === null || found.kind !== ENUMS.import_kind.function) {
        throw unlinkable('PF-EXE-017', `module ${showName(instance.name)} exports no function ${showName(wanted)}`);
      }
      return { instance, index: found.position };
    });
  }

  /**
   * Calls a module's entry function, exported or not.
   * @param {string|Uint8Array} module @param {CallOptions} [options]
   * @returns {Results}
   * @throws {PackfileError}
   */
  enter(module, options = {}) {
    return this.#call(options, () => {
      const instance = this.#module(bytesOf(module));
      const entry = instance.image?.entry ?? null;
      if (entry === null) throw unlinkable('PF-EXE-019', `module ${showName(instance.name)} has no entry function`);
      return { instance, index: entry };
    });
  }

  /** Bytes of a segment, as a load would find them; a copy. @param {bigint} address @param {number|bigint} length */
  read(address, length) {
    const { segment, offset } = range(this.segments, BigInt.asUintN(64, address), BigInt(length), false);
    return segment.bytes.slice(offset, offset + Number(length));
  }

  /** Writes bytes, as stores would. @param {bigint} address @param {Uint8Array} bytes */
  write(address, bytes) {
    const { segment, offset } = range(this.segments, BigInt.asUintN(64, address), BigInt(bytes.length), true);
    segment.bytes.set(bytes, offset);
  }

  /** Lets go of the files. No call may follow. */
  close() {
    if (this.closed) return;
    this.closed = true;
    for (const { image } of this.instances) image?.source.release();
  }

  #module(name) {
    const instance = this.byName.get(Buffer.from(name).toString('latin1'));
    if (instance === undefined) throw unlinkable('PF-EXE-017', `no module of the set is named ${showName(name)}`);
    return instance;
  }

  #call(options, find) {
    const { fuel = VALUES.max_fuel, depth = VALUES.min_depth } = options;
    amount('fuel', fuel, VALUES.max_fuel);
    amount('depth', depth, VALUES.max_depth);
    const i = integersOf(options.i ?? []);
    const n = bitsOf(options.n ?? []);
    if (this.closed) throw new Error('the process is closed');
    if (this.running) throw new Error('the process is running: a host function must not call it');
    if (this.exhausted) throw exhausted('PF-EXE-016', 'an earlier call of this process was exhausted');
    const { instance, index } = find();
    const { ip, np } = counts(instance.signature(index));
    if (i.length !== ip || n.length !== np) {
      const got = `${i.length} integers and ${n.length} floats`;
      throw trap('signature-mismatch', 'PF-EXE-018', `expected ${ip} integers and ${np} floats, got ${got}`);
    }
    this.running = true;
    try {
      const results = this.machine.call(instance, index, { i, n }, fuel, depth);
      const bits = BigUint64Array.from(results.n);
      return { i: results.i, n: Array.from(new Float64Array(bits.buffer)), bits: results.n };
    } catch (error) {
      if (error.outcome === 'exhausted') this.exhausted = true;
      throw error;
    } finally {
      this.running = false;
    }
  }
}

function amount(what, value, most) {
  if (!Number.isInteger(value) || value < 0 || value > most) throw new RangeError(`${what} is an integer of 0 to ${most}`);
}

function integersOf(list) {
  return BigInt64Array.from(list, (value) => {
    const integer = BigInt(value);
    if (integer < -MAX_I || integer >= MAX_I) throw new RangeError(`${integer} does not fit 64 bits signed`);
    return integer;
  });
}

function bitsOf(list) {
  const values = Array.from(list);
  const bits = new BigUint64Array(values.length);
  const floats = new Float64Array(bits.buffer);
  values.forEach((value, index) => {
    if (typeof value === 'bigint') bits[index] = value;
    else if (typeof value === 'number') floats[index] = value;
    else throw new TypeError(`a float argument is a Number, or a BigInt of its bits, not ${typeof value}`);
  });
  return bits;
}

/**
 * Links modules in the order of their positions.
 * @param {Iterable<[string|Uint8Array, Image|HostModule]>} modules pairs of a name and what stands under it
 * @returns {Process}
 * @throws {PackfileError}
 */
export function link(modules) {
  return new Process(Array.from(modules, ([name, module]) => {
    if (!(module instanceof Image) && !(module instanceof HostModule)) throw new TypeError('a module is an Image or a HostModule');
    if (module.closed) throw new Error(`${module.path} is closed`);
    return { name: bytesOf(name), module, isHost: module instanceof HostModule };
  }));
}
