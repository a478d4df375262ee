"""The reference as it would be if it were built up to a step only: `limited.py STEP`. What is beyond ends it."""

import json
import sys
from typing import Any

from packfile.adapter import Adapter, failure
from packfile.errors import PackfileError
from packfile.image import Image
from packfile.instructions import INSTRUCTIONS
from packfile.layout import SectionKind
from packfile.process import Process
from packfile_suite.steps import FIRST_INSTRUCTIONS, STEPS

BUILT = STEPS[: STEPS.index(sys.argv[1]) + 1]
OPS = {row.opcode for row in INSTRUCTIONS.values() if "machine" in BUILT or row.mnemonic in FIRST_INSTRUCTIONS}


class Limited(Adapter):
    """Exits where it would need what is not built yet."""

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        command = request["command"]
        if command == "hello":
            return super().answer(request) | {"features": ["audit", "in-place"] if "audit" in BUILT else []}
        try:
            needs("function", command in {"link", "call"})
            needs("audit", command == "audit")
            if command == "link":
                entries = request["modules"]
                needs("link", len(entries) != 1 or any("host" in entry or self.imports(entry) for entry in entries))
            reply = super().answer(request)
        except PackfileError as error:
            reply = failure(error)
        needs("verify", reply.get("outcome") == "invalid")
        needs("link", reply.get("outcome") == "unlinkable")
        needs("limits", reply.get("outcome") == "exhausted")
        return reply

    def imports(self, entry: dict[str, Any]) -> bool:
        image: Image = self._images[entry["image"]]
        return bool(image.section(SectionKind.IMPORTS).nbytes)


def needs(step: str, condition: bool) -> None:
    if condition and step not in BUILT:
        sys.exit(f"this needs the step {step}")


def traced(process: Process, *arguments: Any, **options: Any) -> Any:
    def trace(frame: Any, word: int) -> None:
        needs("machine", frame.code.ops[word] not in OPS)

    return INVOKE(process, *arguments, **options, trace=trace)


INVOKE = Process.invoke
Process.invoke = traced  # type: ignore[method-assign, assignment]
adapter = Limited()
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({"id": request["id"], **adapter.answer(request)}), flush=True)
