"""What a measurement depends on: the machine, its kernel, and the versions of what is measured."""

import os
import platform
from importlib import metadata
from pathlib import Path

import packfile

Facts = dict[str, str | int | float | None]


def facts() -> Facts:
    """Facts of this machine, now."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packfile": packfile.__version__,
        "pywasm": version_of("pywasm"),
    }


def version_of(distribution: str) -> str | None:
    """Version of an installed distribution, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model", "cpu model"))]
    return names[0] if names else platform.processor() or "unknown"
