"""The conformance suite of Packfile: cases, the runner that judges any loader by them, and the tools around it.

    packfile-suite run --loader "CMD"

Data flows one way: `case` (a case as data) -> `load` (from YAML) -> `build` (files) and `plan` (byte orders) ->
`execute` (steps, through a `session` with a loader) -> `report`. `plugin` and `cli` present that to people; `lint`
and `coverage` judge the cases.
"""
