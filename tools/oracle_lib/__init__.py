"""What tools/oracle.py is made of.

Data flows one way: `operands` (what goes in) and `wasm` (what WebAssembly makes of it) -> `cases` -> `recipes` (code
for both machines) -> `integers`, `floats`, `conversions`, `memory`, `control` (the cases of each kind) -> `case_text`
(YAML).
"""
