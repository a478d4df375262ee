"""Measured speeds and ratios: `python -m benchmarks`.

Nothing here decides whether the reference is right, and no test asserts a time.
"""
