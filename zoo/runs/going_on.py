"""Which runs may be going on: their names, so that nobody has to look at the many that have ended.

A run has an empty file of its name in the folder `going-on` of the store, from the moment that somebody starts it or
lets it wait to its last event. Of one whose worker was killed it is taken away by whoever looks. An earlier version of
zoo has left no such folder: it is made when the first run is started, of all that have not ended.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from zoo.paths import RUN_NAME, home, runs_folder
from zoo.runs.store import RunFolder, all_runs, newest_first

FOLDER = "going-on"
"""In the store."""
SETTLED_S = 60.0
"""What was noted longer ago is what its log says."""


def add(folder: RunFolder, has_ended: Callable[[RunFolder], bool]) -> None:
    """Take note of a run.

    Args:
        folder: of the run.
        has_ended: of each run that an earlier version has left.

    Raises:
        OSError: the store cannot be written.
    """
    place = _place(folder)
    if not place.is_dir():
        _begin(place, [run.name for run in all_runs() if not has_ended(run)])
    (place / folder.name).touch()


def _begin(place: Path, names: list[str]) -> None:
    """Make the folder with all names at once: what is half made would hide a run from whoever looks."""
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{FOLDER}-", dir=place.parent))
    try:
        for name in names:
            (partial / name).touch()
        partial.chmod(0o755)
        partial.rename(place)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        if not place.is_dir():  # nobody else has made it meanwhile
            raise


def _place(folder: RunFolder) -> Path:
    return folder.path.parent.parent / FOLDER


def remove(folder: RunFolder) -> None:
    """Forget a run that has ended, or is gone."""
    with contextlib.suppress(OSError):  # it will be looked at once more
        (_place(folder) / folder.name).unlink()


def remove_ended(folder: RunFolder) -> None:
    """Forget a run that seems to have ended, unless somebody has just noted it, and is about to say that it goes on."""
    with contextlib.suppress(OSError):
        if time.time() - (_place(folder) / folder.name).stat().st_mtime > SETTLED_S:
            remove(folder)


def noted() -> tuple[RunFolder, ...]:
    """The runs that may be going on, newest first; all where nobody has taken note of any."""
    parent = runs_folder()
    try:
        names = [path.name for path in (home() / FOLDER).iterdir()]
    except OSError:
        return all_runs()
    names = [name for name in names if RUN_NAME.fullmatch(name)]
    there = newest_first(names)
    for name in set(names) - set(there):
        remove_ended(RunFolder(parent / name))
    return tuple(RunFolder(parent / name) for name in there)
