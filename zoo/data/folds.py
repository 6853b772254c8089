"""Rows dealt to folds, each of which is judged once by what the others have taught."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence


def fold_numbers(groups: Sequence[bytes], strata: Sequence[Hashable], count: int, seed: int = 0) -> list[int]:
    """The fold of each row, from 0 on.

    Rows of one group are in the same fold, and each stratum is divided as evenly as its groups allow. Which fold that
    is depends on what rows hold and on the seed, not on their order.

    Args:
        groups: a key for each row, such as `zoo.data.splitting.input_key`; the same for rows that belong together.
        strata: what is divided evenly, each for itself; of a group that with the fewest rows of all counts.
        count: of the folds.
        seed: of the choice.
    """
    rows_of, of_group = Counter(groups), dict[bytes, Hashable]()
    rank = {one: (rows, repr(one)) for one, rows in Counter(strata).items()}
    for group, stratum in zip(groups, strata, strict=True):
        of_group[group] = min(of_group.get(group, stratum), stratum, key=rank.__getitem__)
    of_stratum: dict[Hashable, list[bytes]] = defaultdict(list)
    for group, stratum in of_group.items():
        of_stratum[stratum].append(group)
    fold_of, sizes = dict[bytes, int](), [0] * count
    for stratum in sorted(of_stratum, key=lambda one: min(of_stratum[one])):
        dealt = [0] * count
        for group in sorted(of_stratum[stratum], key=lambda one: (-rows_of[one], _drawn(one, seed))):
            fold = min(range(count), key=lambda number: (dealt[number], sizes[number], number))
            fold_of[group] = fold
            dealt[fold] += rows_of[group]
            sizes[fold] += rows_of[group]
    return [fold_of[group] for group in groups]


def _drawn(group: bytes, seed: int) -> bytes:
    return hashlib.blake2b(group, key=str(seed).encode(), digest_size=12).digest()
