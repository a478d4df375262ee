"""Outcomes as exceptions: one class a layer, named as the spec names the outcome.

Every error carries what a reader needs as data first (rule, file, offset, expected, got) and text second. An error that
is none of these classes is a defect of this package, never an outcome.
"""

from typing import ClassVar


class PackfileError(Exception):
    """An outcome other than `ok`.

    Args:
        rule: Id of the broken rule, such as `PF-HDR-002`, or None where no rule of the spec is broken.
        message: What is wrong, in words, without the values.
        at: Offset in the file, in bytes, or None where the error lies in no file.
        expected: What the rule asks for.
        got: What was found instead.
        file: The file's name for people; filled in by the layer that knows it.
    """

    outcome: ClassVar[str]

    def __init__(
        self,
        rule: str | None,
        message: str,
        *,
        at: int | None = None,
        expected: str | None = None,
        got: str | None = None,
        file: str | None = None,
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.at = at
        self.expected = expected
        self.got = got
        self.file = file

    def __str__(self) -> str:
        place = ":".join(part for part in (self.file, None if self.at is None else hex(self.at)) if part)
        head = ": ".join(part for part in (place, self.outcome, self.rule, self.message) if part)
        values = [f"expected {self.expected}"] if self.expected is not None else []
        values += [f"got {self.got}"] if self.got is not None else []
        return f"{head}: {', '.join(values)}" if values else head


class Malformed(PackfileError):
    """Raised by the image and link layers: the structure of a file breaks a rule."""

    outcome = "malformed"


class Unsupported(PackfileError):
    """Raised by the image layer: a version, feature or section kind that version 1 does not define."""

    outcome = "unsupported"


class Corrupt(PackfileError):
    """Raised where a digest does not match what it covers (feature `hashed`)."""

    outcome = "corrupt"


class Unlinkable(PackfileError):
    """Raised by the link layer, and by a call of a name that its module does not export."""

    outcome = "unlinkable"


class Invalid(PackfileError):
    """Raised by the verify layer, at the first call of a function whose row or code breaks a rule."""

    outcome = "invalid"


class Trap(PackfileError):
    """Raised by the machine: the program did what has no meaning. `code` is from the closed list of the spec."""

    outcome = "trap"

    def __init__(self, code: str, message: str, *, rule: str | None = None) -> None:
        super().__init__(rule, f"{code}: {message}")
        self.code = code


class Exhausted(PackfileError):
    """Raised by the machine when fuel or depth runs out, and by link when memory for bss does."""

    outcome = "exhausted"
