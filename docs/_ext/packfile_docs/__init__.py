"""What the site does beyond Sphinx: the specification as its pages, rules with their cases, and figures.

Data flows one way: `repository` and `cases` read; `rules`, `messages`, `walk`, `figures`, `maps` and `commands` make
Markdown of what they read; `insertions` puts it into pages, and `case_pages` writes pages of its own. `crossrefs` links
what nobody linked, `docstrings` prepares the API's.
"""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from . import case_pages, crossrefs, docstrings, insertions


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register everything; called by Sphinx."""
    app.add_role("api", crossrefs.Api())
    app.add_transform(crossrefs.LinkRules)
    app.add_transform(crossrefs.KeepLabels)
    app.connect("builder-inited", case_pages.write)
    app.connect("source-read", insertions.expand)
    app.connect("autodoc-process-docstring", docstrings.process)
    app.connect("autodoc-process-signature", docstrings.without_enum_arguments)
    app.connect("missing-reference", crossrefs.forgive)
    # Pages read files that other pages write, and nothing that is not made before the reading.
    return {"version": "1.0.0", "parallel_read_safe": True, "parallel_write_safe": True}
