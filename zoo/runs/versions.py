"""Versions of everything that matters to a result."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version

_LIBRARIES = ("zoo-models", "torch", "transformers", "accelerate", "peft", "tokenizers", "safetensors", "numpy")


def relevant_versions(distribution: str = "") -> dict[str, str]:
    """Distribution name to version, of Python, the libraries that compute and the plugin's distribution."""
    names = (*_LIBRARIES, *([distribution] if distribution else []))
    of_libraries = {name: there for name in names if (there := _version(name))}  # not every model needs every library
    return {"python": platform.python_version(), **of_libraries}


def other_versions(versions: Mapping[str, str]) -> Iterator[str]:
    """What is not the same here, in words.

    Args:
        versions: of what was there when a run was asked for, as above.
    """
    for name, before in versions.items():
        here = platform.python_version() if name == "python" else _version(name)
        if here != before:
            yield f"{name} is {here or 'not there'} instead of {before}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
