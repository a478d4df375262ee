"""The command `packfile`.

Its commands need click and rich, which a bare install lacks; `packfile adapter` needs neither, and is run before they
are looked for.
"""

import importlib.util
import os
import sys
from collections.abc import Sequence

_CANNOT = 2
_DEFECT = 70
_INTERRUPTED = 130
_BROKEN_PIPE = 141


def main() -> None:
    """Run the command line and exit with its status; docs/cli.md describes both."""
    try:
        status = _dispatch(sys.argv[1:])
    except KeyboardInterrupt:
        status = _INTERRUPTED
    except BrokenPipeError:
        status = _BROKEN_PIPE
    except Exception as error:
        if os.environ.get("PACKFILE_TRACEBACK"):
            raise
        # No file and no argument may lead here, so this is a defect, and is shown as one rather than as an outcome.
        _complain(f"this is a defect of packfile: {type(error).__name__}: {error} (PACKFILE_TRACEBACK=1 shows where)")
        status = _DEFECT
    sys.exit(_flushed(status))


def _dispatch(arguments: Sequence[str]) -> int:
    if list(arguments) == ["adapter"] and sys.stdin is not None and sys.stdout is not None:
        from packfile.adapter import serve  # noqa: PLC0415 - only this command needs it

        serve(sys.stdin.buffer, sys.stdout.buffer)
        return 0
    missing = [name for name in ("click", "rich") if importlib.util.find_spec(name) is None]
    if missing:
        what = "Python packages" if len(missing) > 1 else "a Python package"
        install = "python -m pip install 'packfile[cli]'"
        _complain(f"the commands need {what} that this install lacks ({', '.join(missing)}); install with: {install}")
        return _CANNOT
    from packfile.cli.app import execute  # noqa: PLC0415 - it imports click

    return execute(arguments)


def _flushed(status: int) -> int:
    """Write what is still buffered; gives the status, or that of the failure to write."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, KeyboardInterrupt) as error:
        # What cannot be written now goes nowhere, or Python would try again at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, KeyboardInterrupt):
            return _INTERRUPTED
        if isinstance(error, BrokenPipeError):
            return _BROKEN_PIPE
        if status != _CANNOT:
            _complain(f"cannot write to standard output: {error.strerror}")
        return _CANNOT
    return status


def _complain(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"packfile: {text}\n")
