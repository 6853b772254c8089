"""What a tracker can do, and which there are."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Literal, Protocol, cast

from zoo_track.about import About
from zoo_track.figures import Figures

Standing = Literal["finished", "stopped", "failed"]


class Tracker(Protocol):
    """One that runs are written to; all of it is called in one thread."""

    def begin(self, about: About, known: str) -> str:
        """Open a run of its own.

        Args:
            about: the run of zoo.
            known: what `begin` gave when the run was begun before; empty for a new one.

        Returns:
            What names it.
        """
        ...

    @property
    def place(self) -> str:
        """Where the run is to be seen, in words."""
        ...

    def write(self, figures: Sequence[Figures]) -> None:
        """Take figures that it has not had."""
        ...

    def end(self, standing: Standing) -> None:
        """Close the run; one that was stopped or failed may be opened again."""
        ...


TRACKERS = {
    "mlflow": "zoo_track.mlflow:MLflow",
    "tensorboard": "zoo_track.tensorboard:TensorBoard",
    "wandb": "zoo_track.wandb:WeightsAndBiases",
}


class Unavailable(Exception):
    """There is no such tracker; in words."""


def open_tracker(name: str) -> Tracker:
    """The tracker of that name.

    Raises:
        Unavailable: there is none.
        ModuleNotFoundError: its package, named as it is, is not installed.
    """
    if name not in TRACKERS:
        raise Unavailable(f"there is no tracker {name!r}, but {', '.join(TRACKERS)}")
    module, _, attribute = TRACKERS[name].partition(":")
    return cast("Tracker", getattr(importlib.import_module(module), attribute)())
