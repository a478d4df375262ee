// Loads and stores. Assumes verified code; promises the effect that the instruction table states, with the checks of
// PF-EXE-007 in their order, and that a store that traps changed nothing.

import { trap } from './errors.js';
import { demote, promote } from './floats.js';
import { HIGH, LOW } from './registers.js';

const SPAN = 2 ** 32;

/** The segment of the last address that `locate` gave. */
let found = null;

// The offset in its segment of the address i[b] + disp * size (PF-EXE-025), which has passed all checks.
function locate(m, x, size, store) {
  const word = 2 * (m.ib + x.b);
  const { iw } = m.registers;
  let low = (iw[word + LOW] >>> 0) + x.imm * size;
  let number = iw[word + HIGH] >>> 0;
  if (low >= SPAN) {
    low -= SPAN;
    number = (number + 1) >>> 0;
  }
  if ((low & (size - 1)) !== 0) throw trap('misaligned', undefined, `not a multiple of ${size}`);
  const { segments } = m;
  const segment = number < segments.length ? segments[number] : null;
  if (segment === null) throw trap('no-segment', undefined, `no segment ${number}`);
  if (store && !segment.writable) throw trap('read-only', undefined, `segment ${number} is rodata`);
  if (low + size > segment.length) {
    throw trap('out-of-bounds', undefined, `${size} bytes at ${low} of a segment of ${segment.length}`);
  }
  if (segment.need !== null) segment.need(low, size);
  found = segment.view;
  return low;
}

/** A load whose value fits 32 bits signed. */
function load(size, read) {
  return (m, x) => {
    const offset = locate(m, x, size, false);
    m.registers.small(m.ib + x.a, read(found, offset));
    return x.next;
  };
}

/** A load or store of all 64 bits of a register, in words. */
function load64(words, base) {
  return (m, x) => {
    const offset = locate(m, x, 8, false);
    const target = m.registers[words];
    const word = 2 * (m[base] + x.a);
    target[word + LOW] = found.getInt32(offset, true);
    target[word + HIGH] = found.getInt32(offset + 4, true);
    return x.next;
  };
}

function store64(words, base) {
  return (m, x) => {
    const offset = locate(m, x, 8, true);
    const source = m.registers[words];
    const word = 2 * (m[base] + x.a);
    found.setInt32(offset, source[word + LOW], true);
    found.setInt32(offset + 4, source[word + HIGH], true);
    return x.next;
  };
}

/** A store of the low bits of an integer register. */
function store(size, write) {
  return (m, x) => {
    const offset = locate(m, x, size, true);
    write(found, offset, m.registers.iw[2 * (m.ib + x.a) + LOW]);
    return x.next;
  };
}

export const loads = {
  i_load8_s: load(1, (view, offset) => view.getInt8(offset)),
  i_load8_u: load(1, (view, offset) => view.getUint8(offset)),
  i_load16_s: load(2, (view, offset) => view.getInt16(offset, true)),
  i_load16_u: load(2, (view, offset) => view.getUint16(offset, true)),
  i_load32_s: load(4, (view, offset) => view.getInt32(offset, true)),
  i_load32_u(m, x) {
    const offset = locate(m, x, 4, false);
    const word = 2 * (m.ib + x.a);
    m.registers.iw[word + LOW] = found.getInt32(offset, true);
    m.registers.iw[word + HIGH] = 0;
    return x.next;
  },
  i_load64: load64('iw', 'ib'),
  n_load32(m, x) {
    const offset = locate(m, x, 4, false);
    m.registers.put(m.nb + x.a, promote(found.getInt32(offset, true)));
    return x.next;
  },
  n_load64: load64('nw', 'nb'),

  i_store8: store(1, (view, offset, value) => view.setInt8(offset, value)),
  i_store16: store(2, (view, offset, value) => view.setInt16(offset, value, true)),
  i_store32: store(4, (view, offset, value) => view.setInt32(offset, value, true)),
  i_store64: store64('iw', 'ib'),
  n_store32(m, x) {
    const offset = locate(m, x, 4, true);
    found.setInt32(offset, demote(m.registers.n[m.nb + x.a]), true);
    return x.next;
  },
  n_store64: store64('nw', 'nb'),
};
