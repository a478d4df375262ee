"""Faults in instructions that compute: integers, floats, and the conversions between them."""

from __future__ import annotations

from packfile_fuzz.faults.edits import Edit
from packfile_fuzz.faults.fault import Where, of_layer

_I, _N, _C = "machine.integers", "machine.floats", "machine.conversions"
_REMAINDER = "r = abs(x) % abs(y)"
_OVERFLOWS = 'raise trap(TrapCode.INTEGER_OVERFLOW, f"{x} does not fit a signed 64-bit integer")'

INTEGERS = of_layer(
    Where.MACHINE,
    (
        "shift-by-five-bits", "PF-EXE-157", "A shift to the left takes five bits of its count, as that of a 32-bit word does.",
        [Edit(f"{_I}:i_shl", "& 63", "& 31")],
    ),
    (
        "shift-count-not-masked", "PF-EXE-159", "A logical shift by 64 or more gives 0.",
        [Edit(f"{_I}:i_shr_u", "& 63", "& MASK")],
    ),
    (
        "rotate-without-wrap", "PF-EXE-160", "A rotation loses the bits that leave at the top.",
        [Edit(f"{_I}:i_rotl", "x << k | x >> (64 - k)", "x << k | x >> 64")],
    ),
    (
        "least-divided-without-trap", "PF-EXE-150", "The least integer divided by -1 gives itself.",
        [
            Edit(f"{_I}:i_div_s", "x == LEAST and y == -1", "x < LEAST and y == -1"),
            Edit(f"{_I}:i_div_s", "q if (x < 0) == (y < 0) else -q", "wrap(q if (x < 0) == (y < 0) else -q)"),
        ],
    ),
    (
        "division-floors", "PF-EXE-150", "A quotient is rounded down, not towards zero.",
        [Edit(f"{_I}:i_div_s", "q if (x < 0) == (y < 0) else -q", "x // y")],
    ),
    (
        "remainder-of-least-traps", "PF-EXE-152", "The remainder of the least integer by -1 traps, as the division does.",
        [
            Edit(
                f"{_I}:i_rem_s", _REMAINDER,
                f'if x == LEAST and y == -1:\n        raise trap(TrapCode.INTEGER_OVERFLOW, "")\n    {_REMAINDER}',
            )
        ],
    ),
    (
        "remainder-of-divisors-sign", "PF-EXE-152", "A remainder takes the sign of the divisor.",
        [Edit(f"{_I}:i_rem_s", "-r if x < 0 else r", "x % y")],
    ),
    (
        "unsigned-less-done-signed", "PF-EXE-174", "An unsigned comparison compares signed integers.",
        [Edit(f"{_I}:i_lt_u", "f.i[b] & MASK < f.i[c] & MASK", "f.i[b] < f.i[c]")],
    ),
    (
        "unsigned-quotient-done-signed", "PF-EXE-151", "An unsigned division takes its dividend as signed.",
        [Edit(f"{_I}:i_div_u", "f.i[b] & MASK,", "f.i[b],")],
    ),
    (
        "zeros-of-zero", "PF-EXE-163", "Zero has -1 trailing zeros.",
        [Edit(f"{_I}:i_ctz", " if x else 64", "")],
    ),
    (
        "sum-one-too-large", "PF-EXE-147", "A sum that is one too large is not wrapped.",
        [Edit(f"{_I}:i_add", "LEAST <= r <= GREATEST", "LEAST <= r <= GREATEST + 1")],
    ),
    (
        "small-immediate-unsigned", "PF-EXE-169", "The immediate of an addition is not sign-extended.",
        [Edit(f"{_I}:i_add_imm", "SIGNED[c]", "c")],
    ),
    (
        "literal-cut-to-31-bits", "PF-EXE-122", "A literal loses its sign.",
        [Edit("machine.moves:_signed", "word if word < 1 << 31 else word - (1 << 32)", "word & 0x7FFFFFFF")],
    ),
    (
        "select-inverted-by-sign", "PF-EXE-125", "A selection takes a negative condition for false.",
        [Edit("machine.moves:i_select", "if f.i[c]:", "if f.i[c] > 0:")],
    ),
)  # fmt: skip

