// Instructions on floats and conversions. Assumes verified code; promises the effect that the instruction table states.
// Arithmetic goes through Numbers and `put`, which makes every NaN the canonical one (PF-EXE-003); whatever keeps bits goes
// through words (PF-EXE-004).

import { trap } from './errors.js';
import { HIGH, LOW } from './registers.js';

const SIGN = 0x80000000;
const CANONICAL_NAN32 = 0x7fc00000;

// From 2^52 on every float is integral, and adding it rounds a lesser one to nearest even.
const INTEGRAL = 2 ** 52;

const narrow = new Float32Array(1);
const narrowBits = new Int32Array(narrow.buffer);

/** The float equal to a binary32. @param {number} bits */
export function promote(bits) {
  narrowBits[0] = bits;
  return narrow[0];
}

/** Bits of the binary32 nearest to a float, as a signed number. @param {number} value */
export function demote(value) {
  if (value !== value) return CANONICAL_NAN32;
  narrow[0] = value;
  return narrowBits[0];
}

function nearest(value) {
  if (value === 0 || !(Math.abs(value) < INTEGRAL)) return value;
  return value > 0 ? value + INTEGRAL - INTEGRAL : -(-value + INTEGRAL - INTEGRAL);
}

function binary(compute) {
  return (m, x) => {
    const { n } = m.registers;
    m.registers.put(m.nb + x.a, compute(n[m.nb + x.b], n[m.nb + x.c]));
    return x.next;
  };
}

function unary(compute) {
  return (m, x) => {
    m.registers.put(m.nb + x.a, compute(m.registers.n[m.nb + x.b]));
    return x.next;
  };
}

function comparison(holds) {
  return (m, x) => {
    const { n } = m.registers;
    m.registers.small(m.ib + x.a, holds(n[m.nb + x.b], n[m.nb + x.c]) ? 1 : 0);
    return x.next;
  };
}

/** An instruction that changes the high word alone. */
function highWord(compute) {
  return (m, x) => {
    const { nw } = m.registers;
    const a = 2 * (m.nb + x.a);
    const b = 2 * (m.nb + x.b);
    const high = compute(nw[b + HIGH], nw[2 * (m.nb + x.c) + HIGH]);
    nw[a + LOW] = nw[b + LOW];
    nw[a + HIGH] = high;
    return x.next;
  };
}

/** A conversion that traps: `fits` is asked of the number without its fraction. */
function checked(fits) {
  return (m, x) => {
    const value = m.registers.n[m.nb + x.b];
    if (value !== value) throw trap('invalid-conversion');
    const whole = Math.trunc(value);
    if (!fits(whole)) throw trap('integer-overflow');
    m.registers.i[m.ib + x.a] = BigInt(whole);
    return x.next;
  };
}

/** A conversion that clamps to the range. */
function saturating(least, below, greatest) {
  const bounds = [Number(least), Number(below)];
  return (m, x) => {
    const value = m.registers.n[m.nb + x.b];
    let result = 0n;
    if (value >= bounds[1]) result = greatest;
    else if (value <= bounds[0]) result = least;
    else if (value === value) result = BigInt(Math.trunc(value));
    m.registers.i[m.ib + x.a] = result;
    return x.next;
  };
}

export const floats = {
  n_add: binary((b, c) => b + c),
  n_sub: binary((b, c) => b - c),
  n_mul: binary((b, c) => b * c),
  n_div: binary((b, c) => b / c),
  n_min: binary((b, c) => Math.min(b, c)),
  n_max: binary((b, c) => Math.max(b, c)),
  n_copysign: highWord((b, c) => (b & ~SIGN) | (c & SIGN)),
  n_abs: highWord((b) => b & ~SIGN),
  n_neg: highWord((b) => b ^ SIGN),
  n_ceil: unary(Math.ceil),
  n_floor: unary(Math.floor),
  n_trunc: unary(Math.trunc),
  n_nearest: unary(nearest),
  n_sqrt: unary(Math.sqrt),

  n_eq: comparison((b, c) => b === c),
  n_ne: comparison((b, c) => b !== c),
  n_lt: comparison((b, c) => b < c),
  n_gt: comparison((b, c) => b > c),
  n_le: comparison((b, c) => b <= c),
  n_ge: comparison((b, c) => b >= c),

  i_trunc_n_s: checked((whole) => whole >= -(2 ** 63) && whole < 2 ** 63),
  i_trunc_n_u: checked((whole) => whole >= 0 && whole < 2 ** 64),
  i_trunc_sat_n_s: saturating(-(2n ** 63n), 2n ** 63n, 2n ** 63n - 1n),
  i_trunc_sat_n_u: saturating(0n, 2n ** 64n, 2n ** 64n - 1n),
  n_convert_i_s(m, x) {
    m.registers.n[m.nb + x.a] = Number(m.registers.i[m.ib + x.b]);
    return x.next;
  },
  n_convert_i_u(m, x) {
    m.registers.n[m.nb + x.a] = Number(m.registers.u[m.ib + x.b]);
    return x.next;
  },
  i_reinterpret_n(m, x) {
    const { iw, nw } = m.registers;
    iw[2 * (m.ib + x.a)] = nw[2 * (m.nb + x.b)];
    iw[2 * (m.ib + x.a) + 1] = nw[2 * (m.nb + x.b) + 1];
    return x.next;
  },
  n_reinterpret_i(m, x) {
    const { iw, nw } = m.registers;
    nw[2 * (m.nb + x.a)] = iw[2 * (m.ib + x.b)];
    nw[2 * (m.nb + x.a) + 1] = iw[2 * (m.ib + x.b) + 1];
    return x.next;
  },
  n_promote_i(m, x) {
    m.registers.put(m.nb + x.a, promote(m.registers.iw[2 * (m.ib + x.b) + LOW]));
    return x.next;
  },
  i_demote_n(m, x) {
    const word = 2 * (m.ib + x.a);
    m.registers.iw[word + LOW] = demote(m.registers.n[m.nb + x.b]);
    m.registers.iw[word + HIGH] = 0;
    return x.next;
  },
};
