"""What a private training spends: Opacus' accountant of numerically composed privacy loss, and no other.

Gopi et al. 2021, Numerical Composition of Differential Privacy, arXiv:2106.02848.
"""

from __future__ import annotations

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
    """
    if not any(steps for _, _, steps in history):
        return 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from opacus.accountants import PRVAccountant

        accountant: Any = PRVAccountant()  # type: ignore[no-untyped-call]
        accountant.history = list(history)
        try:
            return float(accountant.get_epsilon(delta=delta))
        except RuntimeError:  # it looks among positive ones, and less than delta is lost with none
            return 0.0
