// Instructions on integers. Assumes verified code; promises the effect that the instruction table states. What words can do
// quickly is done in words, the rest in BigInts, which the views wrap to 64 bits.

import { trap } from './errors.js';
import { lessSigned, lessUnsigned } from './control.js';
import { HIGH, LOW } from './registers.js';

const LEAST = -(2n ** 63n);

// Adds a pair of words, both signed numbers; the sum of the low words as unsigned numbers gives the carry.
function addWords(iw, to, from, high, low) {
  const sum = (iw[2 * from + LOW] >>> 0) + (low >>> 0);
  iw[2 * to + HIGH] = iw[2 * from + HIGH] + high + (sum > 0xffffffff ? 1 : 0);
  iw[2 * to + LOW] = sum;
}

/** An instruction that combines two words at a time. */
function bitwise(combine) {
  return (m, x) => {
    const { iw } = m.registers;
    const a = 2 * (m.ib + x.a);
    const b = 2 * (m.ib + x.b);
    const c = 2 * (m.ib + x.c);
    iw[a] = combine(iw[b], iw[c]);
    iw[a + 1] = combine(iw[b + 1], iw[c + 1]);
    return x.next;
  };
}

/** An instruction whose result is 1 or 0. */
function comparison(holds) {
  return (m, x) => {
    m.registers.small(m.ib + x.a, holds(m.registers.iw, m.ib + x.b, m.ib + x.c) ? 1 : 0);
    return x.next;
  };
}

/** An instruction whose result fits 32 bits signed. */
function small(compute) {
  return (m, x) => {
    const word = 2 * (m.ib + x.b);
    const { iw } = m.registers;
    m.registers.small(m.ib + x.a, compute(iw[word + LOW], iw[word + HIGH]));
    return x.next;
  };
}

function equal(iw, a, b) {
  return iw[2 * a] === iw[2 * b] && iw[2 * a + 1] === iw[2 * b + 1];
}

function trailing(word) {
  return 31 - Math.clz32(word & -word);
}

