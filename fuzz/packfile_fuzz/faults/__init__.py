"""Seeded bugs: ways in which the reference can be made wrong, as real loaders were, to show what would find them.

Assumes the reference as it is. Promises that nothing of it knows of this: a fault is a few words of the source of one
or two functions (`edits.py`), switched on by `activate` in this process, or in a loader of its own by

    python -m packfile_fuzz.faults NAME

which serves the adapter protocol with that fault, for any suite or campaign. The faults stand in `data/`, those of the
loader in C are patches of its own (`loaders/c/wrong`). `judge` asks the suite, `chase` campaigns, and `command` prints
what came of it.
"""

from packfile_fuzz.faults.catalogue import FAULTS, REFERENCE, activate, patches
from packfile_fuzz.faults.edits import EditError
from packfile_fuzz.faults.fault import Fault, Where

__all__ = ["FAULTS", "REFERENCE", "EditError", "Fault", "Where", "activate", "patches"]
