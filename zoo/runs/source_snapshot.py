"""What is known of one of several sources of a run: its part of the fold in `zoo.runs.snapshot`."""

from __future__ import annotations

import msgspec

from zoo.blocks import Report, part_of, titled
from zoo.runs import events as e
from zoo.runs.learning_curve import NOTHING_LEARNT, Changes, Evaluation, Point, up_to, with_evaluation, with_point
from zoo.runs.source_facts import SourcePlanned, SourceResult


class SourceSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A source at one moment."""

    name: str
    task: str = ""
    """Empty until the plan is known."""
    train_rows: int = 0
    eval_rows: int = 0
    rejected_rows: int = 0
    labels: tuple[str, ...] = ()
    columns: dict[str, str] = {}
    """Names of the data's columns by role."""
    plan: SourcePlanned | None = None
    epoch: float = 0.0
    """Passes over it, fractional."""
    loss: float | None = None
    loss_curve: tuple[Point, ...] = ()
    """Bounded as that of the run."""
    curve_stride: int = 1
    curve_points: int = 0
    evaluations: tuple[Evaluation, ...] = ()
    """Bounded as those of the run; `best` is over all sources."""
    pictures: Report = ()
    """What its newest evaluation says of a few of its pictures."""
    result: SourceResult | None = None
    """What came of it; None until the run has finished."""
    report: Report = ()
    """What the final evaluation reports of it; that of the run has these blocks, too, under its name."""

    @property
    def latest_metrics(self) -> dict[str, float]:
        """Of the weights that were kept, or of the newest evaluation."""
        return (self.result and self.result.metrics) or (self.evaluations[-1].metrics if self.evaluations else {})


Sources = tuple[SourceSnapshot, ...]


def loaded(sources: Sources, event: e.DataLoaded) -> Changes:
    """The data of a source were read."""
    counts = {"train_rows": event.train_rows, "eval_rows": event.eval_rows, "rejected_rows": event.rejected_rows}
    return _summed(_replaced(sources, event.source, counts | {"labels": event.labels, "columns": event.columns}))


def rejected(sources: Sources, event: e.ExampleRejected) -> Changes:
    """Rows of a source were quarantined."""
    s = _of_name(sources, event.source)
    rows = {"train_rows": s.train_rows - event.train_rows, "eval_rows": s.eval_rows - event.eval_rows}
    return _summed(_replaced(sources, event.source, rows | {"rejected_rows": event.total}))


def planned(sources: Sources, event: e.RunPlanned) -> Sources:
    """What is learnt of each is known."""
    for plan in event.sources:
        sources = _replaced(sources, plan.name, {"plan": plan, "task": plan.task})
    return sources


def stepped(sources: Sources, event: e.StepCompleted) -> Sources:
    """How far each is."""
    for one in event.sources:
        s = _of_name(sources, one.name)
        loss = s.loss if one.loss is None else one.loss
        changes = {"epoch": one.epoch, "loss": loss, **with_point(s, event.step, one.loss)}
        sources = _replaced(sources, one.name, changes)
    return sources


def mean_loss(sources: Sources) -> float | None:
    """Of the newest loss of each, so that it does not jump where steps learn from one after the other."""
    losses = [source.loss for source in sources if source.loss is not None]
    return sum(losses) / len(losses) if losses else None


def evaluated(sources: Sources, event: e.EvaluationCompleted) -> Changes:
    """The evaluation data of a source were gone through; figures of the whole run have its name before theirs."""
    evaluation = Evaluation(event.step, event.metrics, event.best, event.sample)
    of_source = with_evaluation(_of_name(sources, event.source), evaluation) | {"pictures": event.pictures}
    sources = _replaced(sources, event.source, of_source)
    pictures = (block for source in sources for block in titled(source.pictures, source.name))
    return {"sources": sources, "pictures": tuple(pictures)}


def finished(sources: Sources, event: e.RunFinished) -> Sources:
    """What came of each."""
    for result in event.sources:
        of_source = _of_name(sources, result.name)
        changes = {
            "result": result,
            "report": part_of(event.report, result.name),
            "task": result.task,
            "labels": result.labels or of_source.labels,
        }
        sources = _replaced(sources, result.name, changes)
    return sources


def begun(sources: Sources, resumed_from_step: int | None) -> Sources:
    """What lasts of each where an attempt begins: up to a step, or nothing."""
    if resumed_from_step is None:
        return tuple(msgspec.structs.replace(source, epoch=0.0, **NOTHING_LEARNT) for source in sources)
    return tuple(msgspec.structs.replace(source, **up_to(source, resumed_from_step)) for source in sources)


def _of_name(sources: Sources, name: str) -> SourceSnapshot:
    return next((source for source in sources if source.name == name), SourceSnapshot(name=name))


def _replaced(sources: Sources, name: str, changes: Changes) -> Sources:
    """With changes to one of them, which comes last where it is new."""
    changed = msgspec.structs.replace(_of_name(sources, name), **changes)
    if all(source.name != name for source in sources):
        return (*sources, changed)
    return tuple(changed if source.name == name else source for source in sources)


def _summed(sources: Sources) -> Changes:
    """The sources, and the rows of all of them."""
    counts = ("train_rows", "eval_rows", "rejected_rows")
    return {"sources": sources} | {name: sum(getattr(source, name) for source in sources) for name in counts}
