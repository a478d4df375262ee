// Instructions that branch, call, and handle slots, references and registers whole. Assumes verified code; promises the
// effect that the instruction table states, and gives the instruction that goes on.

import { exhausted, trap } from './errors.js';
import { constant } from './decode.js';
import { range, segmentNumber } from './memory.js';
import { ENUMS } from '../generated/table.js';
import { HIGH, LOW } from './registers.js';
import { SLOT } from './link.js';

function branch(m, x) {
  if (x.back) {
    if (m.fuel === 0) throw exhausted('PF-EXE-013', 'the fuel is used up');
    m.fuel -= 1;
  }
  return x.to;
}

function isZero(m, register) {
  const word = 2 * (m.ib + register);
  return (m.registers.iw[word] | m.registers.iw[word + 1]) === 0;
}

function same(m, x) {
  const { iw } = m.registers;
  const a = 2 * (m.ib + x.a);
  const b = 2 * (m.ib + x.b);
  return iw[a] === iw[b] && iw[a + 1] === iw[b + 1];
}

/** Whether one signed register is less than another. */
export function lessSigned(iw, a, b) {
  const p = iw[2 * a + HIGH];
  const q = iw[2 * b + HIGH];
  return p < q || (p === q && iw[2 * a + LOW] >>> 0 < iw[2 * b + LOW] >>> 0);
}

/** Whether one unsigned register is less than another. */
export function lessUnsigned(iw, a, b) {
  const p = iw[2 * a + HIGH] >>> 0;
  const q = iw[2 * b + HIGH] >>> 0;
  return p < q || (p === q && iw[2 * a + LOW] >>> 0 < iw[2 * b + LOW] >>> 0);
}

// The value of a slot that is bound, or the trap that its use is. A weak one that is missing is its caller's affair.
function unbound(state) {
  if (state === SLOT.mismatched) return trap('import-mismatch', 'PF-FIX-010', 'the export that was found does not match');
  const rule = state === SLOT.weak ? 'PF-FIX-012' : 'PF-FIX-009';
  return trap('unbound-import', rule, 'there is no such export');
}

function setPair(m, register, high, low) {
  const word = 2 * (m.ib + register);
  m.registers.iw[word + HIGH] = high;
  m.registers.iw[word + LOW] = low;
}

// The literal is signed and an address is not, so the sum may borrow from the number of the segment.
function loadAddress(m, x, kind) {
  const number = segmentNumber(m.instance.position, kind);
  setPair(m, x.a, x.lit < 0 ? number - 1 : number, x.lit);
  return x.next;
}

function moveWords(words, to, from) {
  words[2 * to] = words[2 * from];
  words[2 * to + 1] = words[2 * from + 1];
}

