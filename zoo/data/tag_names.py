"""What the numbers of tags stand for, by a file beside the data, as data sets of the Hub have one.

["O", "B-person", "I-person"]                 by position: classes.json, labels.json
{"0": "O", "1": "B-person"}                   by number: id2label.json
{"O": 0, "B-person": 1}                       by name: label2id.json, label.json
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from zoo.errors import DatasetInvalid

FILE_NAMES = ("classes.json", "labels.json", "id2label.json", "label2id.json", "label.json")


class TagNames(NamedTuple):
    """The tags that numbers stand for."""

    path: Path
    """Of the file that says it."""
    names: dict[int, str]


def tag_names_beside(path: Path) -> TagNames | None:
    """What a file beside a table, or in the folder above, says; None where there is none.

    Raises:
        DatasetInvalid: there is one that names no tags.
    """
    folders = path.absolute().parents[:2]
    files = (folder / name for folder in folders for name in FILE_NAMES)
    file = next((one for one in files if one.is_file()), None)
    if file is None:
        return None
    try:
        return TagNames(file, _names(json.loads(file.read_text(encoding="utf-8-sig"))))
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetInvalid(
            f"{file} does not say which tag each number is: {' '.join(str(error).split())[:200]}",
            'write ["O", "B-person", "I-person"] into it, the tags in the order of their numbers',
        ) from None


def _names(content: Any) -> dict[int, str]:
    """The tags by their numbers.

    Raises:
        ValueError: it has none.
    """
    if isinstance(content, list):
        pairs = list(enumerate(content))
    elif isinstance(content, dict):
        by_name = all(type(number) is int for number in content.values())
        pairs = [(value, key) if by_name else (int(key), value) for key, value in content.items()]
    else:
        pairs = []
    if not pairs or not all(isinstance(name, str) for _, name in pairs):
        raise ValueError("it holds neither a list of tags nor an object of tags and numbers")
    return dict(pairs)
