"""Finds what nobody thought of: bytes become modules, oracles judge what loaders make of them, campaigns scale it out.

Layers, each importing only those before it: `program` (what an example is) -> `generator` (bytes to programs) and
`malformed` (bytes to broken files) -> `run` (a program in the reference or through an adapter) -> `oracles` ->
`triage` (signatures, minimising, finished cases) -> `campaign` (ranges of seeds, many workers) -> `cli`. Beside them
stand `faults` (seeded bugs, which show what all this finds) and `strategies` (the front for hypothesis).
"""
