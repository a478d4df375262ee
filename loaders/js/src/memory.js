// Segments and addresses. Assumes the linked set; promises that no access leaves its segment and that checks come in the
// order of PF-EXE-007 and PF-EXE-009. Values are little-endian whatever the host and the file.

import { trap } from './errors.js';
import { BLOCK } from './source.js';

/** From this length on, data is copied block by block when it is touched. */
const COPIED_AT_ONCE = 16 * BLOCK;

/** Distance of two segments. */
const SPAN = 2 ** 32;

export class Segment {
  /** @param {Uint8Array} bytes @param {boolean} writable @param {((offset: number, length: number) => void)|null} need */
  constructor(bytes, writable, need) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.length = bytes.length;
    this.writable = writable;
    this.need = need;
  }

  /** The section itself, which nobody writes to. */
  static rodata(image) {
    const { offset, length } = image.sections.rodata;
    if (length === 0) return null;
    const { source } = image;
    const need = source.complete ? null : (at, count) => source.need(offset + at, count);
    return new Segment(image.bytes.subarray(offset, offset + length), false, need);
  }

  /** A copy of its own of the data section. */
  static data(image) {
    const { offset, length } = image.sections.data;
    if (length === 0) return null;
    const bytes = new Uint8Array(length);
    const copied = new Uint8Array(Math.ceil(length / BLOCK));
    const need = (at, count) => {
      if (count === 0) return;
      const last = Math.floor((at + count - 1) / BLOCK);
      for (let block = Math.floor(at / BLOCK); block <= last; block++) {
        if (copied[block] === 1) continue;
        const from = block * BLOCK;
        const to = Math.min(from + BLOCK, length);
        image.source.need(offset + from, to - from);
        bytes.set(image.bytes.subarray(offset + from, offset + to), from);
        copied[block] = 1;
      }
    };
    if (length > COPIED_AT_ONCE) return new Segment(bytes, true, need);
    need(0, length);
    return new Segment(bytes, true, null);
  }

  /** @param {number} length */
  static bss(length) {
    return length === 0 ? null : new Segment(new Uint8Array(length), true, null);
  }
}

/**
 * The offset of a range of bytes in its segment, all checked but alignment.
 * @param {(Segment|null)[]} segments by number
 * @param {bigint} address unsigned
 * @param {bigint} length unsigned
 * @param {boolean} store
 * @returns {{segment: Segment, offset: number}}
 */
export function range(segments, address, length, store) {
  const number = Number(address >> 32n);
  const offset = Number(address & 0xffffffffn);
  const segment = number < segments.length ? segments[number] : null;
  if (segment === null) throw trap('no-segment', undefined, `no segment ${number}`);
  if (store && !segment.writable) throw trap('read-only', undefined, `segment ${number} is rodata`);
  if (BigInt(offset) + length > BigInt(segment.length)) {
    throw trap('out-of-bounds', undefined, `${length} bytes at ${offset} of a segment of ${segment.length}`);
  }
  if (segment.need !== null) segment.need(offset, Number(length));
  return { segment, offset };
}

/** Number of a segment: those of the module at position m are 3m+1 to 3m+3. @param {number} position @param {number} kind */
export function segmentNumber(position, kind) {
  return 3 * position + kind;
}

/** @param {number} number */
export function segmentBase(number) {
  return number * SPAN;
}
