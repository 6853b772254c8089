"""Where checkpoints stand on disk; what is in them is the business of who writes them."""

from __future__ import annotations

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
