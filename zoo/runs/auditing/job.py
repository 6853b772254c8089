"""An audit: a model and rows in, how well its training rows can be told from others out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from zoo.audit_options import AuditOptions
from zoo.errors import DatasetInvalid, RunCancelled
from zoo.file_cache import release
from zoo.metrics.membership import Attack, judge_attack, likelihood_ratios
from zoo.options import parse
from zoo.plurals import counted
from zoo.runs import hooks
from zoo.runs.attempt import Worker
from zoo.runs.auditing.findings import LIRA, LOSS, metrics_of, report_of, spent_by
from zoo.runs.auditing.odds import log_odds, prediction_run
from zoo.runs.auditing.rows import FEWEST, begun_from, load_rows, training_behind
from zoo.runs.auditing.shadows import Shadows
from zoo.runs.events import AnyEvent, EvaluationCompleted, Noted, PredictionsWritten, RunFinished
from zoo.runs.preparation import card_of, fetch_weights, resolve
from zoo.runs.store import maker_of
from zoo.tasks import get_task

TOLD_EVERY_S = 30.0
"""How far an interval is, where it takes so long."""


def audit(worker: Worker) -> AnyEvent:
    """Try to find the rows that a model learnt from; returns the event that ends the run.

    Raises:
        DatasetInvalid: there are too few rows on either side that it answers.
        RunCancelled: somebody asked for it.
    """
    plugin, card = resolve(worker)
    request = worker.request
    shadows = parse(AuditOptions, request.auditing).shadows
    task = get_task(request.task).divided_at(request.data.separator).named_by(request.data.classes)
    find = partial(card_of, plugin)
    learnt, training = training_behind(card, find) or (card, None)
    needs_parent = training is not None and (request.own_rows or not request.data.eval_path or shadows > 0)
    parent = None
    if training is not None and needs_parent:
        parent = card_of(plugin, training.model) if shadows else begun_from(training, find) or learnt
    if request.task_reason:
        worker.emit(Noted(message=request.task_reason))
    rows = load_rows(worker, card, task, learnt, training, parent)
    release()
    weights = fetch_weights(worker, card)
    examples = (*rows.members, *rows.others)
    total = len(examples) * (1 + shadows)
    odds = log_odds(
        hooks.load_predictor(plugin, prediction_run(worker, card, weights=weights)),
        examples,
        worker.should_stop,
        lambda done: worker.emit(PredictionsWritten(rows=done, total_rows=total)),
    )
    members = len(rows.members)
    _check_answered(card.name, odds[:members], odds[members:])
    units = rows.units(examples)
    attacks = {LOSS: _judged(odds, units, members, _reporter(worker))}
    others = len(_answered(odds[members:]))
    if shadows:
        assert training is not None  # see `zoo.audit_data`
        assert parent is not None
        shadowed = Shadows(worker, plugin, learnt, parent, training, rows, shadows).odds(odds)
        known = iter(likelihood_ratios([one for one in shadowed if one is not None]))
        ratios = [None if one is None else next(known) for one in shadowed]
        attacks[LIRA] = _judged(ratios, units, members, _reporter(worker))
    metrics = metrics_of(attacks, others)
    spent = spent_by(maker_of(learnt.name)) if training is not None and training.is_private else None
    worker.emit(EvaluationCompleted(step=0, metrics=metrics, rows=len(examples)))
    report = report_of(attacks, card.name, others, spent, are_apart=rows.are_apart)
    return RunFinished(metrics=metrics, report=report, labels=card.labels)


def _answered(odds: Sequence[float | None]) -> list[float]:
    return [one for one in odds if one is not None]


def _check_answered(model: str, *sides: Sequence[float | None]) -> None:
    fewest = min(len(_answered(side)) for side in sides)
    if fewest < FEWEST:
        raise DatasetInvalid(
            f"{model} says of {counted(fewest, 'row')} only, on one side, how likely what the data say is",
            f"zoo evaluate {model} on the same data says why",
        )


def _judged(
    scores: Sequence[float | None], units: Sequence[bytes], members: int, on_draw: Callable[[int, int], None]
) -> Attack:
    """An attack by scores, those of so many members first; rows of one unit are drawn together."""
    known = [unit for unit, score in zip(units, scores, strict=True) if score is not None]
    found = _answered(scores[:members])
    count = len(found)
    return judge_attack(found, _answered(scores[members:]), on_draw, (known[:count], known[count:]))


def _reporter(worker: Worker) -> Callable[[int, int], None]:
    """Says how far an interval is where that takes long, and ends it where somebody asks for it."""
    told_at = time.monotonic()

    def on_draw(done: int, draws: int) -> None:
        nonlocal told_at
        if worker.should_stop():
            raise RunCancelled("stopped while intervals were computed", "")
        if time.monotonic() - told_at > TOLD_EVERY_S:
            told_at = time.monotonic()
            worker.emit(Noted(message=f"intervals: {done:,} of {draws:,} draws"))

    return on_draw
