"""A training whose figures go to a tracker, too."""

from __future__ import annotations

import dataclasses
from typing import Any

import zoo
from zoo_track.delivery import Delivery
from zoo_track.figures import figures_of, final_figures
from zoo_track.tracker import Standing


class Tracked:
    """Fits what it is given, and looks on.

    Args:
        trainable: of the plugin that owns the model.
        tracker: name of it.
    """

    def __init__(self, trainable: zoo.Trainable, tracker: str) -> None:
        self._trainable, self._tracker = trainable, tracker

    def __getattr__(self, name: str) -> Any:
        """What else the plugin's own offers."""
        return getattr(self._trainable, name)

    def fit(self, run: zoo.TrainingRun) -> zoo.FitResult:
        """Train as if nobody looked on."""
        told = _Told(run, self._tracker)
        try:
            result = self._trainable.fit(dataclasses.replace(run, emit=told.emit))
        except BaseException:
            told.end("failed")
            raise
        try:
            standing: Standing = "stopped" if result.cancelled else "finished"
            figures = None if result.cancelled else final_figures(result.metrics, result.step)
        except (AttributeError, TypeError, ValueError):  # no result as it must be: zoo says next whose fault that is
            standing, figures = "failed", None
        if figures:
            told.delivery.put(figures)
        told.end(standing)
        return result


class _Told:
    """Passes events on, and tells once where the tracker is, or that it takes nothing any more."""

    def __init__(self, run: zoo.TrainingRun, tracker: str) -> None:
        self._run, self._tracker = run, tracker
        self.delivery = Delivery(tracker, run.folder)
        self._place_told = self._failure_told = False

    def emit(self, event: Any) -> None:
        self._run.emit(event)
        if figures := figures_of(event):
            self.delivery.put(figures)
        self._tell()

    def end(self, standing: Any) -> None:
        self.delivery.end(standing)
        self._tell()

    def _tell(self) -> None:
        if self.delivery.place and not self._place_told:
            self._place_told = True
            self._run.note(f"{self._tracker}: {self.delivery.place}")
        if self.delivery.failure and not self._failure_told:
            self._failure_told = True
            words = f"{self._tracker} takes no more of this run, which goes on: {self.delivery.failure}"
            self._run.warn(words)
