"""Results of several sources: what their heads have in common is written once; see `zoo.runs.heads`."""

from __future__ import annotations

from pathlib import Path

from zoo.hub_config import WEIGHTS
from zoo.runs.heads import divide, link_alike
from zoo.runs.result import HEADS


def share(folder: Path) -> None:
    """Let the heads of a result share what is the same in all of them to the bit: tensors, and other files.

    Args:
        folder: of the result; each head was written as if it were the only one.
    """
    heads = sorted((folder / HEADS).iterdir())
    if all((head / WEIGHTS).exists() for head in heads):
        divide(heads)
    link_alike(heads)
