"""Running programs: in the reference in this process, and through the adapter of any loader.

Assumes programs that the writer can write. Promises observations that can be compared, whatever the program and the
loader do.
"""

from packfile_fuzz.run.adapters import TIMEOUT, Adapter, Loaders, through
from packfile_fuzz.run.clock import Clock
from packfile_fuzz.run.inprocess import Orders, Prepared, observe
from packfile_fuzz.run.observation import Comparison, Observation, Part, Seen, Verdict, compare
from packfile_fuzz.run.place import sweep

__all__ = [
    "TIMEOUT",
    "Adapter",
    "Clock",
    "Comparison",
    "Loaders",
    "Observation",
    "Orders",
    "Part",
    "Prepared",
    "Seen",
    "Verdict",
    "compare",
    "observe",
    "sweep",
    "through",
]
