"""Objectives for any body: what is learnt, whatever network learns it."""

from zoo.training.objectives.classification import Classification
from zoo.training.objectives.contrastive import Contrastive

__all__ = ["Classification", "Contrastive"]
