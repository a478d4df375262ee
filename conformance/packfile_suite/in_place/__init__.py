"""The in-place profile: what a loader that says `in-place` must do with memory, seen from outside while it does it.

`modules` writes files that are long, wide or full of rows; `driving` opens, links and calls by the adapter and looks
between; `checks` are the rules PF-XIP-003 and up, one check each; `profile` presents them like cases.
"""
