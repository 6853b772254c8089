"""Which inputs a model was fine-tuned on, so that judging it on them does not go unnoticed.

`trained_on.bin` of a run holds the first 8 bytes of the key of each input, sorted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from zoo import atomic
from zoo.data.example import Example
from zoo.data.splitting import input_key
from zoo.errors import StoreInvalid
from zoo.runs.ancestry import makers
from zoo.runs.store import RunFolder

_BYTES = 8


def record(folder: RunFolder, keys: Iterable[bytes]) -> None:
    """Keep which inputs a run trains on."""
    atomic.write_bytes(folder.trained_on_path, b"".join(sorted({key[:_BYTES] for key in keys})))


class TrainedOn:
    """The inputs that one run has learnt from.

    Args:
        joined: the content of its file.
    """

    def __init__(self, joined: bytes) -> None:
        self.digests = frozenset(joined[start : start + _BYTES] for start in range(0, len(joined), _BYTES))

    def has(self, example: Example) -> bool:
        """Whether the input of an example is one of them."""
        return input_key(example)[:_BYTES] in self.digests


def trained_on(folder: RunFolder) -> TrainedOn | None:
    """What a run has learnt from; None where it kept no record."""
    try:
        return TrainedOn(folder.trained_on_path.read_bytes())
    except OSError:
        return None


def unite(folders: Iterable[RunFolder], target: RunFolder) -> None:
    """Keep that a run has made a model of what all of these trained on; nothing where nothing of it is known."""
    if digests := {digest for folder in folders if (learnt := trained_on(folder)) for digest in learnt.digests}:
        atomic.write_bytes(target.trained_on_path, b"".join(sorted(digests)))


def count_trained_on(model: str, examples: Iterable[Example]) -> int:
    """How many examples have an input that the model, or one that it was made from, was fine-tuned on.

    Args:
        model: name of the run that made it.
        examples: to evaluate on.
    """
    return sum(are_trained_on(model, examples))


def are_trained_on(model: str, examples: Iterable[Example]) -> list[bool]:
    """Whether the model, or one that it was made from, was fine-tuned on the input of each; arguments as above."""
    digests = _trained_on(model)
    return [bool(digests) and input_key(example)[:_BYTES] in digests for example in examples]


def learnt_from(model: str, examples: Iterable[Example]) -> list[bool] | None:
    """Whether a model, or one that it was made from, was fine-tuned on the input of each example; None where there is
    no record of it.

    Args:
        model: name of the run that made it.
        examples: rows with inputs.
    """
    digests = _trained_on(model)
    return [input_key(example)[:_BYTES] in digests for example in examples] if digests else None


def _trained_on(name: str) -> set[bytes]:
    digests: set[bytes] = set()
    with contextlib.suppress(StoreInvalid):
        for folder in makers(name):
            learnt = trained_on(folder)
            if learnt is None:  # the run is older than this record
                break
            digests.update(learnt.digests)
    return digests
