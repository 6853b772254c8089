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
from zoo.data.example import Example, RejectedRow
from zoo.errors import RunCancelled
from zoo.plugins import Plugin
from zoo.runs import forks
from zoo.runs.attempt import Worker
from zoo.runs.baseline import ignore
from zoo.runs.context import TrainingRun
from zoo.runs.events import PredictionsWritten
from zoo.runs.kept_parts import VECTORS
from zoo.runs.preparation import fetch_weights
from zoo.runs.quarantine import Quarantine
from zoo.sanitize import one_line
from zoo.tasks.task import Task

PART = 512
"""Rows of a part."""
NO_VECTOR = "the model makes no vector of it"
"""The reason where no other is known: an earlier attempt has met the row, or what came of it is no number."""
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
        self._folder = worker.folder.path / VECTORS
        self._read: Callable[[Sequence[Example]], tuple[Any, dict[int, str]]] | None = None
        self._reasons: dict[int, str] = {}
        """Why rows cannot be read, by their places; of parts that this attempt has made."""

    def all(self, quarantine: Quarantine) -> Any:
        """Those of all rows, float32 of numpy of shape (rows, width); of a row that cannot be read not a number.

        Args:
            quarantine: for rows that cannot be read.

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
                    self._make(path, start)
                parts.append(np.load(path, allow_pickle=False))
                done = min(start + PART, len(examples))
                if done == len(examples) or time.monotonic() - told_at >= EVENT_S:
                    told_at = time.monotonic()
                    new = 0 if done_before is None else done - done_before
                    rate = new / max(told_at - began, 1e-9)
                    self._worker.emit(PredictionsWritten(rows=done, total_rows=len(examples), samples_per_s=rate))
        finally:
            shutil.rmtree(self._worker.folder.path / "scratch", ignore_errors=True)
        vectors = np.concatenate(parts)
        self._set_aside(quarantine, np.flatnonzero(np.isnan(vectors).any(axis=1)).tolist())
        return vectors

    def _set_aside(self, quarantine: Quarantine, places: Sequence[int]) -> None:
        """Quarantine rows, by the file they came from."""
        path, rejected = self._dataset.path, []
        for place in places:
            example, reason = self._dataset.examples[place], self._reasons.get(place, NO_VECTOR)
            file = self._task.input.file_of(example.input, path)
            rejected.append(RejectedRow(file, example.row, reason, name=file if file != path else ""))
        quarantine.add(rejected, eval_rows=len(rejected))

    def _make(self, path: Path, start: int) -> None:
        import numpy as np

        if self._read is None:
            self._read = self._reader()
        vectors, reasons = self._read(self._dataset.examples[start : start + PART])
        self._reasons |= {start + place: one_line(reason) for place, reason in reasons.items()}
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
