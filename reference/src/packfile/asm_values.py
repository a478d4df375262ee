"""Numbers and signatures in assembly text.

Assumes tokens. Promises integers within the bounds that the caller states, the exact bits of floats, and signatures.
"""

from __future__ import annotations

import math
import re
import struct

from packfile.asm_lexer import Cursor, Token, TokenKind, described
from packfile.model import Signature

_MAX_DIGITS = 400
_GROUPED = re.compile(r"(?:0[xX]|0[bB])?_?[0-9A-Fa-f]+(?:_[0-9A-Fa-f]+)*", re.ASCII)
_NAN = {4: (0x7FC00000, 0x7F800000, 0x007FFFFF), 8: (0x7FF8000000000000, 0x7FF0000000000000, 0x000FFFFFFFFFFFFF)}
"""Canonical NaN, exponent bits and fraction bits of a float, by its size in bytes."""
_SIGN = {4: 1 << 31, 8: 1 << 63}
_FORMAT = {4: "<f", 8: "<d"}
U64 = 0xFFFFFFFFFFFFFFFF


def starts_number(cursor: Cursor) -> bool:
    """Whether a number comes next."""
    token = cursor.peek(1) if cursor.is_next("-") or cursor.is_next("+") else cursor.peek()
    return token.kind in (TokenKind.NUMBER, TokenKind.CHAR)


def integer(cursor: Cursor, low: int, high: int, what: str, hint: str | None = None) -> int:
    """An integer within bounds: decimal, 0x, 0b or a character such as `'A'`, with a sign or without."""
    sign = cursor.accept("-") or cursor.accept("+")
    token = cursor.take()
    value = _unsigned(cursor, token, what)
    value = -value if sign and sign.text == "-" else value
    if not low <= value <= high:
        shown = token._replace(text=f"{sign.text}{token.text}", column=sign.column) if sign else token
        raise cursor.error(shown, f"{what} must be of {low} to {high}", hint)
    return value


def _unsigned(cursor: Cursor, token: Token, what: str) -> int:
    if token.kind is TokenKind.CHAR:
        return _character(cursor, token)
    if token.kind is not TokenKind.NUMBER:
        raise cursor.error(token, f"expected {what}, got {described(token)}")
    if _is_float(token.text):
        raise cursor.error(token, f"expected {what}, an integer, got {described(token)}")
    return _digits(cursor, token)


def _digits(cursor: Cursor, token: Token) -> int:
    if len(token.text) > _MAX_DIGITS or not _GROUPED.fullmatch(token.text):
        raise cursor.error(token, "this is not a number", "digits may be grouped by single underscores")
    text = token.text.replace("_", "")
    return int(text, 0) if text[:2] in ("0x", "0X", "0b", "0B") else int(text)


def _character(cursor: Cursor, token: Token) -> int:
    try:
        text = token.value.decode()
    except UnicodeDecodeError:
        text = ""
    if len(text) == 1:
        return ord(text)
    if len(token.value) == 1:
        return token.value[0]
    raise cursor.error(token, "single quotes hold one character")


def _is_float(text: str) -> bool:
    if text.startswith("nan:"):
        return True
    hexadecimal = text[:2] in ("0x", "0X")
    return "." in text or any(c in text for c in ("pP" if hexadecimal else "eE"))


def float_bits(cursor: Cursor, size: int, what: str = "a number") -> int:
    """The bits of a binary32 or binary64, by its size in bytes.

    Takes decimal and hexadecimal floats, integers, `inf`, `nan` (the canonical one) and `nan:` with all the bits.
    """
    sign = cursor.accept("-") or cursor.accept("+")
    negative = _SIGN[size] if sign and sign.text == "-" else 0
    token = cursor.take()
    canonical, exponent, _ = _NAN[size]
    if token.kind is TokenKind.NAME and token.text in ("nan", "inf"):
        return (canonical if token.text == "nan" else exponent) | negative
    if token.kind is TokenKind.NUMBER and token.text.startswith("nan:"):
        if sign:
            raise cursor.error(sign, "the bits of a NaN hold its sign", f"`nan:` takes all {size * 2} digits")
        return _nan_bits(cursor, token, size)
    if token.kind is not TokenKind.NUMBER:
        raise cursor.error(token, f"expected {what}, got {described(token)}")
    value = _float(cursor, token)
    try:
        packed = struct.pack(_FORMAT[size], value)
    except OverflowError:
        raise cursor.error(token, f"too large for {size * 8} bits", "`inf` is infinity") from None
    return int.from_bytes(packed, "little") | negative


def _float(cursor: Cursor, token: Token) -> float:
    text = token.text
    try:
        if not _is_float(text):
            return float(_digits(cursor, token))
        hexadecimal = text[:2] in ("0x", "0X")
        plain = text.replace("_", "")
        value = float.fromhex(plain) if hexadecimal else float(plain)
    except (OverflowError, ValueError):
        value = math.inf
    if math.isinf(value):
        raise cursor.error(token, "too large for 64 bits", "`inf` is infinity")
    return value


def _nan_bits(cursor: Cursor, token: Token, size: int) -> int:
    digits = token.text[4:]
    if len(digits) != size * 2:
        raise cursor.error(token, f"`nan:` takes {size * 2} hexadecimal digits here, all bits of the float")
    bits = int(digits, 16)
    _, exponent, fraction = _NAN[size]
    if bits & exponent != exponent or not bits & fraction:
        raise cursor.error(
            token, "these are not the bits of a NaN", "a NaN has all exponent bits set, and one of the rest"
        )
    return bits


def constant_bits(cursor: Cursor, *, as_float: bool = False) -> int:
    """The 64 bits of a constant: those of an integer, or of a float if it is written as one or `as_float` says so."""
    ahead = cursor.peek(1) if cursor.is_next("-") or cursor.is_next("+") else cursor.peek()
    is_word = ahead.kind is TokenKind.NAME and ahead.text in ("nan", "inf")
    if as_float or is_word or (ahead.kind is TokenKind.NUMBER and _is_float(ahead.text)):
        return float_bits(cursor, 8)
    return integer(cursor, -(1 << 63), U64, "a constant") & U64


def signature(cursor: Cursor) -> Signature:
    """A signature such as `(i, i, n) -> (i)`; `i*12` stands for twelve of them."""
    parameters = _counts(cursor)
    cursor.expect("->", "a signature is written `(i, n) -> (i)`")
    results = _counts(cursor)
    return Signature(*parameters, *results)


def _counts(cursor: Cursor) -> tuple[int, int]:
    counts = {"i": 0, "n": 0}
    cursor.expect("(", "a signature is written `(i, n) -> (i)`")
    if cursor.accept(")"):
        return 0, 0
    while True:
        bank = cursor.take()
        if bank.kind is not TokenKind.NAME or bank.text not in counts:
            raise cursor.error(bank, f"expected `i` or `n`, got {described(bank)}")
        counts[bank.text] += integer(cursor, 0, 255, "a count") if cursor.accept("*") else 1
        if counts[bank.text] > 255:
            raise cursor.error(bank, "a signature holds at most 255 values of one bank")
        if cursor.accept(")"):
            return counts["i"], counts["n"]
        cursor.expect(",")
