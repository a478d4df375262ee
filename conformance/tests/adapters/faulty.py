"""The reference's adapter with one fault: `faulty.py FAULT [NTH [NOTES]]`.

It misbehaves in its NTH command after hello, which is number 0. NOTES is a path for what the test wants to know. A list
of faults such as `crash,hello-hang,` has one for each start of the adapter, counted beside the notes; the last holds
for all later ones, and an empty one is none.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from answers import ANSWERS
from ends import ENDS
from flow import FLOW
from packfile.adapter import Adapter, failure
from packfile.errors import PackfileError
from scene import Fault, Scene, say
from starts import STARTS

NTH = int(sys.argv[2]) if len(sys.argv) > 2 else 3
NOTES = Path(sys.argv[3] if len(sys.argv) > 3 else os.devnull)
FAULTS: dict[str, Fault] = {**ANSWERS, **ENDS, **FLOW, **STARTS}
OF_ALL_COMMANDS = {
    "no-audit",
    "hides-audit",
    "unsupported",
    "no-rules",
    "other-rules",
    "writes",
    "touches",
    "exit-status",
    "crash-always",
    "escapes",
}
"""Faults that are not of one command."""


def fault_of_this_start() -> str:
    faults = sys.argv[1].split(",")
    if len(faults) == 1:
        return faults[0]
    with NOTES.with_suffix(".starts").open("ab") as starts:
        starts.write(b".")
        return faults[min(starts.tell(), len(faults)) - 1]


FAULT = fault_of_this_start()


def good(adapter: Adapter, request: dict[str, Any]) -> dict[str, Any]:
    try:
        reply = adapter.answer(request)
    except PackfileError as error:
        reply = failure(error)
    except Exception as error:  # noqa: BLE001 - a fault would be hidden by a traceback
        reply = {"error": "bad-request", "message": repr(error)}
    hello = request["command"] == "hello"
    if FAULT == "no-audit" and request["command"] == "audit":
        reply = {"error": "unsupported-command"}
    if FAULT in {"no-audit", "hides-audit"} and hello:
        reply["features"] = []
    if FAULT == "escapes" and hello:
        reply["name"] = "\x1b[31mred\x1b[0m\u202e"
    if FAULT == "unsupported" and request["command"] in {"link", "call"}:
        reply = {"error": "unsupported-command"}
    if FAULT == "no-rules":
        reply.pop("rule", None)
    if FAULT == "other-rules" and "rule" in reply:
        reply["rule"] = "PF-HDR-006"
    return {"id": request["id"], **reply}


def change(path: Path) -> None:
    """Changes a file, or only its time, as no loader may."""
    before = path.stat()
    if FAULT == "touches":
        os.utime(path, ns=(0, 0))
        return
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x55")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def is_due(number: int) -> bool:
    """Whether it is this command that goes wrong."""
    if FAULT == "crash-always":
        return number > 0
    return FAULT in FAULTS and number == (0 if FAULT in STARTS else NTH)


def main() -> None:
    if FAULT and FAULT not in FAULTS and FAULT not in OF_ALL_COMMANDS:
        sys.exit(f"there is no fault {FAULT}")
    adapter = Adapter()
    touched = ""
    for number, line in enumerate(sys.stdin.buffer):
        request = json.loads(line)
        touched = request.get("path", touched)
        if FAULT in {"writes", "touches"} and request["command"] == "close" and touched:
            change(Path(touched))
        scene = Scene(request, good(adapter, request), NOTES)
        if is_due(number):
            FAULTS["crash" if FAULT == "crash-always" else FAULT](scene)
        else:
            say(scene.line)
    sys.exit(4 if FAULT == "exit-status" else 0)


main()
