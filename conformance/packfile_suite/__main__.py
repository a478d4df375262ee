"""`python -m packfile_suite` is `packfile-suite`."""

from .cli import main

main()
