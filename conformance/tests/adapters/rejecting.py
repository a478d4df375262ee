"""A loader that takes nothing: each file is malformed."""

import json
import sys

HELLO = {
    "outcome": "ok",
    "name": "rejecting",
    "version": "0",
    "protocol": 1,
    "features": ["audit", "in-place", "hashed"],
}

for line in sys.stdin:
    request = json.loads(line)
    reply = HELLO if request["command"] == "hello" else {"outcome": "malformed", "rule": "PF-HDR-002"}
    print(json.dumps({"id": request["id"], **reply}), flush=True)
