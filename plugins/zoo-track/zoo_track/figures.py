"""The figures that an event of a run tells, by the names that trackers show them under."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

TRAINING = ("loss", "lr", "grad_norm", "samples_per_s", "epoch", "epsilon")


class Figures(NamedTuple):
    """Some numbers of a step."""

    kind: str
    """Of figures that come in the order of their steps."""
    step: int
    at: float
    """Unix time in seconds."""
    values: dict[str, float]


def figures_of(event: Any) -> Figures | None:
    """What an event tells in numbers; None where it tells none.

    Args:
        event: as zoo writes it into `events.jsonl`; see "What a run leaves on disk".
    """
    kind = type(event).__struct_config__.tag
    if kind == "step_completed":
        values = {f"train/{name}": getattr(event, name, None) for name in TRAINING}
        values |= {f"train/{source.name}/loss": source.loss for source in event.sources}
        return _figures("train", event.step, values)
    if kind == "evaluation_completed":
        place = "/".join(filter(None, ("eval", event.source)))
        return _figures(place, event.step, {f"{place}/{name}": value for name, value in event.metrics.items()})
    return None


def final_figures(metrics: Mapping[str, Any], step: int) -> Figures | None:
    """The figures that a run ends with."""
    return _figures("final", step, {f"final/{name}": value for name, value in metrics.items()})


def _figures(kind: str, step: int, values: Mapping[str, Any]) -> Figures | None:
    finite = {name: float(value) for name, value in values.items() if value is not None and math.isfinite(value)}
    return Figures(kind, step, time.time(), finite) if finite else None
