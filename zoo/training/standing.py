"""Which of the evaluations of a training is its best, and what came of each of its sources."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from zoo.blocks import Block, Report, titled
from zoo.errors import DatasetInvalid
from zoo.metrics import Metrics
from zoo.metrics.intervals import Interval, intervals_of
from zoo.runs.source_facts import SourceResult
from zoo.tasks.task import Task
from zoo.training.checkpoint import Best, Judged, Progress
from zoo.training.source import Source


def check_decides(sources: Sequence[Source], held_out: Sequence[int], best_by: str) -> None:
    """Insist on rows held out of the source that decides which weights are the best, where one does.

    Args:
        sources: what is learnt.
        held_out: rows of each to evaluate on.
        best_by: the name of that source; empty where all decide.

    Raises:
        DatasetInvalid: there are none.
    """
    for source, rows in zip(sources, held_out, strict=True):
        if best_by and source.name == best_by and not rows:
            raise DatasetInvalid(
                f"--best-by {best_by}: nothing of {best_by} is held out, so it decides nothing",
                f"give --eval {best_by}=DATA, or leave --best-by out",
            )


def is_better(
    sources: Sequence[Source], judged: Judged, best: Best, history: Sequence[Judged], best_by: str = ""
) -> bool:
    """Whether an evaluation is better than the best so far.

    By the task's primary metric, then by a smaller loss; of several sources, by the mean of their ranks, or by one.

    Args:
        sources: what is learnt.
        judged: the newest evaluation.
        best: so far.
        history: all evaluations of several sources, the newest included.
        best_by: the one of several sources that decides; empty for all.
    """
    tasks = [source.run.task for source in sources]
    if len(tasks) == 1:
        return _score(judged.metrics[0], tasks[0]) > _score(best.metrics, tasks[0])
    before = next(i for i, one in enumerate(history) if one.step == best.step)
    for i, source in enumerate(sources):
        if source.name == best_by:
            return _score(judged.metrics[i], tasks[i]) > _score(history[before].metrics[i], tasks[i])
    ranks = mean_ranks([one.metrics for one in history], tasks)
    return ranks[-1] < ranks[before]


def mean_ranks(history: Sequence[Sequence[dict[str, float]]], tasks: Sequence[Task]) -> list[float]:
    """How good evaluations of several sources are: the mean of their ranks, 0 being the best.

    Metrics of different tasks cannot be added up; ranks can.

    Args:
        history: of each evaluation the metrics of each source.
        tasks: of the sources.
    """
    ranks = [0.0] * len(history)
    for source, task in enumerate(tasks):
        scores = [_score(metrics[source], task) for metrics in history]
        for i, score in enumerate(scores):
            ranks[i] += sum(other > score for other in scores) / len(tasks)
    return ranks


def best_of(sources: Sequence[Source], judged: Judged, reports: Sequence[Report]) -> Best:
    """What is kept of an evaluation; of several sources, under their names.

    Args:
        sources: what is learnt.
        judged: the evaluation.
        reports: on each source.
    """
    if len(sources) == 1:
        return Best(step=judged.step, metrics=judged.metrics[0], report=reports[0])
    metrics: dict[str, float] = {}
    report: list[Block] = []
    for source, of_source, its_report in zip(sources, judged.metrics, reports, strict=True):
        metrics |= {f"{source.name}.{name}": value for name, value in of_source.items()}
        report += titled(its_report, source.name)
    return Best(step=judged.step, metrics=metrics, report=tuple(report))


def with_intervals(sources: Sequence[Source], best: Best, counted: Sequence[Metrics | None]) -> Best:
    """The same with the intervals of its figures, which take many times as long as these.

    Args:
        sources: what is learnt.
        best: the evaluation that is kept.
        counted: what the figures of each source were computed of; None of one without evaluation data.
    """
    if len(sources) == 1:
        return msgspec.structs.replace(best, intervals=intervals_of(counted[0]))
    intervals: dict[str, Interval] = {}
    for source, of_rows in zip(sources, counted, strict=True):
        intervals |= {f"{source.name}.{name}": one for name, one in intervals_of(of_rows).items()}
    return msgspec.structs.replace(best, intervals=intervals)


def results(sources: Sequence[Source], progress: Progress) -> tuple[SourceResult, ...]:
    """What came of each of several sources; nothing where there is one."""
    if len(sources) == 1:
        return ()
    kept = [one for one in progress.history if progress.best is not None and one.step == progress.best.step]
    return tuple(_result(i, source, progress.history, kept) for i, source in enumerate(sources))


def _result(i: int, source: Source, history: Sequence[Judged], kept: Sequence[Judged]) -> SourceResult:
    task = source.run.task
    own = own_best(i, source, history)
    metrics = kept[0].metrics[i] if kept else {}
    return SourceResult(
        name=source.name,
        task=source.objective.task or task.name,
        labels=source.run.labels,
        metrics=metrics,
        best_step=own.step if own and metrics else None,
        best_metrics=own.metrics[i] if own and metrics else {},
        parameters=sum(parameter.numel() for parameter in source.objective.module.parameters()),
    )


def own_best(i: int, source: Source, history: Sequence[Judged]) -> Judged | None:
    """The best evaluation of one of several sources, the first of equal ones.

    Args:
        i: its place among the sources.
        source: the source.
        history: all evaluations.
    """
    return max(history, key=lambda one: _score(one.metrics[i], source.run.task), default=None)


def own_best_steps(sources: Sequence[Source], history: Sequence[Judged], kept: Sequence[str]) -> dict[str, int]:
    """Of the sources of these names, the step of the best evaluation of each so far."""
    bests = {source.name: own_best(i, source, history) for i, source in enumerate(sources) if source.name in kept}
    return {name: best.step for name, best in bests.items() if best and any(best.metrics)}


def _score(metrics: dict[str, float], task: Task) -> tuple[float, float]:
    primary = metrics.get(task.primary_metric, -math.inf if task.larger_is_better else math.inf)
    loss = metrics.get("loss", math.inf)
    return (primary if task.larger_is_better else -primary, -loss)
