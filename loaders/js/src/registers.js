// The two banks of registers of every frame of one call, in two runs of memory. Assumes verified code, so that no index leaves
// its bank; promises that all 64 bits stay as they are unless arithmetic changes them.
//
// Each run has several views. Integers and bits are moved as pairs of 32-bit words, since a BigInt would be allocated and
// a Number may quiet a signalling NaN; 64-bit arithmetic goes through the BigInt views, which wrap by themselves, and
// float arithmetic alone through the Number view.

/** Which of a register's two words is the low one on this host. */
export const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;
export const HIGH = 1 - LOW;

/** High word of the canonical NaN; its low word is zero. */
const NAN_HIGH = 0x7ff80000;

const FIRST_SIZE = 1024;

export class Registers {
  constructor() {
    this.#integers(new ArrayBuffer(FIRST_SIZE * 8));
    this.#floats(new ArrayBuffer(FIRST_SIZE * 8));
  }

  #integers(buffer) {
    /** Signed. */
    this.i = new BigInt64Array(buffer);
    /** Unsigned. */
    this.u = new BigUint64Array(buffer);
    /** As words. */
    this.iw = new Int32Array(buffer);
  }

  #floats(buffer) {
    /** As numbers: for arithmetic and for nothing else. */
    this.n = new Float64Array(buffer);
    /** As bits. */
    this.bits = new BigUint64Array(buffer);
    /** As words. */
    this.nw = new Int32Array(buffer);
  }

  /** Makes room, keeping what is there. @param {number} integers @param {number} floats registers needed in all */
  grow(integers, floats) {
    if (integers > this.i.length) {
      const old = this.i;
      this.#integers(new ArrayBuffer(Math.max(integers, 2 * old.length) * 8));
      this.i.set(old);
    }
    if (floats > this.bits.length) {
      const old = this.bits;
      this.#floats(new ArrayBuffer(Math.max(floats, 2 * old.length) * 8));
      this.bits.set(old);
    }
  }

  /** Writes what float arithmetic gave; the one place where a NaN becomes the canonical one. */
  put(index, value) {
    if (value === value) {
      this.n[index] = value;
    } else {
      this.nw[2 * index + LOW] = 0;
      this.nw[2 * index + HIGH] = NAN_HIGH;
    }
  }

  /** Writes a number of -2^31 to 2^31 - 1. */
  small(index, value) {
    this.iw[2 * index + LOW] = value;
    this.iw[2 * index + HIGH] = value >> 31;
  }
}

/** Copies registers as words, within a run or from one to another. */
export function copyWords(from, source, to, target, count) {
  for (let word = 0; word < 2 * count; word++) to[2 * target + word] = from[2 * source + word];
}
