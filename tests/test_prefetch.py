"""Things made ahead of their use come in order, and no more of them than was asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from zoo.prefetch import prefetched


@pytest.mark.parametrize("threads", [0, 1, 4])
def test_results_come_in_the_order_of_the_items(threads: int) -> None:
    def slow_for_even(number: int) -> int:
        time.sleep(0.01 * (number % 2 == 0))
        return number * 10

    results = list(prefetched(slow_for_even, range(20), threads=threads, ahead=3))

    assert results == [number * 10 for number in range(20)]


def test_no_more_items_are_taken_than_may_be_ahead() -> None:
    drawn = []

    def items() -> Iterator[int]:
        for number in range(100):
            drawn.append(number)
            yield number

    results = prefetched(lambda number: number, items(), threads=2, ahead=3)
    first = next(results)
    results.close()

    assert (first, drawn) == (0, [0, 1, 2, 3])


def test_without_threads_things_are_made_by_the_one_who_asks() -> None:
    threads = list(prefetched(lambda _: threading.current_thread(), range(3), threads=0, ahead=0))

    assert set(threads) == {threading.current_thread()}


def test_an_error_is_raised_where_its_result_would_have_come() -> None:
    results = prefetched(lambda number: 1 // number, [1, 1, 0, 1], threads=2, ahead=2)

    assert [next(results), next(results)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_closing_ends_the_threads() -> None:
    before = threading.active_count()
    results = prefetched(lambda number: number, range(1000), threads=4, ahead=8)
    next(results)
    results.close()

    assert threading.active_count() == before
