"""The command `packfile`."""

import sys


def main() -> None:
    """Run the command line."""
    from packfile.adapter import serve

    serve(sys.stdin.buffer, sys.stdout.buffer)
