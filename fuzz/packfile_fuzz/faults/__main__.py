"""`python -m packfile_fuzz.faults NAME`: the reference's adapter with a fault."""

import sys

from packfile.adapter import serve
from packfile_fuzz.faults.catalogue import FAULTS, activate


def main() -> None:
    """Serve the adapter protocol on standard input and output, with the fault that the command line names."""
    if len(sys.argv) != 2 or sys.argv[1] not in FAULTS:
        sys.exit(f"expected the name of a fault: {', '.join(FAULTS)}")
    fault = FAULTS[sys.argv[1]]
    with activate(fault.name):
        serve(sys.stdin.buffer, sys.stdout.buffer, fault.translate_after)


if __name__ == "__main__":
    main()
