"""Runs `packfile` again and again: imports what it needs once, then forks for each command line that it is sent.

A process of its own for each command line, as users have it, takes two tenths of a second to start; this takes a
hundredth. What depends on how the process starts is tested with processes of their own.
"""

import importlib
import json
import os
import signal
import sys
from typing import Any, TextIO

import packfile.cli.app

READY = "ready"


def serve(requests: TextIO, replies: TextIO) -> None:
    """Answer each command line with its exit status, until the end of the requests."""
    for module in (
        "assembler",
        "disassembler",
        "adapter",
        *(f"cli.{name}" for name in packfile.cli.app._MODULES.values()),
    ):
        importlib.import_module(f"packfile.{module}")
    replies.write(f"{READY}\n")
    replies.flush()
    for line in requests:
        child = os.fork()
        if child == 0:
            run(json.loads(line))
        _, status = os.waitpid(child, 0)
        replies.write(f"{os.waitstatus_to_exitcode(status)}\n")
        replies.flush()


def run(request: dict[str, Any]) -> None:
    """Be the command, with its streams in files, and end."""
    status = 255
    try:
        for number, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
            os.dup2(os.open(request["streams"][number], mode), number)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", 1, errors="backslashreplace")  # noqa: SIM115
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        sys.argv = ["packfile", *request["arguments"]]
        signal.alarm(request["timeout"])
        packfile.cli.main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:  # noqa: BLE001 - as Python would at the end of a process of its own
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
