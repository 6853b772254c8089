"""The version of zoo, which sites have in common."""

from __future__ import annotations

from importlib.metadata import version


def zoo_version() -> str:
    """Of the distribution that is installed."""
    return version("zoo-models")
