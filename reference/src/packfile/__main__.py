"""`python -m packfile` is the command `packfile`."""

from packfile.cli import main

if __name__ == "__main__":
    main()
