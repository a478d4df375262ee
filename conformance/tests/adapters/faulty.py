"""The reference's adapter with one fault: `faulty.py FAULT [N]` misbehaves in its Nth command after hello."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from packfile.adapter import Adapter, failure
from packfile.errors import PackfileError

FAULT = sys.argv[1]
NTH = int(sys.argv[2]) if len(sys.argv) > 2 else 3


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def good(adapter: Adapter, request: dict[str, Any]) -> str:
    try:
        reply = adapter.answer(request)
    except PackfileError as error:
        reply = failure(error)
    except Exception as error:  # noqa: BLE001 - a fault would be hidden by a traceback
        reply = {"error": "bad-request", "message": repr(error)}
    if FAULT == "no-audit":
        if request["command"] == "hello":
            reply["features"] = []
        elif request["command"] == "audit":
            reply = {"error": "unsupported-command"}
    if FAULT == "hides-audit" and request["command"] == "hello":
        reply["features"] = []
    if FAULT == "unsupported" and request["command"] in {"link", "call"}:
        reply = {"error": "unsupported-command"}
    if FAULT == "no-rules":
        reply.pop("rule", None)
    if FAULT == "other-rules" and "rule" in reply:
        reply["rule"] = "PF-HDR-006"
    return json.dumps({"id": request["id"], **reply}) + "\n"


def misbehave(adapter: Adapter, request: dict[str, Any]) -> None:  # noqa: PLR0915 - one branch a fault
    line = good(adapter, request)
    if FAULT == "crash":
        sys.stderr.write("about to \x1b[31mfail\n")
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGSEGV)
    elif FAULT == "exit":
        sys.exit(3)
    elif FAULT == "hang":
        time.sleep(600)
    elif FAULT == "hang-with-child":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(sys.argv[3]).write_text(f"{os.getpid()} {child.pid}")
        time.sleep(600)
    elif FAULT == "garbage":
        say("Segmentation fault? \x00\x01\n")
    elif FAULT == "not-utf8":
        sys.stdout.buffer.write(b"\xff\xfe\n")
        sys.stdout.flush()
    elif FAULT == "list":
        say("[1, 2]\n")
    elif FAULT == "nan":
        say(f'{{"id": {request["id"]}, "outcome": NaN}}\n')
    elif FAULT == "wrong-id":
        say(json.dumps(json.loads(line) | {"id": 999}) + "\n")
    elif FAULT == "extra":
        say(line + line)
    elif FAULT == "huge":
        say('{"id": ' + "1" * (9 << 20))
        time.sleep(600)
    elif FAULT == "close":
        os.close(1)
        time.sleep(600)
    elif FAULT == "half":
        say(line[:10])
        sys.exit(0)
    elif FAULT == "flood":
        sys.stderr.write("noise " * 200_000 + "the end\n")
        sys.stderr.flush()
        say(line)
    elif FAULT == "schema":
        say(json.dumps(json.loads(line) | {"unasked": 1}) + "\n")
    elif FAULT == "number":
        say(json.dumps({"id": request["id"], "outcome": "ok", "i": [5], "n": [], "log": []}) + "\n")
    elif FAULT == "no-log":
        say(json.dumps({"id": request["id"], "outcome": "trap", "code": "unreachable"}) + "\n")
    elif FAULT == "internal":
        say(json.dumps({"id": request["id"], "error": "internal", "message": "oops"}) + "\n")
    elif FAULT == "kills-parent":
        os.kill(os.getppid(), signal.SIGKILL)
    else:
        say(line)


def main() -> None:
    adapter = Adapter()
    touched = ""
    for number, line in enumerate(sys.stdin.buffer):
        request = json.loads(line)
        touched = request.get("path", touched)
        if FAULT in {"writes", "touches"} and request["command"] == "close" and touched:
            path = Path(touched)
            before = path.stat()
            if FAULT == "writes":
                path.chmod(0o644)
                with path.open("r+b") as file:
                    file.seek(-1, 2)
                    file.write(b"\x55")
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            else:
                os.utime(path, ns=(0, 0))
        if FAULT == "hello-garbage" and number == 0:
            say("Welcome to my loader!\n")
        elif FAULT == "protocol-2" and number == 0:
            reply = {"outcome": "ok", "name": "x", "version": "1", "protocol": 2, "features": []}
            say(json.dumps({"id": request["id"], **reply}) + "\n")
        elif number == NTH:
            misbehave(adapter, request)
        else:
            say(good(adapter, request))
    sys.exit(4 if FAULT == "exit-status" else 0)


main()