function ones(word) {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

// A shift by n of the pair (high, low); each is a number of 32 bits. The host takes counts modulo 32.
function setPair(m, x, high, low) {
  const word = 2 * (m.ib + x.a);
  m.registers.iw[word + HIGH] = high;
  m.registers.iw[word + LOW] = low;
  return x.next;
}

function rotate(m, x, count) {
  const word = 2 * (m.ib + x.b);
  const { iw } = m.registers;
  const [high, low] = count < 32 ? [iw[word + HIGH], iw[word + LOW]] : [iw[word + LOW], iw[word + HIGH]];
  const n = count & 31;
  if (n === 0) return setPair(m, x, high, low);
  return setPair(m, x, (high << n) | (low >>> (32 - n)), (low << n) | (high >>> (32 - n)));
}

function shiftCount(m, x) {
  return m.registers.iw[2 * (m.ib + x.c) + LOW] & 63;
}

function divisor(m, x) {
  const word = 2 * (m.ib + x.c);
  if ((m.registers.iw[word] | m.registers.iw[word + 1]) === 0) throw trap('divide-by-zero');
}

export const integers = {
  i_add(m, x) {
    const { iw } = m.registers;
    const c = 2 * (m.ib + x.c);
    addWords(iw, m.ib + x.a, m.ib + x.b, iw[c + HIGH], iw[c + LOW]);
    return x.next;
  },
  i_add_imm(m, x) {
    addWords(m.registers.iw, m.ib + x.a, m.ib + x.b, x.imm >> 31, x.imm);
    return x.next;
  },
  i_sub(m, x) {
    const { iw } = m.registers;
    const b = 2 * (m.ib + x.b);
    const c = 2 * (m.ib + x.c);
    const low = (iw[b + LOW] >>> 0) - (iw[c + LOW] >>> 0);
    const high = iw[b + HIGH] - iw[c + HIGH] - (low < 0 ? 1 : 0);
    return setPair(m, x, high, low);
  },
  i_mul(m, x) {
    const { i } = m.registers;
    i[m.ib + x.a] = i[m.ib + x.b] * i[m.ib + x.c];
    return x.next;
  },
  i_div_s(m, x) {
    divisor(m, x);
    const { i } = m.registers;
    const b = i[m.ib + x.b];
    const c = i[m.ib + x.c];
    if (b === LEAST && c === -1n) throw trap('integer-overflow');
    i[m.ib + x.a] = b / c;
    return x.next;
  },
  i_div_u(m, x) {
    divisor(m, x);
    const { u } = m.registers;
    u[m.ib + x.a] = u[m.ib + x.b] / u[m.ib + x.c];
    return x.next;
  },
  i_rem_s(m, x) {
    divisor(m, x);
    const { i } = m.registers;
    i[m.ib + x.a] = i[m.ib + x.b] % i[m.ib + x.c];
    return x.next;
  },
  i_rem_u(m, x) {
    divisor(m, x);
    const { u } = m.registers;
    u[m.ib + x.a] = u[m.ib + x.b] % u[m.ib + x.c];
    return x.next;
  },

  i_and: bitwise((b, c) => b & c),
  i_or: bitwise((b, c) => b | c),
  i_xor: bitwise((b, c) => b ^ c),
  i_shl(m, x) {
    const n = shiftCount(m, x);
    const word = 2 * (m.ib + x.b);
    const { iw } = m.registers;
    const low = iw[word + LOW];
    if (n >= 32) return setPair(m, x, low << n, 0);
    if (n === 0) return setPair(m, x, iw[word + HIGH], low);
    return setPair(m, x, (iw[word + HIGH] << n) | (low >>> (32 - n)), low << n);
  },
  i_shr_s(m, x) {
    const n = shiftCount(m, x);
    const word = 2 * (m.ib + x.b);
    const { iw } = m.registers;
    const high = iw[word + HIGH];
    if (n >= 32) return setPair(m, x, high >> 31, high >> n);
    if (n === 0) return setPair(m, x, high, iw[word + LOW]);
    return setPair(m, x, high >> n, (iw[word + LOW] >>> n) | (high << (32 - n)));
  },
  i_shr_u(m, x) {
    const n = shiftCount(m, x);
    const word = 2 * (m.ib + x.b);
    const { iw } = m.registers;
    const high = iw[word + HIGH];
    if (n >= 32) return setPair(m, x, 0, high >>> n);
    if (n === 0) return setPair(m, x, high, iw[word + LOW]);
    return setPair(m, x, high >>> n, (iw[word + LOW] >>> n) | (high << (32 - n)));
  },
  i_rotl: (m, x) => rotate(m, x, shiftCount(m, x)),
  i_rotr: (m, x) => rotate(m, x, (64 - shiftCount(m, x)) & 63),

  i_clz: small((low, high) => (high === 0 ? 32 + Math.clz32(low) : Math.clz32(high))),
  i_ctz: small((low, high) => (low !== 0 ? trailing(low) : high !== 0 ? 32 + trailing(high) : 64)),
  i_popcnt: small((low, high) => ones(low) + ones(high)),
  i_extend8_s: small((low) => (low << 24) >> 24),
  i_extend16_s: small((low) => (low << 16) >> 16),
  i_extend32_s: small((low) => low),
  i_extend32_u: (m, x) => setPair(m, x, 0, m.registers.iw[2 * (m.ib + x.b) + LOW]),

  i_eqz: small((low, high) => ((low | high) === 0 ? 1 : 0)),
  i_eq: comparison(equal),
  i_ne: comparison((iw, b, c) => !equal(iw, b, c)),
  i_lt_s: comparison(lessSigned),
  i_lt_u: comparison(lessUnsigned),
  i_gt_s: comparison((iw, b, c) => lessSigned(iw, c, b)),
  i_gt_u: comparison((iw, b, c) => lessUnsigned(iw, c, b)),
  i_le_s: comparison((iw, b, c) => !lessSigned(iw, c, b)),
  i_le_u: comparison((iw, b, c) => !lessUnsigned(iw, c, b)),
  i_ge_s: comparison((iw, b, c) => !lessSigned(iw, b, c)),
  i_ge_u: comparison((iw, b, c) => !lessUnsigned(iw, b, c)),
};
