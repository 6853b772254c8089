"""The digest that says whether a file is still the one a run was asked to work on."""

from __future__ import annotations

import hashlib
from pathlib import Path

from zoo.errors import DatasetInvalid


def digest(path: str | Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal.

    Raises:
        DatasetInvalid: the file cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DatasetInvalid(f"{path} cannot be read: {error.strerror or error}") from error
