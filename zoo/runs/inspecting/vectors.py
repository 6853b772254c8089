"""What a model makes of rows, part by part; parts that an earlier attempt has made are read again."""

from __future__ import annotations

import importlib
import io
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from zoo import atomic
from zoo.ability_options import parse_recorded
from zoo.card import Card
from zoo.data import Dataset
from zoo.data.example import Example
from zoo.errors import RunCancelled
from zoo.plugins import Plugin
from zoo.runs import forks
from zoo.runs.attempt import Worker
from zoo.runs.baseline import ignore
from zoo.runs.context import TrainingRun
from zoo.runs.events import Noted, PredictionsWritten
from zoo.runs.preparation import fetch_weights
from zoo.tasks.task import Task

FOLDER = "vectors"
PART = 512
"""Rows of a part."""
EVENT_S = 0.5
"""Least time between two events of how far it is."""


class RowVectors:
    """Reads one vector for each row.

    Args:
        worker: of the run.
        plugin: of the model.
        card: of the model.
        task: that the rows are for.
        dataset: the rows.
    """

    def __init__(self, worker: Worker, plugin: Plugin, card: Card, task: Task, dataset: Dataset) -> None:
        self._worker, self._plugin, self._card, self._task, self._dataset = worker, plugin, card, task, dataset
        self._folder = worker.folder.path / FOLDER
        self._read: Callable[[Sequence[Example]], tuple[Any, dict[int, str]]] | None = None

    def all(self) -> Any:
        """Those of all rows, float32 of numpy of shape (rows, width); of a row that cannot be read not a number.

        Raises:
            RunCancelled: somebody asked for it.
        """
        import numpy as np

        examples, parts = self._dataset.examples, []
        told_at, began, done_before = 0.0, time.monotonic(), None
        try:
            for start in range(0, len(examples), PART):
                if self._worker.should_stop():
                    raise RunCancelled("stopped while rows were read", "")
                path = self._folder / f"{start // PART}.npy"
                if not path.exists():
                    done_before = start if done_before is None else done_before
                    self._make(path, examples[start : start + PART])
                parts.append(np.load(path, allow_pickle=False))
                done = min(start + PART, len(examples))
                if done == len(examples) or time.monotonic() - told_at >= EVENT_S:
                    told_at = time.monotonic()
                    new = 0 if done_before is None else done - done_before
                    rate = new / max(told_at - began, 1e-9)
                    self._worker.emit(PredictionsWritten(rows=done, total_rows=len(examples), samples_per_s=rate))
        finally:
            shutil.rmtree(self._worker.folder.path / "scratch", ignore_errors=True)
        return np.concatenate(parts)

    def forget(self) -> None:
        """Remove what is kept for an attempt to come."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make(self, path: Path, examples: Sequence[Example]) -> None:
        import numpy as np

        if self._read is None:
            self._read = self._reader()
        vectors, reasons = self._read(examples)
        for place, reason in reasons.items():
            self._worker.emit(Noted(message=f"row {examples[place].row} cannot be read: {reason}"))
        content = io.BytesIO()
        np.save(content, vectors)
        path.parent.mkdir(exist_ok=True)
        atomic.write_bytes(path, content.getvalue())

    def _reader(self) -> Callable[[Sequence[Example]], tuple[Any, dict[int, str]]]:
        """Reads the vectors of some rows with the body of the model."""
        worker, request = self._worker, self._worker.request
        weights = fetch_weights(worker, self._card)
        forks.use_device(worker.device, self._card.name)
        run = TrainingRun(
            card=self._card,
            task=self._task,
            weights=weights,
            train=self._dataset.examples,
            eval=(),
            labels=self._dataset.labels,
            options=parse_recorded(self._card.ability("finetune", request.task), request.options),
            device=worker.device,
            precision="fp32",
            exact=True,
            folder=worker.folder.path,
            emit=ignore,
            should_stop=worker.should_stop,
        )
        objective = self._plugin.hook_on_body("finetune")(run=run)
        reader = importlib.import_module("zoo.training.vectors").VectorReader(objective, worker.device, self._card.name)
        read: Callable[[Sequence[Example]], tuple[Any, dict[int, str]]] = reader.read
        return read
