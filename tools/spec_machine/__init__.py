"""The specification, run: instructions as spec/instructions.ksy and spec/effects.md define them, and nothing else.

Evaluates the text of `-effect` with primitives that were written from spec/effects.md alone: integers of any size,
floats as exact rationals that are rounded once. No float of the host takes part, so no peculiarity of Python, of the
compiler or of the processor can pass for the specification. Slow, and meant to be: it is what tests compare with.
"""
