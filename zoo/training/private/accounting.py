"""What a private training spends: Opacus' accountant of numerically composed privacy loss, and no other.

Gopi et al. 2021, Numerical Composition of Differential Privacy, arXiv:2106.02848.
"""

from __future__ import annotations

import math
import warnings
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from zoo.errors import OptionInvalid

ACCOUNTANT = "prv"
History = tuple[tuple[float, float, int], ...]
"""As Opacus keeps it: noise multiplier, sample rate, and how many steps were taken with both."""
TOLERANCE = 0.01
"""By how much of epsilon the noise may be larger than needed."""


def accountant_name() -> str:
    """What counts, with its version."""
    return f"PRV (Gopi et al. 2021) of Opacus {version('opacus')}"


@lru_cache(maxsize=16)
def noise_multiplier_for(epsilon: float, delta: float, *, sample_rate: float, steps: int) -> float:
    """Least noise with which so many steps stay within a budget.

    Returns:
        Its standard deviation, in norms of a clipped gradient.

    Raises:
        OptionInvalid: there is none, as the budget is too small.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from opacus.accountants.utils import get_noise_multiplier

        try:
            noise: float = get_noise_multiplier(
                target_epsilon=epsilon,
                target_delta=delta,
                sample_rate=sample_rate,
                steps=steps,
                accountant=ACCOUNTANT,
                epsilon_tolerance=min(TOLERANCE, epsilon / 100),
            )
        except ValueError as error:
            raise OptionInvalid(
                f"no noise is large enough for eps={epsilon:g} and delta={delta:g} in {steps:,} steps",
                "a larger eps, fewer --epochs, or more rows",
            ) from error
        except RuntimeError as error:  # even the smallest epsilon is one with which less than delta is lost
            raise OptionInvalid(
                f"what is drawn with probability {sample_rate:.2g} in {steps:,} steps spends nothing that could be "
                f"counted with delta={delta:g}",
                "a smaller delta, a larger share, or more of them",
            ) from error
    return noise


@lru_cache(maxsize=256)
def epsilon_of(history: History, delta: float) -> float:
    """What a training has spent.

    Args:
        history: its steps.
        delta: with it, epsilon is told.

    Returns:
        Epsilon; infinity where it cannot be counted.
    """
    if not any(steps for _, _, steps in history):
        return 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from opacus.accountants import PRVAccountant

        accountant: Any = PRVAccountant()  # type: ignore[no-untyped-call]
        accountant.history = list(history)
        try:
            return max(0.0, float(accountant.get_epsilon(delta=delta)))
        except RuntimeError:  # less than delta is lost with the smallest epsilon that it looks at, or figures overflow
            return 0.0 if _most_told(history) <= delta else math.inf


def _most_told(history: History) -> float:
    """The delta that a training has at most with an epsilon of 0.

    It is the total variation of what is released: of a step the sample rate times that of two normal distributions
    whose means are one clipped gradient apart, and of all steps their sum at most.
    """
    return sum(steps * rate * math.erf(1 / (2 * math.sqrt(2) * noise)) for noise, rate, steps in history)