FLOATS = of_layer(
    Where.MACHINE,
    (
        "minus-zero-lost-in-floor", "PF-EXE-191", "Rounding down gives 0 for -0.",
        [Edit(f"{_N}:n_floor", "math.copysign(float(math.floor(x)), x)", "float(math.floor(x))")],
    ),
    (
        "halves-away-from-zero", "PF-EXE-193", "Rounding to nearest takes halves up, not to even.",
        [Edit(f"{_N}:n_nearest", "round(x)", "math.floor(x + 0.5)")],
    ),
    (
        "nan-not-canonical", ("PF-EXE-003", "PF-EXE-181"), "A sum that is NaN keeps what the processor gave.",
        [Edit(f"{_N}:n_add", "r if r == r else NAN", "r")],
    ),
    (
        "nan-payload-kept", ("PF-EXE-003", "PF-EXE-190"), "Rounding up gives the NaN that it was given.",
        [Edit(f"{_N}:n_ceil", "x if x == x else NAN", "x")],
    ),
    (
        "signalling-nan-quieted-by-move", ("PF-EXE-004", "PF-EXE-120"), "A move passes a float through the arithmetic unit.",
        [Edit("machine.moves:n_mov", "f.n[b]", "f.n[b] * 1.0")],
    ),
    (
        "signalling-nan-quieted-by-load", ("PF-EXE-004", "PF-EXE-140"),
        "A load passes a float through the arithmetic unit.",
        [Edit("machine.memory:n_load64", "offset)[0]", "offset)[0] * 1.0", 2)],
    ),
    (
        "least-of-nan", "PF-EXE-185", "The lesser of a number and a NaN is the number.",
        [Edit(f"{_N}:n_min", "if x != x or y != y", "if x != x")],
    ),
    (
        "greatest-of-zeros", "PF-EXE-186", "The greater of the two zeros is the first.",
        [Edit(f"{_N}:n_max", "y if math.copysign(1.0, x) < 0 else x", "x")],
    ),
    (
        "negated-by-subtraction", "PF-EXE-189", "The negation of 0 is 0.",
        [Edit(f"{_N}:n_neg", "-f.n[b]", "0.0 - f.n[b]")],
    ),
    (
        "root-of-minus-zero", "PF-EXE-194", "The root of -0 is 0.",
        [Edit(f"{_N}:n_sqrt", "math.sqrt(x)", "math.sqrt(abs(x))")],
    ),
    (
        "quotient-by-zero-unsigned", "PF-EXE-184", "A number divided by -0 has the number's sign.",
        [Edit(f"{_N}:n_div", "math.copysign(1.0, x) * math.copysign(1.0, y)", "x")],
    ),
    (
        "unordered-not-equal", "PF-EXE-196", "A NaN is not different from anything.",
        [Edit(f"{_N}:n_ne", "f.n[b] != f.n[c]", "f.n[b] < f.n[c] or f.n[b] > f.n[c]")],
    ),
)  # fmt: skip

CONVERSIONS = of_layer(
    Where.MACHINE,
    (
        "conversion-saturates", "PF-EXE-201", "A float out of range becomes the nearest integer, without a trap.",
        [Edit(f"{_C}:i_trunc_n_s", _OVERFLOWS, "x = -_TWO_63 if x < 0.0 else GREATEST")],
    ),
    (
        "conversion-rounds", "PF-EXE-201", "A float becomes the nearest integer, not the one towards zero.",
        [Edit(f"{_C}:i_trunc_n_s", "int(x)", "round(x)")],
    ),
    (
        "small-negative-does-not-fit", "PF-EXE-202", "A float between -1 and 0 traps as an unsigned integer.",
        [Edit(f"{_C}:i_trunc_n_u", "-1.0 < x", "0.0 <= x")],
    ),
    (
        "unsigned-converted-signed", "PF-EXE-206", "An unsigned integer from 2^63 on becomes a negative float.",
        [Edit(f"{_C}:n_convert_i_u", "f.i[b] & MASK", "f.i[b]")],
    ),
    (
        "last-bit-lost-in-conversion", "PF-EXE-206", "An unsigned integer from 2^63 on is halved and doubled, without its last bit.",
        [
            Edit(
                f"{_C}:n_convert_i_u", "float(f.i[b] & MASK)",
                "float(f.i[b]) if f.i[b] >= 0 else float((f.i[b] & MASK) >> 1) * 2.0",
            )
        ],
    ),
    (
        "infinity-of-one-sign", "PF-EXE-210", "A float too small for binary32 becomes the positive infinity.",
        [Edit(f"{_C}:demote", "_INFINITY32 if x > 0 else _INFINITY32 | _SIGN32", "_INFINITY32")],
    ),
)  # fmt: skip
