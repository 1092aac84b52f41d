"""The versions that a run is recorded with."""

import contextlib
import importlib.metadata
from collections.abc import Iterable

import fastloss


def installed_versions(packages: Iterable[str]) -> dict[str, str]:
    """The version of fastloss, and of those packages that are installed."""
    found = {"fastloss": fastloss.__version__}
    for package in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found
