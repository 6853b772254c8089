"""The thread that compares: whatever fails is said, and what happens next is compared all the same."""

from __future__ import annotations

from queue import SimpleQueue

import pytest

from zoo.comparison import Comparison
from zoo.errors import ZooError
from zoo.jobs import Place
from zoo.tui import comparer
from zoo.tui.comparer import Comparer


class Heard:
    """What is told, in order."""

    def __init__(self) -> None:
        self.told: SimpleQueue[str] = SimpleQueue()

    def on_comparison(self, comparison: Comparison) -> None:
        self.told.put(comparison.untested)

    def on_progress(self, text: str) -> None:
        self.told.put(text)

    def on_error(self, error: ZooError) -> None:
        self.told.put(error.message)


def test_what_fails_is_said_and_the_next_news_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = iter((OSError("the disk is gone"), Comparison(models=(), untested="there is nothing")))

    def compare_records(names: tuple[str, ...]) -> Comparison:
        outcome = next(outcomes)
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    monkeypatch.setattr(comparer, "compare_records", compare_records)
    monkeypatch.setattr(comparer, "LEAST_S", 0.0)
    heard = Heard()
    thread = Comparer(("one", "two"), Place(), heard)
    thread.start()
    thread.renew()
    assert heard.told.get(timeout=20) == "comparing failed: OSError: the disk is gone"
    thread.renew()
    assert heard.told.get(timeout=20) == "there is nothing"
    thread.stop()
