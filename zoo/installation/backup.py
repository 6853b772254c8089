"""The files of distributions, kept aside while something else may take their place."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import Distribution
from pathlib import Path

from zoo.errors import Unsupported


class Backup:
    """Files with the places they belong to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._copies: list[tuple[Path, Path]] = []

    def add(self, distribution: Distribution) -> None:
        """Keep the files that a distribution lists as its own.

        Raises:
            Unsupported: it has no such list.
        """
        if distribution.files is None:
            raise Unsupported(
                f"{distribution.name} {distribution.version} has no list of its files, so it could not be put back",
                f"reinstall or uninstall {distribution.name} with the tool that brought it",
            )
        for file in distribution.files:
            place = Path(os.path.abspath(str(file.locate())))  # noqa: PTH100  (links stay links)
            if place.is_file():
                copy = self._folder / str(len(self._copies))
                _link(place, copy)
                self._copies.append((place, copy))

    def put_back(self) -> None:
        """Let every file be what it was."""
        for place, copy in self._copies:
            place.parent.mkdir(parents=True, exist_ok=True)
            copy.replace(place)


@contextmanager
def backup(distributions: Iterable[Distribution], folder: Path) -> Iterator[Backup]:
    """Keep the files of distributions until the block ends.

    Args:
        distributions: whose files.
        folder: on the same disk, where links to them cost nothing.
    """
    with tempfile.TemporaryDirectory(prefix=".zoo-backup-", dir=folder) as name:
        copies = Backup(Path(name))
        for distribution in distributions:
            copies.add(distribution)
        yield copies


def _link(place: Path, copy: Path) -> None:
    try:
        os.link(place, copy, follow_symlinks=False)
    except (OSError, NotImplementedError):  # a file system without links
        shutil.copy2(place, copy, follow_symlinks=False)
