"""Versions of everything that matters to a result."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from zoo.places.probe import is_same, version_of

_LIBRARIES = ("zoo-models", "torch", "transformers", "accelerate", "peft", "tokenizers", "safetensors", "numpy")


VARIABLE = "ZOO_VERSIONS"
"""Tells a worker at a place what there was when it was handed over."""


def relevant_versions(distribution: str = "") -> dict[str, str]:
    """Distribution name to version, of Python, the libraries that compute and the plugin's distribution."""
    names = (*_LIBRARIES, *([distribution] if distribution else []))
    of_libraries = {name: there for name in names if (there := _version(name))}  # not every model needs every library
    return {"python": _version("python"), **of_libraries}


def variable_of(names: Iterable[str]) -> dict[str, str]:
    """The variable that tells what there is of these here and now."""
    return {VARIABLE: msgspec.json.encode({name: _version(name) for name in names}).decode()}


def handed_over_with() -> dict[str, str]:
    """What that variable says; nothing where it is not there."""
    return msgspec.json.decode(os.environ.get(VARIABLE) or "{}", type=dict[str, str])


def other_versions(versions: Mapping[str, str]) -> Iterator[str]:
    """What is not the same here, in words.

    Args:
        versions: of what was there when a run was handed over, or asked for.
    """
    for name, before in versions.items():
        here = _version(name)
        if not is_same(here, before):
            yield f"{name} is {here or 'not there'} instead of {before or 'none'}"


def _version(name: str) -> str:
    return platform.python_version() if name == "python" else version_of(name)
