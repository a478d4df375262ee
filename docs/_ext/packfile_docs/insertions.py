"""What a page inserts: text that is read or made when the page is read.

    ```{insert} rules fixups
    ```

stands for Markdown that this module's table makes. It is put in before the page is parsed, so that headings, labels and
links in it are those of an ordinary page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from . import commands, figures, maps, measurements, messages, repository, rules, walk

_INSERTION = re.compile(r"^```\{insert\} (\S+) *(.*)\n```$", re.MULTILINE)

_Make = Callable[..., str]
MAKERS: Final[Mapping[str, _Make]] = {
    "page": repository.page,
    "rules": rules.rules_page,
    "instructions": rules.instructions_page,
    "coverage": rules.coverage,
    "messages": messages.render,
    "example": walk.source,
    "walk-through": walk.render,
    "figure": figures.render,
    "map": maps.picture,
    "map-source": maps.text_of,
    "help": commands.help_text,
    "measurements": measurements.render,
    "failure": commands.failure,
}


def expand(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put in what a page inserts; connected to `source-read`."""

    def make(match: re.Match[str]) -> str:
        name, arguments = match[1], [part.strip() for part in match[2].split("|") if part.strip()]
        if name not in MAKERS:
            raise ExtensionError(f"{docname}: there is no insertion {name!r}; known are {', '.join(MAKERS)}")
        return MAKERS[name](app.env, *arguments)

    source[0] = _INSERTION.sub(make, source[0])
