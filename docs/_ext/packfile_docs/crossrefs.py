"""Links that nobody writes: ids of rules, files of the specification, and names of the API in docstrings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxRole

from packfile.rules import RULES

from .repository import docname_of

_RULE = re.compile(r"\bPF-[A-Z]+-\d{3}\b")
_EXACT = re.compile(r"(pf-[a-z]+-\d{3}|(?:instruction|trap|layout|case)-.*)")
_NOT_IN = (nodes.title, nodes.literal_block, nodes.reference, addnodes.pending_xref, nodes.target, nodes.raw)


class LinkRules(SphinxTransform):
    """Makes the id of a rule in running text a link to the rule, and the name of a file that has a page one to it."""

    default_priority = 400

    def apply(self, **_: object) -> None:
        """Replace texts and literals."""
        for text in list(self.document.findall(nodes.Text)):
            parent = text.parent
            if _inside(text, _NOT_IN):
                continue
            if isinstance(parent, nodes.literal):
                link = self._of_literal(parent)
                if link is not None:
                    parent.replace_self(link)
            elif _RULE.search(text) and not isinstance(parent, nodes.FixedTextElement):
                parent.replace(text, list(self._of_text(text)))

    def _of_literal(self, literal: nodes.literal) -> nodes.Node | None:
        text = literal.astext()
        if text in RULES:
            return _reference(self.env, "ref", text.lower(), literal.deepcopy())
        docname = docname_of(text)
        # A page may come later than the text that names it; the name then stays plain.
        if docname in (None, self.env.docname) or docname not in self.env.found_docs:
            return None
        return _reference(self.env, "doc", f"/{docname}", literal.deepcopy())

    def _of_text(self, text: nodes.Text) -> Iterator[nodes.Node]:
        end = 0
        for match in _RULE.finditer(text):
            yield nodes.Text(text[end : match.start()])
            yield _reference(self.env, "ref", match[0].lower(), nodes.inline("", match[0]))
            end = match.end()
        yield nodes.Text(text[end:])


class KeepLabels(SphinxTransform):
    """Gives a rule, instruction, trap, row or case its label as the id in the page, letter by letter.

    `#PF-FIX-012` and `#instruction-i_add` then are stable addresses, which other texts may name.
    """

    # Before the domains take the labels, at 850.
    default_priority = 840

    def apply(self, **_: object) -> None:
        """Rename ids."""
        for section in self.document.findall(nodes.section):
            exact = {_label(name): name for name in section["names"] if _EXACT.fullmatch(name)}
            if not exact:
                continue
            old = {self.document.nameids.get(name) for name in exact.values()}
            section["ids"] = [*exact, *(i for i in section["ids"] if i not in old and not re.fullmatch(r"id\d+", i))]
            for label, name in exact.items():
                self.document.nameids[name] = label
                self.document.ids[label] = section


class Api(SphinxRole):
    """The role of plain backticks in docstrings: code, which is a link where it names something of the API."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The code, or a link to be resolved."""
        literal = nodes.literal(self.rawtext, self.text)
        if not re.fullmatch(r"[A-Za-z_][\w.]*", self.text):
            return [literal], []
        link = addnodes.pending_xref(
            self.rawtext, literal, refdomain="py", reftype="obj", reftarget=self.text, refdoc=self.env.docname
        )
        # A plain word such as `segment` may end many names; it is a link only where it is one.
        if "." in self.text or self.text[0].isupper():
            link["refspecific"] = True
        link["optional"] = True
        link["py:module"] = self.env.ref_context.get("py:module")
        link["py:class"] = self.env.ref_context.get("py:class")
        return [link], []


def forgive(
    _app: Sphinx, _env: BuildEnvironment, node: addnodes.pending_xref, content: nodes.Node
) -> nodes.Node | None:
    """Code in backticks that names nothing of the API is code; connected to `missing-reference`."""
    return content if node.get("optional") else None


def _reference(env: BuildEnvironment, kind: str, target: str, content: nodes.Node) -> addnodes.pending_xref:
    return addnodes.pending_xref(
        "", content, refdomain="std", reftype=kind, reftarget=target, refexplicit=True, refwarn=True, refdoc=env.docname
    )


def _inside(node: nodes.Node, kinds: tuple[type[nodes.Node], ...]) -> bool:
    parent = node.parent
    while parent is not None:
        if isinstance(parent, kinds):
            return True
        parent = parent.parent
    return False


def _label(name: str) -> str:
    return name.upper() if name.startswith("pf-") else name
