"""Bytes to examples, with what an embedder may ask of them.

Assumes nothing of the bytes. Promises the same example for the same bytes and options, under one version of the
generator; zeros at the end change nothing, and fewer and lower bytes make a simpler example.
"""

from __future__ import annotations

from dataclasses import replace

from packfile.layout import Binding, ByteOrder
from packfile.model import Import, Module
from packfile.writer import encode
from packfile_fuzz.generator import build
from packfile_fuzz.malformed import Broken, mutate
from packfile_fuzz.program import Entry, Program
from packfile_fuzz.strategies.content import content_of
from packfile_fuzz.strategies.graphs import connected

HOST = "host"
CHOICES = 64
"""Bytes at the front of a broken file's that say what is broken; a module's follow."""
SEVERAL_FROM = 232
"""First byte of those, from which on there are several faults."""
_FREE_AT, _NAMES_AT, _HOST_AT, _TWICE_AT = 2, 3, 5, 7
"""Bytes of a program: whether it is free form, of its names, whether the host is left out, and whether a name stands
twice."""
_PLAIN_NAMES = 0xFC
"""What is kept of the byte of names, where the first module is to be `main`."""
_HOSTLESS = 0xFF
"""Byte of a program that is without the host module, whatever it imports."""
_ONCE = 0xFD
"""Greatest byte with which each name stands once."""
_MANY = b"\1\4"
"""First bytes that have two modules, and three."""


def program_of(
    content: bytes | str,
    *,
    order: ByteOrder | None = None,
    digests: bool | None = None,
    host: bool = True,
    free: bool | None = None,
) -> Program:
    """The program that `programs` gives for some bytes; the options are explained there."""
    data = _set(_set(content_of(content), _FREE_AT, _free_byte(free)), _HOST_AT, None if host else _HOSTLESS)
    return _adapted(build(data), order, digests, host=host)


def module_of(
    content: bytes | str, *, digests: bool | None = None, host: bool = True, free: bool | None = None
) -> Module:
    """The module that `modules` gives for some bytes; the options are explained there."""
    data = _set(content_of(content), 0, 0)
    data = _set(data, _NAMES_AT, data[_NAMES_AT] & _PLAIN_NAMES if len(data) > _NAMES_AT else None)
    program = program_of(data, digests=digests, host=host, free=free)
    return next(entry.module for entry in program.entries if entry.module is not None)


def import_graph_of(
    content: bytes | str,
    *,
    order: ByteOrder | None = None,
    digests: bool | None = None,
    host: bool = True,
    free: bool | None = None,
) -> Program:
    """The program that `import_graphs` gives for some bytes; the options are explained there."""
    data = content_of(content)
    data = _set(data, 0, _MANY[(data[0] if data else 0) % len(_MANY)])
    data = _set(data, _FREE_AT, _free_byte(free))
    data = _set(data, _TWICE_AT, min(data[_TWICE_AT], _ONCE) if len(data) > _TWICE_AT else None)
    data = _set(data, _HOST_AT, None if host else _HOSTLESS)
    return _adapted(connected(build(data), data), order, digests, host=host)


def broken_of(
    content: bytes | str,
    *,
    order: ByteOrder | None = None,
    digests: bool | None = None,
    several: bool | None = None,
) -> Broken:
    """The broken file that `malformed` gives for some bytes; the options are explained there."""
    data = content_of(content)
    choices = data[:CHOICES]
    first = choices[0] if choices else 0
    if several is not None:
        choices = _set(choices, 0, max(first, SEVERAL_FROM) if several else min(first, SEVERAL_FROM - 1))
    program = program_of(data[CHOICES:], order=order, digests=digests)
    entry = next(entry for entry in program.entries if entry.module is not None)
    assert entry.module is not None
    return mutate(encode(entry.module, entry.order), entry.order, choices)


def _free_byte(free: bool | None) -> int | None:
    return None if free is None else 0xFF * free


def _set(content: bytes, at: int, value: int | None) -> bytes:
    """The bytes with one of them changed; None leaves all as they are."""
    if value is None:
        return content
    content = content.ljust(at + 1, b"\0")
    return content[:at] + bytes([value]) + content[at + 1 :]


def _adapted(program: Program, order: ByteOrder | None, digests: bool | None, *, host: bool) -> Program:
    entries = []
    for entry in program.entries:
        if entry.module is not None:
            entries.append(_changed(entry, entry.module, order, digests, host=host))
        else:
            entries.append(entry)
    return Program(tuple(entries), program.calls)


def _changed(entry: Entry, module: Module, order: ByteOrder | None, digests: bool | None, *, host: bool) -> Entry:
    if digests is not None and digests is not module.digests:
        module = replace(module, digests=digests)
    if not host:
        module = replace(module, imports=tuple(map(_hostless, module.imports)))
    return Entry(entry.name, module, entry.order if order is None else order)


def _hostless(row: Import) -> Import:
    """Eager would make a set without host module unlinkable."""
    return replace(row, binding=Binding.LAZY) if row.module == HOST and row.binding is Binding.EAGER else row
