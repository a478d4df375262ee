"""Arithmetic in a loop."""


def run(n: int) -> int:
    """(0 + 3 + 6 + ... + 3 (n - 1)) mod 2^24, for n of 1 or more."""
    i = 0
    total = 0
    while True:
        total = (total + i * 3) & 0xFFFFFF
        i += 1
        if i >= n:
            return total
