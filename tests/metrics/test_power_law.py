"""How an error falls with rows."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.metrics.power_law import PowerLaw, extrapolated, fitted

SIZES = [50, 100, 200, 400, 800]


def test_a_law_is_found_again() -> None:
    law = PowerLaw(0.05, 2.0, 0.5)
    again = fitted(SIZES, [law.error(size) for size in SIZES])
    assert again == pytest.approx(law, rel=1e-6)


def test_neither_floor_nor_scale_is_below_zero() -> None:
    assert fitted(SIZES, [0.1, 0.2, 0.3, 0.4, 0.5]).scale == 0
    assert fitted(SIZES, [2 / size for size in SIZES]).floor >= 0


def test_the_interval_holds_what_is_true_mostly() -> None:
    law, random, held = PowerLaw(0.08, 1.5, 0.5), np.random.default_rng(0), 0
    true = np.array([law.error(size) for size in SIZES])
    for _ in range(20):
        errors = true + random.normal(scale=0.01, size=5)
        draws = errors + random.normal(scale=0.01, size=(40, 5))
        (one,) = extrapolated(SIZES, errors.tolist(), draws, [1600])
        assert one.interval.low <= one.error <= one.interval.high
        held += one.interval.low <= law.error(1600) <= one.interval.high
    assert held >= 16
