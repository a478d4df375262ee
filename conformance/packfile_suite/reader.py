"""YAML as cases use it: quick, with line numbers, and without YAML 1.1's surprises.

Plain scalars are what JSON would make of them (and `0x` integers and `.inf`); all else is a string. What YAML 1.1
would silently turn into something else (`0123`, `1_000`, `-0`, `yes`, sixteen digits of a float's bits) is an error
that asks for quotes or stays a string. So are repeated keys and tags.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from .case import CaseError

if TYPE_CHECKING:
    from yaml._yaml import CParser as _Parser
else:
    try:
        from yaml.cyaml import CParser as _Parser
    except ImportError:  # PyYAML without libyaml: the same, about ten times slower

        class _Parser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser, yaml.composer.Composer):
            def __init__(self, stream: str) -> None:
                yaml.reader.Reader.__init__(self, stream)
                yaml.scanner.Scanner.__init__(self)
                yaml.parser.Parser.__init__(self)
                yaml.composer.Composer.__init__(self)


_STRING, _OTHER = "tag:yaml.org,2002:str", "other"
_FIRST = frozenset("0123456789-+.tfn~")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)\Z").match
_HEX_INTEGER = re.compile(r"-?0x[0-9a-fA-F]+\Z").match
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z").match
_AMBIGUOUS = re.compile(r"[-+]?[0-9][0-9_]*\Z|[-+]?\.[0-9]").match
_WORDS: dict[str, object] = {
    "true": True,
    "false": False,
    "null": None,
    "~": None,
    ".inf": float("inf"),
    "-.inf": float("-inf"),
}
# The bits of a float, without quotes, that read as a number: 4e10000000000000.
_BITS = re.compile(r"[0-9]+e[0-9]+\Z(?<=[0-9a-f]{16})(?<![0-9a-f]{17})").match


class _Composer(_Parser):
    """Parses text into nodes; a plain scalar that may be something else than a string is marked."""

    def resolve(self, kind: type[Node], value: str | None, implicit: Sequence[bool]) -> str:
        if kind is ScalarNode:
            return _OTHER if implicit[0] and value and value[0] in _FIRST else _STRING
        return "map" if kind is MappingNode else "seq"

    def descend_resolver(self, parent: Node | None, index: object) -> None:
        """Path resolvers are not used."""

    def ascend_resolver(self) -> None:
        """Path resolvers are not used."""


class Document:
    """A parsed file: its nodes, from which values and lines are taken."""

    def __init__(self, text: str, file: str) -> None:
        self._file = file
        try:
            self.root: Node | None = _Composer(text).get_single_node()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 0
            raise CaseError(f"not YAML: {error.problem or error.context}", file=file, line=line) from None

    def value(self, node: Node | None = None) -> Any:  # noqa: ANN401 - what YAML says
        """The node, by default the whole file, as plain Python."""
        node = self.root if node is None else node
        if isinstance(node, ScalarNode):
            return node.value if node.tag == _STRING else self._scalar(node)
        if isinstance(node, SequenceNode):
            self._check_tag(node, "seq")
            return [self.value(item) for item in node.value]
        if isinstance(node, MappingNode):
            self._check_tag(node, "map")
            mapping: dict[str, Any] = {}
            for key, item in node.value:
                name = key.value
                if name in mapping or not isinstance(name, str):
                    raise self._error(key, f"the key {name} stands here twice")
                mapping[name] = self.value(item)
            return mapping
        return None

    def line(self, path: Sequence[str | int]) -> int:
        """The line of what the path of keys and indexes leads to."""
        node = self.root
        for step in path:
            if isinstance(node, MappingNode):
                found = next((item for key, item in node.value if key.value == step), None)
            elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
                found = node.value[step]
            else:
                found = None
            if found is None:
                break
            node = found
        return node.start_mark.line + 1 if node is not None else 1

    def _check_tag(self, node: Node, tag: str) -> None:
        if node.tag != tag:
            raise self._error(node, f"tags have no meaning in cases: {node.tag}")

    def _scalar(self, node: ScalarNode) -> object:
        text: str = node.value
        if node.tag != _OTHER:
            raise self._error(node, f"tags have no meaning in cases: {node.tag}")
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER(text) and text != "-0":
            return int(text)
        if _HEX_INTEGER(text):
            return int(text, 16)
        if _FLOAT(text) and text != "-0" and not _BITS(text):
            return float(text)
        if _AMBIGUOUS(text) or _BITS(text):
            raise self._error(
                node, f"what {text} means depends on the reader; put it in quotes or write it as JSON would"
            )
        return text

    def _error(self, node: Node, message: str) -> CaseError:
        return CaseError(message, file=self._file, line=node.start_mark.line + 1)
