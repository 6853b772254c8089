"""Making batches in threads while the model computes on the one before."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def prefetched(
    make: Callable[[Item], Result], items: Iterable[Item], *, threads: int, ahead: int
) -> Generator[Result, None, None]:
    """Make one thing of each item, in order, a few of them ahead of their use.

    Args:
        make: called in several threads at once, with the caller's context variables; what it raises is raised where its
            result would have come.
        items: taken one by one in the caller's thread, `ahead` of the results.
        threads: how many; 0 makes each thing in the caller's thread when it is asked for.
        ahead: most things made or in the making that were not asked for yet.
    """
    if threads == 0:
        yield from map(make, items)
        return
    futures: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="zoo-prefetch")
    try:
        for item in items:
            futures.append(pool.submit(copy_context().run, make, item))
            if len(futures) > ahead:
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
