"""`adapter`: the reference as the conformance suite drives it."""

from __future__ import annotations

import sys

from packfile.adapter import serve
from packfile.cli.commands import command, tier_option
from packfile.cli.sources import standard_input


@command(
    "adapter",
    'echo \'{"id": 1, "command": "hello"}\' | packfile adapter',
    'echo \'{"id": 1, "command": "hello"}\' | packfile adapter --tier always',
)
@tier_option("off")
def adapter(translate_after: int) -> None:
    """Serve the adapter protocol on standard input and output.

    So the conformance suite drives this loader; spec/adapter.md describes the protocol. Without options
    this command works in a bare install as well. Where functions are translated, hello does not say in-place.
    """
    serve(standard_input(), sys.stdout.buffer, translate_after)
