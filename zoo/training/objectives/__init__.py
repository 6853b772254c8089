"""Objectives for any body: what is learnt, whatever network learns it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.training.objectives.classification import Classification
from zoo.training.objectives.masked_lm import MaskedLanguageModelling

if TYPE_CHECKING:
    from zoo.training.objectives.contrastive import Contrastive

__all__ = ["Classification", "Contrastive", "MaskedLanguageModelling"]


def __getattr__(name: str) -> Any:
    """What not every plugin has the packages for."""
    if name == "Contrastive":
        from zoo.training.objectives.contrastive import Contrastive

        return Contrastive
    raise AttributeError(f"module 'zoo.training.objectives' has no attribute {name!r}")
