"""Where checkpoints stand on disk; what is in them is the business of who writes them."""

from __future__ import annotations

import shutil
from pathlib import Path

PREFIX = "step-"
MANIFEST = "manifest.json"
"""Written last: a checkpoint without it is half-written."""


def checkpoint_folder(folder: Path, step: int) -> Path:
    """The folder of the checkpoint of an optimizer step."""
    return folder / f"{PREFIX}{step:08d}"


def newest_step(folder: Path) -> int | None:
    """Step of the newest checkpoint that was written to its end; None where there is none."""
    steps = [int(path.parent.name.removeprefix(PREFIX)) for path in folder.glob(f"{PREFIX}*/{MANIFEST}")]
    return max(steps, default=None)


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
