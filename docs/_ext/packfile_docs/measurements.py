"""What was measured: what `python -m benchmarks all --plot docs/_static/benchmarks` wrote, with its figures.

Assumes that a run is committed as a whole, or not at all. Promises that the page says so where there is none.
"""

from __future__ import annotations

import re
from typing import Final

from sphinx.environment import BuildEnvironment

from .repository import ROOT, read

_RESULTS: Final = "docs/_static/benchmarks/results.md"
_FIGURE = re.compile(r"^(!\[[^\]]*\])\(([^)/]+\.svg)\)$", re.MULTILINE)


def render(env: BuildEnvironment) -> str:
    """The results as text for a page of the site's root."""
    if not (ROOT / _RESULTS).exists():
        env.note_dependency(str(ROOT / _RESULTS))
        return "No run is committed in this version.\n"
    return _FIGURE.sub(r"\1(/_static/benchmarks/\2)", read(env, _RESULTS))
