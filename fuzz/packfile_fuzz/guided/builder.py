"""The builder: a process that the harness of the C loader starts, and asks for the program of each input.

Assumes that it is alone with its standard input and output. Promises an answer to every request, in their order, and
to end with the harness. An exception ends it, with its text on standard error; to the harness that is a finding.
"""

from __future__ import annotations

import signal
import struct
from typing import BinaryIO, Final

from packfile_fuzz.generator import build
from packfile_fuzz.generator.modules import HEAD_ITEMS, MOST_READ
from packfile_fuzz.guided.wire import pack

MAGIC: Final = b"PFG1"
"""Begins the greeting: then the items before the bodies, and those that are read at all."""


def serve(requests: BinaryIO, replies: BinaryIO, *, reference: bool) -> None:
    """Greet, then answer until there are no more requests.

    Args:
        requests: Inputs, each after its length.
        replies: Where the greeting and the answers go, each of these after its length.
        reference: Whether answers say what the reference makes of the program.
    """
    replies.write(MAGIC + struct.pack("<II", HEAD_ITEMS, MOST_READ))
    replies.flush()
    while head := requests.read(4):
        program = build(requests.read(int.from_bytes(head, "little")))
        answer = pack(program, reference=reference)
        replies.write(struct.pack("<I", len(answer)) + answer)
        replies.flush()


def ignore_interrupts() -> None:
    """Leave it to the harness to end on Ctrl-C: a builder that ends first looks like a finding."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
