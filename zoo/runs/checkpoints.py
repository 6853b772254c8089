"""Where checkpoints stand on disk; what is in them is the business of who writes them."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from zoo.disk import is_full, megabytes
from zoo.errors import StoreInvalid

PREFIX = "step-"
MANIFEST = "manifest.json"
"""Written last: a checkpoint without it is half-written."""
NOISE_FILE = "secret"
"""What the noise of a private run is drawn from; it goes when the run has finished."""


def checkpoint_folder(folder: Path, step: int) -> Path:
    """The folder of the checkpoint of an optimizer step."""
    return folder / f"{PREFIX}{step:08d}"


def newest_step(folder: Path) -> int | None:
    """Step of the newest checkpoint that was written to its end; None where there is none."""
    steps = [int(path.parent.name.removeprefix(PREFIX)) for path in folder.glob(f"{PREFIX}*/{MANIFEST}")]
    return max(steps, default=None)


@contextlib.contextmanager
def removed_on_error(partial: Path, size_bytes: int = 0) -> Iterator[None]:
    """Remove what was written of a checkpoint that fails: on a full disk the run needs room to say so.

    Args:
        partial: the file or folder that is written.
        size_bytes: how much it will be, if that is known.

    Raises:
        StoreInvalid: the disk is full.
    """
    try:
        yield
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        with contextlib.suppress(OSError):
            partial.unlink()
        if not is_full(error):
            raise
        needed = f"a checkpoint of {megabytes(size_bytes)}" if size_bytes else "the checkpoint"
        free = megabytes(shutil.disk_usage(partial.parent).free)
        raise StoreInvalid(
            f"the disk of {partial.parent} is full: {needed} does not fit into the {free} that are free", "make room"
        ) from error


def publish(folder: Path, partial: Path, step: int) -> None:
    """Make a folder that was written beside them the newest checkpoint, and drop the others."""
    target = checkpoint_folder(folder, step)
    (partial / MANIFEST).write_text("{}", encoding="utf-8")
    if target.exists():
        shutil.rmtree(target)
    partial.replace(target)
    for other in folder.glob(f"{PREFIX}*"):
        if other != target:
            shutil.rmtree(other)
