"""Faults in when, how much and how steadily an adapter writes and reads."""

import json
import os
import signal
import sys
import threading
import time

from scene import FOR_EVER, Fault, Scene, hang, say

_CHUNK = 1 << 20
_GIBIBYTE = 1 << 30


def late(scene: Scene) -> None:
    """The answer comes when the next one is due."""
    time.sleep(1.6)
    say(scene.line)


def half_then_hang(scene: Scene) -> None:
    say(scene.line[:10])
    hang()


def without_line_end(scene: Scene) -> None:
    say(scene.line.rstrip("\n"))
    hang()


def dribble(scene: Scene) -> None:
    """A byte now and then, so that something always moves."""
    for char in scene.line * 1000:
        say(char)
        time.sleep(0.05)


def huge(_: Scene) -> None:
    """A line of a gibibyte."""
    chunk = b"1" * _CHUNK
    for _count in range(_GIBIBYTE // _CHUNK):
        sys.stdout.buffer.write(chunk)
    say("\n")


def empty_lines(_: Scene) -> None:
    while True:
        os.write(1, b"\n" * _CHUNK)


def replies_without_end(scene: Scene) -> None:
    while True:
        os.write(1, scene.line.encode() * 1000)


def noise() -> None:
    deadline = time.monotonic() + FOR_EVER
    while time.monotonic() < deadline:
        os.write(2, b"noise " * 10_000)


def flood(scene: Scene) -> None:
    sys.stderr.write("noise " * 200_000 + "the end\n")
    sys.stderr.flush()
    say(scene.line)


def endless_flood(_: Scene) -> None:
    noise()


def flood_beside(scene: Scene) -> None:
    """Goes on well, while a thread writes to standard error for ever."""
    threading.Thread(target=noise, daemon=True).start()
    say(scene.line)


def deaf(scene: Scene) -> None:
    """Answers this, and reads nothing more."""
    say(scene.line)
    hang()


def hasty(scene: Scene) -> None:
    """Answers the next request before it reads it, and reads no more."""
    say(scene.line)
    time.sleep(0.2)
    say(json.dumps({"id": scene.reply["id"] + 1, "outcome": "ok", "image": 1}) + "\n")
    hang()


def deaf_to_the_end(_: Scene) -> None:
    """Neither answers nor minds being asked to end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hang()


FLOW: dict[str, Fault] = {
    "hang": lambda _: hang(),
    "late": late,
    "half-then-hang": half_then_hang,
    "without-line-end": without_line_end,
    "dribble": dribble,
    "huge": huge,
    "empty-lines": empty_lines,
    "replies-without-end": replies_without_end,
    "flood": flood,
    "endless-flood": endless_flood,
    "flood-beside": flood_beside,
    "deaf": deaf,
    "hasty": hasty,
    "deaf-to-the-end": deaf_to_the_end,
}
