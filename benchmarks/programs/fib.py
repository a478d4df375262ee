"""Fibonacci numbers by two calls for every number above 1."""


def run(n: int) -> int:
    """The n-th Fibonacci number."""
    return n if n < 2 else run(n - 1) + run(n - 2)
