"""A training that is stopped and goes on, beside one that was never stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.training.images.tiny import StartedRun
from tests.training.weights import assert_identical, final_weights


def assert_resumes_to_the_same(
    start: Callable[..., StartedRun], objective_of: Callable[[Any], Any], folder: Path, *, stop_after: int = 24
) -> None:
    whole, _ = start(folder / "whole")
    expected = objective_of(whole).fit(whole)
    stopped, _ = start(folder / "parts", stop_after=stop_after)
    first = objective_of(stopped).fit(stopped)
    resumed, _ = start(folder / "parts")
    second = objective_of(resumed).fit(resumed)

    assert (first.cancelled, second.cancelled) == (True, False)
    assert second.metrics == expected.metrics
    assert_identical(final_weights(folder / "whole"), final_weights(folder / "parts"))
