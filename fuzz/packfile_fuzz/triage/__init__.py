"""Triage: from a failure to a small case that a person can read, with nobody's help.

Assumes oracles that judge, and failures that are found again. Promises an end in the time that it is given.

Layers: `lines` and `edits` (code and changes as values) -> `specimen` (what is made smaller) -> `judge` (does it still
fail?) -> `search` -> `remove`, `watch`, `addresses` (what passes are made of) -> `parts`, `calls`, `modules`, `inline`,
`segments`, `values`, `broken`, `names` (the passes) -> `divergence` -> `minimise` -> `wording`, `case` (YAML) and
`verdict` (what the suite says of it) -> `folder` (all of it, written down) -> `queue` (beside a campaign). Apart stand
`show` (examples for people) and `bisection` (which revision brought a failure).
"""
