"""What a run of pytest knows of the suite, kept in pytest's stash."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pytest

from .build import Builder
from .execute import Loader
from .expectations import Expectations
from .export_store import PrebuiltBuilder, load_archive
from .in_place.checks import Lab
from .in_place.modules import Workshop
from .plan import Filters, Sample


@dataclass
class Suite:
    """The loader under test, what was asked for, and where the files are."""

    loader: Loader
    named: bool
    """Whether the command line names the loader."""
    filters: Filters
    expectations: Expectations
    roots: tuple[Path, ...]
    """Directories whose YAML files are cases."""
    sample: Sample | None = None
    """The sample of the chosen cases that was asked for, if it was."""
    sampled_from: int | None = None
    """The number of cases that the sample was taken from, once that is known."""
    prebuilt: Path | None = None
    """The archive that the files are taken from; None to build them."""
    collected: bool = False
    """Whether any file of cases was collected, so that this run is one of the suite."""
    failed: bool = False
    """Whether a run failed, so that the files are still needed."""
    _directory: list[Path] = field(default_factory=list)

    @property
    def sample_text(self) -> str | None:
        """The sample in words; None if all that was chosen is run."""
        return self.sample.text(self.sampled_from) if self.sample is not None else None

    @cached_property
    def builder(self) -> Builder:
        """Builds files, in a directory of this process that a loader under another user can read."""
        directory = Path(tempfile.mkdtemp(prefix="packfiles-"))
        os.chmod(directory, 0o755)  # noqa: PTH101, S103
        self._directory.append(directory)
        return PrebuiltBuilder(directory, load_archive(self.prebuilt)) if self.prebuilt else Builder(directory)

    @cached_property
    def lab(self) -> Lab:
        """What the in-place profile needs, with files beside those of the cases."""
        directory = self.builder.directory / "in-place"
        directory.mkdir()
        return Lab(self.loader, directory, Workshop(directory))

    def close(self) -> None:
        """Ends the loader; removes the files unless a failure's text names them."""
        self.loader.close()
        if not self.failed:
            for directory in self._directory:
                shutil.rmtree(directory, ignore_errors=True)


SUITE: pytest.StashKey[Suite] = pytest.StashKey()
