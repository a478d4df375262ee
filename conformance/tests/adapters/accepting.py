"""A loader that takes everything: each command is ok, and each function returns nothing."""

import json
import sys

REPLIES: dict[str, dict[str, object]] = {
    "hello": {"name": "accepting", "version": "0", "protocol": 1, "features": ["audit", "in-place", "hashed"]},
    "open": {"image": 1},
    "link": {"process": 1},
    "call": {"i": [], "n": [], "log": []},
}

for line in sys.stdin:
    request = json.loads(line)
    reply = {"id": request["id"], "outcome": "ok", **REPLIES.get(request["command"], {})}
    print(json.dumps(reply), flush=True)
