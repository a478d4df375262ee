"""Faults before or at hello; each gets the request and the right answer to it, and says all that is said."""

import json
import sys
import time

from answers import with_fields
from scene import Fault, Scene, hang, say


def end_at_once(_: Scene) -> None:
    sys.stderr.write("no \x1b[31mlibrary\n")
    sys.exit(9)


def more_behind(scene: Scene) -> None:
    say(scene.line + "Welcome to my loader!\n")


def more_later(scene: Scene) -> None:
    say(scene.line)
    time.sleep(0.2)
    say("Welcome to my loader!\n")


STARTS: dict[str, Fault] = {
    "hello-crash": end_at_once,
    "hello-hang": lambda _: hang(),
    "hello-garbage": lambda _: say("Welcome to my loader!\n"),
    "hello-more-behind": more_behind,
    "hello-more-later": more_later,
    "protocol-2": with_fields(protocol=2),
    "protocol-as-text": with_fields(protocol="1"),
    "unknown-feature": with_fields(features=["audit", "teleports"]),
    "feature-twice": with_fields(features=["audit", "audit"]),
    "other-name": with_fields(name="other"),
    "no-name": with_fields(name=""),
    "hello-error": lambda scene: say(json.dumps({"id": scene.reply["id"], "error": "internal"}) + "\n"),
    "hello-no-outcome": lambda scene: say(json.dumps({"id": scene.reply["id"]}) + "\n"),
    "hello-surrogate": with_fields(name="\ud800"),
}
