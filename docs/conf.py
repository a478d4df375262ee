"""Configuration of the documentation's site.

    python -m sphinx -W -b html docs docs/_build/html

Builds without the network, from this checkout alone. What is particular to this project is in `_ext/packfile_docs`.
"""

import sys
from pathlib import Path

_DOCS = Path(__file__).resolve().parent
_ROOT = _DOCS.parent
# The checkout's own packages, whether another version is installed or not.
sys.path[:0] = [str(path) for path in (_DOCS / "_ext", _ROOT / "reference" / "src", _ROOT / "conformance")]

from packfile import __version__  # noqa: E402 - found by the path above

project = "Packfile"
version = release = __version__
project_copyright = "the Packfile authors"

extensions = ["myst_parser", "sphinx.ext.autodoc", "packfile_docs"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "_ext", "generated", "tests"]
nitpicky = True
nitpick_ignore_regex = [
    # The standard library's documentation is on the network, and a build must not need it.
    (r"py:.*", r"(builtins|collections|enum|mmap|os|types|typing)\..*"),
    (r"py:class", r"bool|bytearray|bytes|dict|float|int|list|memoryview|mmap|object|str|tuple|type"),
    (r"py:(class|exc)", r"BaseException|Exception|IntEnum|NamedTuple|OSError|Self|StrEnum|TracebackType|ValueError"),
    (r"py:class", r"packfile\.host\._F"),
    # Between layers, and nothing that an embedder has.
    (r"py:class", r"packfile\.(recent\.Recent|image\.Views)"),
]

myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3

# Docstrings are plain text with names in backticks; a name of the API becomes a link.
default_role = "api"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autoclass_content = "both"

html_theme = "furo"
html_title = "Packfile"
html_static_path = ["_static"]
html_css_files = ["packfile.css"]
html_search_scorer = str(_DOCS / "_static" / "scorer.js")
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
