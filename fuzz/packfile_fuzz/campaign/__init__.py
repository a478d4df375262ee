"""Campaigns: ranges of seeds, dealt out to many workers, and an account of them that survives all of it.

Assumes a worker's function that depends on its seeds alone. Promises that a seed which the ledger names is counted once
and never run again, whatever died in between: a worker, the scheduler or the campaign itself.

Layers: `seeds` (what is left to do) -> `found`, `entries`, `ledger` (what is done) -> `state` (what it comes to) ->
`task`, `workers` and `cluster` (where it is done) -> `conduct` (the loop) -> `view`, `progress`, `folders`, `report`
(what people see of it) -> `session` (all of them together). Beside them stand `judging` and `keeper` (what is done with
a range) and `database` (examples for hypothesis).
"""
