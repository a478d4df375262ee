"""Judges an adapter by the cases that `packfile-suite export DIR` wrote, with the standard library alone.

Run it as `python spec/replay_example.py DIR ./my-adapter`. It is a model for other languages: it knows nothing but
`manifest.json` (spec/manifest.schema.json) and the adapter protocol (spec/adapter.md).
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

SECONDS = 10
FAILURES = (OSError, ValueError, KeyError, TypeError, IndexError)
Message = dict[str, Any]


class Adapter:
    """A running adapter, killed if an answer takes too long."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        self.asked = 0
        self.hello = self.ask({"command": "hello"})

    def ask(self, request: Message) -> Message:
        """The reply to a request. Raises one of FAILURES if there is none."""
        assert self.process.stdin and self.process.stdout  # noqa: PT018
        self.asked += 1
        self.process.stdin.write(json.dumps({"id": self.asked, **request}).encode() + b"\n")
        self.process.stdin.flush()
        timer = threading.Timer(SECONDS, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        reply: Message = json.loads(line)
        if reply["id"] != self.asked or ("outcome" in reply) == ("error" in reply):
            raise ValueError(f"no reply to request {self.asked}: {reply}")
        return reply


def pieces(entry: Message, export: Path) -> list[tuple[int, bytes]]:
    """What is written in a file, each piece with its offset; all else is zero."""
    whole = [{"offset": 0, "hex": (export / entry["path"]).read_bytes().hex()}] if "path" in entry else entry["runs"]
    found = [(piece["offset"], bytes.fromhex(piece["hex"])) for piece in whole]
    if hashlib.sha256(b"".join(data for _, data in found)).hexdigest() != entry["sha256"]:
        raise ValueError(f"damaged: {entry}")
    return found


def look(path: Path, found: list[tuple[int, bytes]]) -> tuple[object, ...]:
    """What a loader must leave as it was: PF-XIP-002."""
    with path.open("rb") as file:
        data = [(file.seek(offset), file.read(len(piece))) for offset, piece in found]
    return data, path.stat().st_size, path.stat().st_mtime_ns


def filled(request: Message, paths: dict[str, str], handles: dict[str, int]) -> Message:
    """The request with paths and handles for what stands in their places."""
    known: Message = {key: handles[request[key]] for key in ("image", "process") if key in request}
    known |= {"path": paths[request["path"]]} if "path" in request else {}
    modules = [m if "host" in m else {**m, "image": handles[m["image"]]} for m in request.get("modules", ())]
    return request | known | ({"modules": modules} if "modules" in request else {})


def judged(message: Message) -> Message:
    """What decides of a reply or an expectation; an empty list is as good as none."""
    return {key: message.get(key) or None for key in ("outcome", "code", "i", "n", "log")}


def play(adapter: Adapter, run: Message, paths: dict[str, str]) -> str | None:
    """Makes the requests of a run; what was wrong, if anything was."""
    handles: dict[str, int] = {}
    for exchange in run["exchanges"]:
        expect, reply = exchange["expect"], adapter.ask(filled(exchange["request"], paths, handles))
        if judged(reply) != judged(expect) or ("log" in expect and "log" not in reply):
            return f"step {exchange['step']}: {exchange['request']}: expected {expect}, got {reply}"
        if "gives" in exchange:
            handles[exchange["gives"]] = reply["image" if exchange["request"]["command"] == "open" else "process"]
    return None


def judge(adapter: Adapter, run: Message, files: Message, export: Path) -> str | None:
    """Writes the files of a run and plays it; what was wrong, if anything was."""
    with tempfile.TemporaryDirectory() as directory:
        known, paths = [], {}
        for number, (name, file) in enumerate(run["files"].items()):
            path, found = Path(directory, f"{number}.pkf"), pieces(files[file["file"]], export)
            with path.open("wb") as out:
                out.truncate(files[file["file"]]["length"])
                for offset, data in found:
                    out.seek(offset)
                    out.write(data)
            known.append((path, found, look(path, found)))
            paths[f"${name}"] = str(path)
        problem = play(adapter, run, paths)
        changed = [path.name for path, found, before in known if look(path, found) != before]
        return problem or (f"changed {changed}" if changed else None)


def main(export: Path, command: list[str]) -> int:
    """0 if the loader conforms, 1 if not, 2 if the adapter or the export cannot be used."""
    try:
        manifest, adapter = json.loads((export / "manifest.json").read_bytes()), Adapter(command)
        features = set(adapter.hello["features"])
    except FAILURES as error:
        sys.stderr.write(f"cannot begin: expected an export and an adapter, got {error!r}\n")
        return 2
    failed = left_out = 0
    for run in manifest["runs"]:
        if not set(run["features"]) <= features:
            left_out += 1
            continue
        try:
            adapter = adapter if adapter.process.poll() is None else Adapter(command)
            problem = judge(adapter, run, manifest["files"], export)
        except FAILURES as error:
            problem = f"no answer of the protocol: {error!r}"
        if problem:
            failed += 1
            print(f"FAIL {run['id']}: {problem}")  # noqa: T201 - this is its purpose
            adapter.process.kill()
            adapter.process.wait()
    selected, whole = len(manifest["runs"]), not any(manifest["selection"].values())
    shown = left_out < selected and not (whole and left_out > manifest["most_unsupported"] * selected)
    print(f"executed {selected - left_out} / unsupported {left_out} / selected {selected}, failed {failed}")  # noqa: T201
    adapter.process.kill()
    return 0 if shown and not failed else 1


if __name__ == "__main__":
    sys.exit(main(Path(*sys.argv[1:2]), sys.argv[2:]))
