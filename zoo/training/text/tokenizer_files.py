"""`tokenizer.json`: read as it came with a model, or learnt from the training rows and kept with the run."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from zoo.errors import StoreInvalid

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun

FILE = "tokenizer.json"


def load_tokenizer(folder: Path, needed: Sequence[str]) -> Tokenizer:
    """Read `tokenizer.json`; padding and truncation, which the file may ask for, are ours to do.

    Args:
        folder: holds the file.
        needed: special tokens of the model.

    Raises:
        StoreInvalid: the file is missing, unreadable or without those tokens.
    """
    path = folder / FILE
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise StoreInvalid(
            f"{path} cannot be read as a tokenizer: {error}", "fetch or train the model again"
        ) from error
    missing = [token for token in needed if tokenizer.token_to_id(token) is None]
    if missing:
        raise StoreInvalid(f"{path} lacks {', '.join(missing)}", "the model needs them; choose another one")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def beginning(tokenizer: Tokenizer, bos_id: int | None) -> int | None:
    """What each text of the model begins with; None where its tokenizer begins texts without anything."""
    ids = tokenizer.encode("").ids
    return bos_id if ids and ids[0] == bos_id else None


def learnt_tokenizer(run: TrainingRun, learn: Callable[[list[str]], Tokenizer], needed: Sequence[str]) -> Tokenizer:
    """A tokenizer of the run's own, learnt from its training rows, of several sources from those of all.

    It is kept beside the checkpoints and goes with them: a resumed run reads it. The processes of a run each learn the
    same one.
    """
    path = run.checkpoints_folder / FILE
    if path.exists():
        return load_tokenizer(run.checkpoints_folder, needed)
    tokenizer = learn([example.input for example in run.rows_of_all or run.train])
    if run.rank == 0 and not run.dry_run:
        _keep(tokenizer, path)
    return tokenizer


def _keep(tokenizer: Tokenizer, path: Path) -> None:
    """Write a tokenizer whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial-{path.name}")
    with partial.open("w", encoding="utf-8") as file:
        file.write(tokenizer.to_str())
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
