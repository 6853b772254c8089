"""Versions of everything that matters to a result."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

_LIBRARIES = ("zoo-models", "torch", "transformers", "accelerate", "peft", "tokenizers", "safetensors", "numpy")


def relevant_versions(distribution: str = "") -> dict[str, str]:
    """Distribution name to version, of Python, the libraries that compute and the plugin's distribution."""
    versions = {"python": platform.python_version()}
    for name in (*_LIBRARIES, *([distribution] if distribution else [])):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue  # not every model needs every library
    return versions
