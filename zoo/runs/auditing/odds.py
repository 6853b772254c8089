"""How likely a model holds what the data say of rows: all that an attack is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zoo.ability_options import option_set, parse_recorded
from zoo.answers import Rejected
from zoo.card import Card
from zoo.data.example import Example
from zoo.errors import RunCancelled
from zoo.runs.attempt import Worker
from zoo.runs.context import PredictionRun
from zoo.runs.events import Noted
from zoo.runs.hooks import CheckedPredictor
from zoo.runs.preparation import judging_options
from zoo.runs.row_answers import UntilStopped
from zoo.tasks import get_task

CHUNK = 256
"""Rows handed to the predictor at once."""


def prediction_run(worker: Worker, card: Card, **where: object) -> PredictionRun:
    """A model as an attack asks it: it says of each label how likely that is.

    Args:
        worker: of the run.
        card: of the model.
        where: `weights`, the folder that they are in.
    """
    request = worker.request
    ability = card.ability("predict", request.task)
    options = judging_options(request)
    if "top_k" in option_set(ability).__struct_fields__:
        options["top_k"] = max(1, len(card.labels)) if card.labels else None
    return PredictionRun(
        card=card,
        task=get_task(request.task),
        options=parse_recorded(ability, options),
        device=worker.device,
        precision=request.precision,
        note=lambda message: worker.emit(Noted(message=message)),
        **where,  # type: ignore[arg-type]
    )


def log_odds(
    predictor: CheckedPredictor,
    examples: Sequence[Example],
    should_stop: Callable[[], bool],
    on_progress: Callable[[int], None],
) -> list[float | None]:
    """Of what the data say of each row; None where the model does not answer it.

    Args:
        predictor: is asked.
        examples: the rows.
        should_stop: asked before each chunk.
        on_progress: told how many are answered.

    Raises:
        RunCancelled: somebody asked for it.
    """
    parts = [examples[start : start + CHUNK] for start in range(0, len(examples), CHUNK)]
    remaining = UntilStopped(iter(parts), should_stop)
    odds: list[float | None] = []
    for part, answers in zip(
        parts, predictor.predict_chunks([one.input for one in part] for part in remaining), strict=False
    ):
        odds += [
            None if isinstance(answer, Rejected) else answer.log_odds(example.target)
            for example, answer in zip(part, answers, strict=True)
        ]
        on_progress(len(odds))
    if remaining.stopped:
        raise RunCancelled("stopped while rows were answered", "")
    return odds
