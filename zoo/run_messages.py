"""The words of a run, the same in every view: how far it is, what came of it; what happened: `zoo.event_messages`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from zoo.metrics import LOSSES, primary_figure
from zoo.metrics.intervals import Interval, interval_text
from zoo.plurals import counted, ordinal
from zoo.runs.candidate import CandidateStepped
from zoo.runs.events import (
    TeacherAnswered,
)
from zoo.runs.snapshot import RunSnapshot
from zoo.runs.source_snapshot import SourceSnapshot
from zoo.sanitize import one_line
from zoo.units import bar, duration, size

# How far it is


def status_line(s: RunSnapshot, *, width: int | None = None) -> str:
    """One line: how far, how well, how fast, how much longer.

    Args:
        s: the run.
        width: characters there is room for; what matters less is left out where the line would be longer.
    """
    if s.status == "waiting":
        return f"waiting for the end of {one_line(s.after)}"
    if s.status in ("created", "starting"):
        return "starting the worker"
    if s.status == "queued" and s.place is None:
        why = f": {one_line(s.waits_there)}" if s.waits_there else ""
        return f"waiting for its turn at {one_line(s.at_place)}, as job {one_line(s.job)}{why}"
    if s.place is not None:
        return f"queued: {place_in_queue(s.place, s.device, s.behind)}"
    if s.candidate_step:
        return _training_candidate(s.candidate_step)
    if s.taught and s.taught.done < s.taught.total:
        return _asking(s.taught)
    if s.rows_predicted and s.total_rows:
        return f"{bar(s.rows_predicted / s.total_rows)} {progress_figures(s)}"
    if not s.plan:
        return _preparing(s)
    left_out: tuple[str, ...] = ()
    while True:
        line = progress_figures(s, left_out)
        if "bar" not in left_out:
            line = f"{bar(s.step / s.steps if s.steps else 0)} {line}"
        if width is None or len(line) <= width or len(left_out) == len(_DISPENSABLE):
            return line
        left_out = _DISPENSABLE[: len(left_out) + 1]


def place_in_queue(place: int, device: str, behind: str) -> str:
    """Where a run stands that waits: `2nd on cuda:0, behind mine`."""
    return f"{'next' if place == 1 else ordinal(place)} on {device}, behind {one_line(behind)}"


_DISPENSABLE = ("sources", "lr", "epoch", "rejected", "rate", "metric", "bar", "loss")
"""Parts of a line of progress, the one that matters least first; the step and the time left always stay."""


def progress_figures(s: RunSnapshot, left_out: Collection[str] = ()) -> str:
    """The figures of a run that answers or trains, without the parts named."""
    if not s.plan:
        rate = f"  {s.samples_per_s:.0f} rows/s" if s.samples_per_s else ""
        rejected = f"  {s.rejected_rows:,} rejected" if s.rejected_rows else ""
        return f"{s.rows_predicted:,}/{counted(s.total_rows or 0, 'row')}{rate}{rejected}"
    parts = {
        "step": f"step {s.step}/{s.steps}",
        "epoch": f"epoch {s.epoch:.1f}",
        "loss": f"loss {s.loss:.4f}" if s.loss is not None else "",
        "epsilon": f"eps {spent(s)}" if s.epsilon is not None else "",
        "lr": f"lr {s.lr:.2g}" if s.lr else "",
        "metric": "  ".join(
            f"{one_line(name)} {value:.3f}"
            for name, value in main_figures(s.latest_metrics, _names(s))
            if not _is_loss(name)
        ),
        "rate": f"{s.samples_per_s:.0f} samples/s" if s.samples_per_s else "",
        "left": f"{duration(s.eta_s)} left" if s.eta_s is not None else "",
        "rejected": f"{counted(s.rejected_rows, 'row')} rejected" if s.rejected_rows else "",
        "sources": "; ".join(map(_source_progress, s.sources)),
    }
    return "  ".join(text for name, text in parts.items() if text and name not in left_out)


def spent(s: RunSnapshot) -> str:
    """What a private training has spent, of how much: `3.21/8`."""
    budget = f"/{s.plan.privacy.epsilon:g}" if s.plan and s.plan.privacy else ""
    return f"{s.epsilon or 0:.2f}{budget}"


def _source_progress(source: SourceSnapshot) -> str:
    loss = f" loss {source.loss:.4f}" if source.loss is not None else ""
    return f"{one_line(source.name)} epoch {source.epoch:.1f}{loss}"


def _names(s: RunSnapshot) -> list[str]:
    return [source.name for source in s.sources]


def _is_loss(metric: str) -> bool:
    """Whether a metric, of a source or of a whole run, is the loss that is shown anyway."""
    return metric.rpartition(".")[2] in LOSSES


def _preparing(s: RunSnapshot) -> str:
    if s.fetch_total_bytes and s.fetched_bytes < s.fetch_total_bytes:
        share = s.fetched_bytes / s.fetch_total_bytes
        return f"{bar(share)} fetching weights, {size(s.fetched_bytes)} of {size(s.fetch_total_bytes)}"
    if s.prepared and s.prepared.done < s.prepared.total:
        done, total = s.prepared.done, s.prepared.total
        return f"{bar(done / total)} decoding {done:,}/{counted(total, 'input')}"
    return "loading the data and the model"


def _asking(event: TeacherAnswered) -> str:
    done, total, of = event.done, event.total, f" of {one_line(event.source)}" if event.source else ""
    return f"{bar(done / total)} asking {one_line(event.model)}, {done:,}/{counted(total, 'row')}{of}"


def _training_candidate(event: CandidateStepped) -> str:
    loss = f"  loss {event.loss:.4f}" if event.loss is not None else ""
    left = f"  {duration(event.left_s)} left" if event.left_s is not None else ""
    return (
        f"{bar(event.step / event.steps)} training {one_line(event.name)}, step {event.step}/{event.steps}{loss}{left}"
    )


# What came of it


def figures(metrics: Mapping[str, float], intervals: Mapping[str, Interval] = {}) -> str:
    """Metrics in one line: `accuracy 0.9123 (0.8932 to 0.9284)  loss 0.2345`."""
    return "  ".join(
        f"{one_line(name)} {value:.4f}" + (f" ({interval_text(intervals[name])})" if name in intervals else "")
        for name, value in metrics.items()
    )


def final_figures(metrics: Mapping[str, float], intervals: Mapping[str, Interval] = {}) -> str:
    """Metrics at the end of a run, with their 95% intervals, or why there are none."""
    return figures(metrics, intervals) or "no figures: nothing was held out"


def main_figure(metrics: Mapping[str, float], sources: Iterable[str] = ()) -> str:
    """The metric that says most, as a table has room for; of several sources, that of each.

    Args:
        metrics: of a run; of several sources, with their names before.
        sources: their names.
    """
    return ", ".join(f"{one_line(name)} {value:.4g}" for name, value in main_figures(metrics, sources))


def main_figures(metrics: Mapping[str, float], sources: Iterable[str]) -> list[tuple[str, float]]:
    """The metrics that say most: one, or one of each source."""
    names = list(sources)
    of_all = {name: value for name, value in metrics.items() if name.partition(".")[0] not in names}
    if of_all or not names:
        figure = primary_figure(of_all)
        return [figure] if figure else []
    firsts = {name.partition(".")[0]: (name, value) for name, value in reversed([*metrics.items()])}
    return [firsts[name] for name in names if name in firsts]


def divided_rows(train_rows: int, eval_rows: int) -> str:
    """How the data were divided."""
    return f"{counted(train_rows, 'row')} to train on, {eval_rows:,} held out"


def finished(elapsed_s: float | None, best_step: int | None) -> str:
    """The end of a run that finished."""
    took = "" if elapsed_s is None else f" in {duration(elapsed_s)}"
    return f"finished{took}" + (f", best at step {best_step}" if best_step else "")


def answered_rows(s: RunSnapshot) -> str:
    """How many rows a batch prediction has answered, and how many it could not: `19 rows answered, 1 rejected`."""
    rows = s.rows_predicted - s.rejected_rows
    rejected = f", {s.rejected_rows:,} rejected" if s.rejected_rows else ""
    return f"{counted(rows, 'row')} answered{rejected}"
