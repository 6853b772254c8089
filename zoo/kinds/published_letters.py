"""The letters that a network which hears can write, as the folder of its weights states them; JSON alone is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_CONFIG, _VOCABULARY = "config.json", "vocab.json"
_PROBLEM, _CTC = "speech_recognition", "ForCTC"
"""What a configuration says of such a head: zoo's own, and the end of the class of transformers'."""


def published_letters(folder: Path) -> frozenset[str]:
    """Letters without regard to case; empty where the folder does not say, or the network writes no letters.

    Args:
        folder: of the weights.
    """
    config = _document(folder / _CONFIG)
    if config.get("problem_type") == _PROBLEM:
        names = config.get("labels")
    elif any(str(name).endswith(_CTC) for name in config.get("architectures") or ()):
        names = _document(folder / _VOCABULARY)
    else:
        names = ()
    if not isinstance(names, list | tuple | dict):
        return frozenset()
    return frozenset(letter for name in names if isinstance(name, str) and len(name) == 1 for letter in name.casefold())


def _document(path: Path) -> dict[str, Any]:
    """An object; empty where there is none: whoever loads the weights says what is wrong with them."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
