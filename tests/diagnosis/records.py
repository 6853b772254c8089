"""Runs as workers leave them, whose diagnosis is known; nothing is trained."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from zoo.blocks import Matrix
from zoo.diagnosis import Finding, diagnose
from zoo.runs import log
from zoo.runs.events import (
    AnyEvent,
    RunFinished,
    RunLaunched,
    RunPlanned,
    RunStarted,
    StepCompleted,
)
from zoo.runs.store import RunFolder

OPTIONS = {"seed": 42, "method": "full", "lr": None, "max_tokens": None, "activation_checkpointing": False}


class Recorder:
    """Writes runs as workers leave them, without training anything.

    Args:
        store: where they are.
        data: of a run that says nothing else.
    """

    def __init__(self, store: Path, data: Path) -> None:
        self._store, self._data = store, data

    def run(
        self,
        *events: AnyEvent,
        losses: Sequence[float | None] = (),
        options: Mapping[str, Any] = MappingProxyType({}),
        counts: Sequence[Sequence[int]] = (),
        trainable: int = 1000,
        precision: str = "fp32",
        task: str = "text-classification",
        **data: Any,
    ) -> RunFolder:
        """A run that is over, its steps first."""
        folder = RunFolder(self._store / "runs" / "spoilt")
        shutil.copytree(self._store / "runs" / "words", folder.path)
        request = json.loads(folder.request_path.read_text())
        request |= {"name": "spoilt", "task": task, "options": {**OPTIONS, **options}, "changed_options": dict(options)}
        request["data"] = {"path": str(self._data), "sha256": "", **data}
        folder.request_path.write_text(json.dumps(request))
        folder.events_path.unlink()
        lr = options.get("lr") or 5e-5
        steps = len(losses)
        begun: list[AnyEvent] = [
            RunLaunched(at=1.0),
            RunStarted(at=2.0, pid=1, device="cpu", precision=precision),
            RunPlanned(
                steps=steps,
                epochs=4,
                batch_size=8,
                micro_batch_size=8,
                parameters=1000,
                trainable_parameters=trainable,
                lr=lr,
            ),
        ]
        for number, loss in enumerate(losses, start=1):
            epoch = 4 * number / steps
            begun.append(
                StepCompleted(
                    step=number, steps=steps, epoch=epoch, loss=loss, lr=lr, grad_norm=loss, samples_per_s=9.0
                )
            )
        for event in (*begun, *events, *([finished(counts)] if counts else ())):
            log.append(folder, event)
        return folder


def finished(counts: Sequence[Sequence[int]], **metrics: float) -> RunFinished:
    rows = sum(map(sum, counts))
    accuracy = sum(row[place] for place, row in enumerate(counts)) / rows
    labels = ("negative", "positive", "other")[: len(counts)]
    matrix = Matrix(title="Confusion", labels=labels, counts=tuple(map(tuple, counts)))
    figures = {"accuracy": accuracy, **metrics}
    return RunFinished(metrics=figures, report=(matrix,), step=40, best_step=40, labels=labels)


LABELS = ("positive", "negative")


def word(label: str) -> str:
    return {"positive": "good", "negative": "awful"}[label]


def written(path: Path, rows: Sequence[tuple[str, ...]], header: str = "text,label") -> Path:
    path.write_text(header + "\n" + "\n".join(",".join(row) for row in rows) + "\n")
    return path


def the_only(folder: RunFolder) -> Finding:
    (finding,) = diagnose(folder).findings
    return finding


def values(finding: Finding) -> dict[str, str]:
    return {one.name: one.value for one in finding.evidence}


def falling(steps: int = 40, last: float = 0.05) -> list[float]:
    return [0.7 * (last / 0.7) ** (step / steps) for step in range(steps)]
