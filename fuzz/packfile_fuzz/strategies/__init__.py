"""The front for hypothesis: strategies for anybody's tests of a loader, and a state machine for processes.

Assumes the layers up to `run`, and hypothesis. Promises that each strategy is one string of bytes, mapped through the
generator: so examples are made fast, shrink well, and can be committed as bytes. `hypothesis.md` shows their use.
"""

from packfile_fuzz.strategies.content import content_of, spelled
from packfile_fuzz.strategies.drivers import AdapterDriver, Counts, Driver, ReferenceDriver
from packfile_fuzz.strategies.front import import_graphs, malformed, modules, programs
from packfile_fuzz.strategies.processes import ProcessMachine
from packfile_fuzz.strategies.profiles import PROFILES, profile
from packfile_fuzz.strategies.subjects import Answer
from packfile_fuzz.strategies.text import broken_text, module_text, program_text
from packfile_fuzz.strategies.values import broken_of, import_graph_of, module_of, program_of

__all__ = [
    "PROFILES",
    "AdapterDriver",
    "Answer",
    "Counts",
    "Driver",
    "ProcessMachine",
    "ReferenceDriver",
    "broken_of",
    "broken_text",
    "content_of",
    "import_graph_of",
    "import_graphs",
    "malformed",
    "module_of",
    "module_text",
    "modules",
    "profile",
    "program_of",
    "program_text",
    "programs",
    "spelled",
]
