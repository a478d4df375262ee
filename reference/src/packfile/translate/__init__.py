"""Translation: the second tier. A function that has become hot is made a function of Python.

Assumes what the first tier assumes (`machine/`), and promises the same: outcomes, codes, rules, results, fuel, depth
and effects are those of the first tier, instruction by instruction. Only the time differs.

**How it stays exact.** A translation holds nothing but what goes well. Wherever an instruction would trap, run out of
fuel or depth, or needs what is not at hand (a callee that has no translation, more depth than Python has room for),
the translation leaves: it raises `Leave` before the instruction has changed anything, each translated function that
this passes through adds its registers and its word, and `Tier.run` makes frames of the first tier of them. The first
tier then executes the very instruction, and so decides what it comes to. It goes on from there, and meets a
translation again at the next call, or at the next branch back.

**Why depth is no danger.** Translated functions call each other as functions of Python, so a frame is a frame of
Python's too. Those take no C stack, but are limited, to 1,000 by default, and the embedder and its host functions
need some as well. Raising that limit would change it for all threads and for C code that relies on it. So a
translation is told how many frames its calls may stack up, the lesser of the depth that is left and the room that is
left below the limit, and leaves when they are used up. What it leaves behind lies on the heap, nothing is left on
Python's stack, and the call begins anew with all of the room. As many calls were made before as frames are moved, so
deep recursion costs a constant more for each call. The tiers call each other from one loop, `Tier.run`, never from
within each other; only a host function that calls back begins another, and it asks for the room that is left then.

**What makes it fast.** Registers are local variables, loops are loops, calls are calls, and what the bounds of
integers show to be needless is not asked. The text follows from the effects of the instruction table: `effects.py`
translates their language, so an instruction written with known primitives needs nothing else. `blocks.py` finds
loops, `shape.py` decides where each block stands, `steps.py` and `source.py` write the text, and `tier.py` makes and
runs it.

Nothing of the file is copied but numbers into that text, and no text is written to a file.
"""

from packfile.translate.tier import DEFAULT, NEVER, Tier

__all__ = ["DEFAULT", "NEVER", "Tier"]
