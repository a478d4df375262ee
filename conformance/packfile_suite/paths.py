"""Where the suite's data lie: beside the package in a wheel, in `conformance/` and `spec/` of a checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "data"
_CHECKOUT = _PACKAGE.parents[1]


def cases_directory() -> Path:
    """The directory of the cases that come with the suite."""
    installed = _INSTALLED / "cases"
    return installed if installed.is_dir() else _CHECKOUT / "conformance" / "cases"


def spec_file(name: str) -> Path:
    """A file of the specification, such as `packfile.ksy`."""
    installed = _INSTALLED / name
    return installed if installed.is_file() else _CHECKOUT / "spec" / name


def prebuilt_archive() -> Path | None:
    """The files of all cases as they were when the wheel was built; a checkout has none."""
    archive = _INSTALLED / "prebuilt.zip"
    return archive if archive.is_file() else None


def shown(path: Path) -> str:
    """The path as people read it: for a case the same wherever the suite is installed."""
    try:
        return f"conformance/cases/{path.resolve().relative_to(cases_directory()).as_posix()}"
    except ValueError:
        pass
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()
