"""Sweeps: from a recipe, and what of it varies, to the trials of a run that takes the best of them."""

from zoo.sweeps.request import sweep_request

__all__ = ["sweep_request"]
