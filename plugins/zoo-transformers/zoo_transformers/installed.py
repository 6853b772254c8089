"""What the installed transformers knows, found in its files: importing it takes seconds."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from zoo import Unsupported

_CLASS = re.compile(r"^class (\w+)\(", re.MULTILINE)
_SLOW_TOKENIZER = re.compile(r"^class (\w+)\((?:PythonBackend|PreTrainedTokenizer)\)", re.MULTILINE)


@cache
def classes_of(model_type: str) -> frozenset[str]:
    """Names of the classes of an architecture, such as `RobertaForMaskedLM`.

    Args:
        model_type: as `config.json` states it.

    Raises:
        Unsupported: there is no such architecture; those of like names are offered.
    """
    folder = _folder() / model_type.replace("-", "_")
    files = sorted(folder.glob("modeling_*.py")) if re.fullmatch(r"[\w-]+", model_type) else []
    if not files:
        near = get_close_matches(model_type, model_types(), 3)
        like = f"; of like names: {', '.join(near)}" if near else ""
        raise Unsupported(
            f"transformers {version('transformers')} knows no architecture {model_type!r}{like}",
            "a later version may, or another plugin: zoo plugins",
        )
    return frozenset(name for file in files for name in _CLASS.findall(file.read_text(encoding="utf-8")))


@cache
def slow_tokenizers() -> frozenset[str]:
    """Names of the tokenizers that are computed in Python, without the library `tokenizers`."""
    files = _folder().glob("*/tokenization_*.py")
    return frozenset(name for file in files for name in _SLOW_TOKENIZER.findall(file.read_text(encoding="utf-8")))


@cache
def model_types() -> tuple[str, ...]:
    """Names of all architectures, as their folders have them."""
    return tuple(
        sorted(path.parent.name for path in _folder().glob("*/configuration_*.py") if path.parent.name != "auto")
    )


@cache
def _folder() -> Path:
    specification = find_spec("transformers")
    assert specification is not None
    return Path(str(specification.origin)).parent / "models"
