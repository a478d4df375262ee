"""Puts the prebuilt files of all cases into a wheel; hatchling calls this when it builds one.

They are made from the cases of this very tree, so that nothing is committed that could be stale.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.builders.wheel import WheelBuilderConfig


class PrebuiltFiles(BuildHookInterface[WheelBuilderConfig]):
    """Makes `packfile_suite/data/prebuilt.zip`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Makes the archive before the wheel is put together. An editable wheel has none: its cases may change."""
        if version == "editable":
            return
        sys.path[:0] = [str(Path(self.root, "reference", "src")), str(Path(self.root, "conformance"))]
        from packfile_suite.export import make  # noqa: PLC0415 - found by the path above
        from packfile_suite.export_store import save_archive  # noqa: PLC0415
        from packfile_suite.load import shipped_cases  # noqa: PLC0415
        from packfile_suite.plan import Filters  # noqa: PLC0415

        self._directory = tempfile.TemporaryDirectory()
        archive = Path(self._directory.name, "prebuilt.zip")
        save_archive(make(shipped_cases(), Filters()), archive)
        build_data["force_include"][str(archive)] = "packfile_suite/data/prebuilt.zip"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes what `initialize` made."""
        del build_data, artifact_path
        if version != "editable":
            self._directory.cleanup()
