"""Holding out a share of the rows: by class, the same on every machine, and no input on both sides."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence

from zoo.data.example import Dataset, Example
from zoo.errors import OptionInvalid
from zoo.kinds import LABEL, TargetKind
from zoo.kinds.text import text_key


def input_key(example: Example) -> bytes:
    """The same key for the same input: for files by what they hold, whatever their names."""
    return bytes.fromhex(example.digest) if example.digest else text_key(example.input)


def split(
    dataset: Dataset,
    share: float,
    seed: int,
    keys: Sequence[bytes] | None = None,
    target: TargetKind | None = LABEL,
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Divide a data set into (train, eval), each in the order of the file.

    Each label is divided in the same share. A label with two or more different inputs has a row on either side.
    Rows with the same input stay together, so nothing that is evaluated on was trained on. Which rows are held out
    depends on their content and the seed, not on their order.

    Args:
        dataset: to divide.
        share: of the rows to hold out.
        seed: of the choice.
        keys: `input_key` of each example, where that is known already.
        target: what the examples carry; it says which rows are divided in the same share, each for themselves.

    Raises:
        OptionInvalid: the share is not at least 0 and below 1.
    """
    if not 0 <= share < 1:
        raise OptionInvalid(f"the share of rows to hold out is {share}, but must be at least 0 and below 1")
    if share == 0:
        return dataset.examples, ()
    groups: dict[bytes, list[int]] = defaultdict(list)
    for index, key in enumerate(keys or map(input_key, dataset.examples)):
        groups[key].append(index)
    targets = [example.target for example in dataset.examples]
    strata = target.strata(targets) if target else [None] * len(targets)
    held_out = _hold_out(strata, groups, share, seed)
    train = (example for index, example in enumerate(dataset.examples) if index not in held_out)
    evaluation = (example for index, example in enumerate(dataset.examples) if index in held_out)
    return tuple(train), tuple(evaluation)


def _hold_out(strata: Sequence[Hashable], groups: dict[bytes, list[int]], share: float, seed: int) -> set[int]:
    """The indices of the rows to evaluate on."""
    of_stratum: dict[Hashable, list[bytes]] = defaultdict(list)
    for key, indices in groups.items():
        of_stratum[strata[indices[0]]].append(key)
    held_out: set[int] = set()
    for keys in of_stratum.values():
        ordered = sorted(keys, key=lambda key: hashlib.blake2b(key, key=str(seed).encode(), digest_size=12).digest())
        for key in _choose(ordered, {key: len(groups[key]) for key in keys}, share):
            held_out.update(groups[key])
    return held_out - _needed_for_training(strata, groups.values(), held_out)


def _choose(ordered: list[bytes], sizes: dict[bytes, int], share: float) -> list[bytes]:
    """Groups whose rows add up to the share, at least one of them and never all."""
    rows = sum(sizes.values())
    if len(ordered) < 2:
        return []
    target = min(max(round(rows * share), 1), rows - 1)
    groups: list[bytes] = []
    for key in ordered:
        if sizes[key] <= target:
            groups.append(key)
            target -= sizes[key]
        if target == 0:
            break
    return groups or [min(ordered, key=lambda key: sizes[key])]


def _needed_for_training(strata: Sequence[Hashable], groups: Iterable[list[int]], held_out: set[int]) -> set[int]:
    """Rows to give back: a label that is found on texts of another label only may have lost all of its rows."""
    remaining = Counter(stratum for index, stratum in enumerate(strata) if index not in held_out)
    returned: set[int] = set()
    for indices in groups:
        if indices[0] in held_out and any(remaining[strata[index]] == 0 for index in indices):
            returned.update(indices)
            remaining.update(strata[index] for index in indices)
    return returned