export const control = {
  unreachable() {
    throw trap('unreachable');
  },
  jmp: branch,
  jmp_if: (m, x) => (isZero(m, x.a) ? x.next : branch(m, x)),
  jmp_unless: (m, x) => (isZero(m, x.a) ? branch(m, x) : x.next),
  jmp_eq: (m, x) => (same(m, x) ? branch(m, x) : x.next),
  jmp_ne: (m, x) => (same(m, x) ? x.next : branch(m, x)),
  jmp_lt_s: (m, x) => (lessSigned(m.registers.iw, m.ib + x.a, m.ib + x.b) ? branch(m, x) : x.next),
  jmp_lt_u: (m, x) => (lessUnsigned(m.registers.iw, m.ib + x.a, m.ib + x.b) ? branch(m, x) : x.next),
  jmp_le_s: (m, x) => (lessSigned(m.registers.iw, m.ib + x.b, m.ib + x.a) ? x.next : branch(m, x)),
  jmp_le_u: (m, x) => (lessUnsigned(m.registers.iw, m.ib + x.b, m.ib + x.a) ? x.next : branch(m, x)),
  jmp_table(m, x) {
    const word = 2 * (m.ib + x.a);
    const { iw } = m.registers;
    const low = iw[word + LOW] >>> 0;
    return x.table[iw[word + HIGH] === 0 && low < x.imm ? low : x.imm];
  },

  call: (m, x) => m.enter(x, m.instance, x.lit),
  calli(m, x) {
    const { slots } = m.instance;
    const state = slots.states[x.lit];
    if (state !== SLOT.bound) throw unbound(state);
    return m.enter(x, m.process.instances[slots.high[x.lit] - 1], slots.low[x.lit]);
  },
  callr(m, x) {
    const word = 2 * (m.ib + x.c);
    const high = m.registers.iw[word + HIGH] >>> 0;
    const low = m.registers.iw[word + LOW] >>> 0;
    if (high === 0 && low === 0) throw trap('null-reference', 'PF-EXE-011', 'a call of the null reference');
    const { instances } = m.process;
    if (high === 0 || high > instances.length || low >= instances[high - 1].functionCount) {
      throw trap('no-function', 'PF-EXE-011', `0x${m.registers.u[m.ib + x.c].toString(16)} is the reference of no function`);
    }
    const callee = instances[high - 1];
    const signature = callee.signature(low);
    if (signature !== x.lit >>> 0) {
      throw trap('signature-mismatch', 'PF-EXE-011', `the function's signature is 0x${signature.toString(16)}`);
    }
    return m.enter(x, callee, low);
  },
  ret: (m, x) => m.leave(x),
  lfn(m, x) {
    setPair(m, x.a, m.instance.position + 1, x.lit);
    return x.next;
  },
  ldslot(m, x) {
    const { slots } = m.instance;
    const state = slots.states[x.lit];
    if (state === SLOT.bound) setPair(m, x.a, slots.high[x.lit], slots.low[x.lit]);
    else if (state === SLOT.weak) setPair(m, x.a, 0, 0);
    else throw unbound(state);
    return x.next;
  },
  bound(m, x) {
    m.registers.small(m.ib + x.a, m.instance.slots.states[x.lit] === SLOT.bound ? 1 : 0);
    return x.next;
  },

  i_mov(m, x) {
    moveWords(m.registers.iw, m.ib + x.a, m.ib + x.b);
    return x.next;
  },
  n_mov(m, x) {
    moveWords(m.registers.nw, m.nb + x.a, m.nb + x.b);
    return x.next;
  },
  i_imm(m, x) {
    m.registers.small(m.ib + x.a, x.imm);
    return x.next;
  },
  i_imm32(m, x) {
    m.registers.small(m.ib + x.a, x.lit);
    return x.next;
  },
  i_const(m, x) {
    m.registers.u[m.ib + x.a] = constant(m.code.image, x.lit);
    return x.next;
  },
  n_const(m, x) {
    m.registers.bits[m.nb + x.a] = constant(m.code.image, x.lit);
    return x.next;
  },
  i_select(m, x) {
    if (!isZero(m, x.c)) moveWords(m.registers.iw, m.ib + x.a, m.ib + x.b);
    return x.next;
  },
  n_select(m, x) {
    if (!isZero(m, x.c)) moveWords(m.registers.nw, m.nb + x.a, m.nb + x.b);
    return x.next;
  },
  lrodata: (m, x) => loadAddress(m, x, ENUMS.segment.rodata),
  ldata: (m, x) => loadAddress(m, x, ENUMS.segment.data),
  lbss: (m, x) => loadAddress(m, x, ENUMS.segment.bss),

  mem_copy(m, x) {
    const { u } = m.registers;
    const length = u[m.ib + x.c];
    const to = range(m.segments, u[m.ib + x.a], length, true);
    const from = range(m.segments, u[m.ib + x.b], length, false);
    const bytes = from.segment.bytes.subarray(from.offset, from.offset + Number(length));
    to.segment.bytes.set(bytes, to.offset);
    return x.next;
  },
  mem_fill(m, x) {
    const { u, iw } = m.registers;
    const length = u[m.ib + x.c];
    const byte = iw[2 * (m.ib + x.b) + LOW] & 255;
    const { segment, offset } = range(m.segments, u[m.ib + x.a], length, true);
    segment.bytes.fill(byte, offset, offset + Number(length));
    return x.next;
  },
};
