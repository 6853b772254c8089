"""What every job needs before it can begin: the card, its verified weights, its plugin."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from zoo.ability_options import parse_recorded
from zoo.card import Card, Weights
from zoo.catalog import Catalog
from zoo.errors import UnknownModel, Unsupported
from zoo.fetch import Progress, fetch
from zoo.plugins import Plugin, load_plugin
from zoo.runs import hooks
from zoo.runs.attempt import Worker
from zoo.runs.calibration import finish_of, with_all_labels
from zoo.runs.context import PredictionRun
from zoo.runs.events import Noted, WeightsChosen, WeightsFetched
from zoo.runs.hooks import CheckedPredictor
from zoo.runs.log import read_events
from zoo.runs.request import RunRequest
from zoo.tasks import get_task

FETCH_EVENT_S = 0.5
"""Least time between two events of a download."""


def resolve(worker: Worker, model: str = "") -> tuple[Plugin, Card]:
    """The plugin that owns a model, and the model's card; without a name those that the run starts from.

    No other plugin is imported, apart from those whose wrapper hooks surround its own.
    """
    request = worker.request
    plugin = load_plugin(request.plugin, request.wrappers)
    return plugin, card_of(plugin, model or request.model)


def card_of(plugin: Plugin, full_name: str) -> Card:
    """The card of a model that a run names.

    Raises:
        UnknownModel: it is gone.
    """
    card = next((card for card in Catalog.of((plugin,), ()).cards if card.full_name == full_name), None)
    if card is None:  # never another one whose name only begins so
        raise UnknownModel(f"the model {full_name} of this run is gone", "zoo ls lists those that are here")
    return card


def fetch_weights(worker: Worker, card: Card) -> Path | None:
    """Bring the card's weights here; None for an architecture that starts from random numbers."""
    if card.weights is None:
        return None
    reported_at = 0.0

    def report(progress: Progress) -> None:
        nonlocal reported_at
        finished = progress.received_bytes == progress.total_bytes
        if not finished and time.monotonic() - reported_at < FETCH_EVENT_S:
            return
        reported_at = time.monotonic()
        worker.emit(
            WeightsFetched(
                received_bytes=progress.received_bytes,
                total_bytes=progress.total_bytes,
                bytes_per_s=progress.bytes_per_s,
            )
        )

    choices = _pinned(worker, card.weights)
    folder = fetch(choices, on_progress=report, should_stop=worker.should_stop)
    if choices.alternatives:
        weights = choices.in_folder(folder)
        worker.emit(WeightsChosen(pins=_pins(weights)))
        if weights.variant:
            worker.emit(Noted(message=f"the weights of {card.name} are those in {weights.variant}"))
    return folder


def _pinned(worker: Worker, weights: Weights) -> Weights:
    """Those of several sets of files that an earlier attempt took; as stated where there was none."""
    events = read_events(worker.folder)[0] if weights.alternatives else []
    pins = next((event.pins for event in events if isinstance(event, WeightsChosen)), None)
    chosen = next((one for one in (weights, *weights.alternatives) if _pins(one) == pins), None)
    return weights if chosen is None else msgspec.structs.replace(chosen, alternatives=())


def _pins(weights: Weights) -> tuple[str, ...]:
    return tuple(file.pin for file in weights.files)


def load_predictor(worker: Worker) -> tuple[Card, CheckedPredictor]:
    """Load the model of an evaluation or a batch prediction.

    Raises:
        Unsupported: the model cannot predict.
    """
    plugin, card = resolve(worker)
    options = judging_options(worker.request) if worker.request.verb == "evaluate" else dict(worker.request.options)
    return card, _load(worker, plugin, card, options, finished=True)


def judging_options(request: RunRequest) -> dict[str, Any]:
    """The options of a run that judges a model: what a person leaves open is as the judge wants it."""
    options = dict(request.options)
    judged = get_task(request.task).judged_options
    return options | {name: value for name, value in judged.items() if options.get(name) is None}


def load_result(worker: Worker) -> CheckedPredictor | None:
    """Load what a training has published; None where its plugin can train and not predict."""
    name = worker.folder.source or worker.request.head
    head = f".{name}" if name else ""
    plugin, card = resolve(worker, f"{worker.request.plugin}/{worker.folder.name}{head}")
    return _load(worker, plugin, card, {}) if worker.request.task in card.tasks_of("predict") else None


def _load(
    worker: Worker, plugin: Plugin, card: Card, options: Mapping[str, Any], *, finished: bool = False
) -> CheckedPredictor:
    weights = fetch_weights(worker, card)
    if weights is None or not card.tasks_of("predict"):
        raise Unsupported(f"{card.name} cannot predict", card.training_advice)
    ability = card.ability("predict", worker.request.task)
    task, chosen = get_task(ability.task), parse_recorded(ability, options)
    judging = worker.request.verb == "evaluate"
    finish = finish_of(card, task, chosen, judging=judging) if finished and not worker.request.calibrate else None
    if worker.request.calibrate:
        chosen = with_all_labels(chosen, len(card.labels))
    run = PredictionRun(
        card=card,
        task=task,
        weights=weights,
        options=chosen,
        device=worker.device,
        precision=worker.request.precision,
        note=lambda message: worker.emit(Noted(message=message)),
    )
    return hooks.load_predictor(plugin, run, finish)
