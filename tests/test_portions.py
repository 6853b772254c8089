"""Items that are computed at once as far as memory suffices."""

from __future__ import annotations

import pytest
import torch

from zoo.portions import Portions

MOST = 6
"""Items that the tests' device has room for."""


def doubled(items: list[int]) -> list[int]:
    if len(items) > MOST:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    return [2 * item for item in items]


def test_items_are_computed_in_portions_that_fit_from_then_on() -> None:
    asked: list[int] = []

    def compute(items: list[int]) -> list[int]:
        asked.append(len(items))
        return doubled(items)

    portions = Portions()
    assert [one for portion in portions.each(compute, list(range(20))) for one in portion] == [
        2 * item for item in range(20)
    ]
    assert asked == [20, 10, 5, 5, 5, 5]
    asked.clear()
    assert [one for portion in portions.each(compute, list(range(7))) for one in portion] == [
        2 * item for item in range(7)
    ]
    assert asked == [5, 2]
    assert list(portions.each(compute, [])) == []
    assert portions.most == 5


def test_one_item_that_does_not_fit_is_an_error() -> None:
    def never(items: list[int]) -> list[int]:
        raise MemoryError

    with pytest.raises(MemoryError):
        list(Portions().each(never, [1, 2, 3]))
