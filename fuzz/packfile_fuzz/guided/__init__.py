"""Coverage guidance: what fuzzers that watch the code need of this package.

Assumes the generator, the malformed side and the oracles. Promises that inputs of fuzzers mean what they do in
campaigns. `wire` and `builder` are the Python half of the harness in `fuzz/guided/`; `atheris_target` fuzzes the
reference; `corpus` makes and packs corpora, and `replay` judges what is in them.
"""
