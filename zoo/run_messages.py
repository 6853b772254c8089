"""The words of a run, the same in every view: how far it is, what happened, what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping

from zoo.kinds.spelling import distinct_names
from zoo.metrics import LOSSES, primary_figure
from zoo.metrics.intervals import Interval, interval_text
from zoo.plan_messages import best_fact, privacy_fact, source_facts
from zoo.plurals import counted, ordinal
from zoo.runs.candidate import Candidate, CandidateMeasured, CandidateStepped, settings_in_words
from zoo.runs.events import (
    AnyEvent,
    CheckpointSaved,
    DataLoaded,
    EvaluationCompleted,
    ExampleRejected,
    InputsPrepared,
    MicroBatchHalved,
    Noted,
    RunCancelled,
    RunFailed,
    RunFinished,
    RunInterrupted,
    RunLaunched,
    RunPlanned,
    RunPostponed,
    RunQueued,
    RunRequeued,
    RunStarted,
    TeacherAnswered,
    Warned,
    WrittenSample,
)
from zoo.runs.snapshot import RunSnapshot, halved_line
from zoo.runs.source_snapshot import SourceSnapshot
from zoo.sanitize import one_line, unbroken
from zoo.units import bar, count, duration, size

SHOWN_PROMPT, SHOWN_TEXT = 40, 160
"""Characters of what a model was given and of what it wrote, in a line."""
SHOWN_LABELS = 30
"""Most labels that are worth a line."""


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


def _tried(one: Candidate) -> str:
    """What is known of a model that may be picked, or of a trial, in a line."""
    interval = f" ({one.interval[0]:.4f} to {one.interval[1]:.4f})" if one.interval else ""
    figure = "" if one.figure is None else f"{one_line(one.metric)} {one.figure:.4f}{interval}"
    facts = ", ".join(filter(None, (figure, "taken" if one.chosen else one.reason)))
    name = f"{one.name} ({settings_in_words(one.settings)})" if one.settings else one.name
    return f"{one_line(name)}, {one.stage}" + (f": {facts}" if facts else "")


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


# What happened


class EventMessages:
    """Puts the events of a run into words; what a later attempt repeats (its data, its plan) is said once.

    Args:
        verbose: with beginnings, checkpoints and ends.
    """

    def __init__(self, *, verbose: bool = False) -> None:
        self._messages = _MESSAGES | _DETAILS if verbose else _MESSAGES
        self._reported: set[str] = set()

    def lines(self, event: AnyEvent, s: RunSnapshot) -> list[str]:
        """What is worth a line of its own.

        Args:
            event: what happened.
            s: the run after it.
        """
        message = self._messages.get(type(event))
        texts = message(event, s) if message else []
        if isinstance(event, _OF_EVERY_ATTEMPT):
            texts = [text for text in texts if text not in self._reported]
            self._reported.update(texts)
        return texts


def timestamped(event: AnyEvent, texts: Iterable[str]) -> list[str]:
    """Lines that begin with the local time of an event, each on a line of its own whatever is in it."""
    at = time.strftime("%H:%M:%S", time.localtime(event.at))
    return [f"{at}  {unbroken(text)}" for text in texts]


def _data(event: DataLoaded, s: RunSnapshot) -> list[str]:
    of = f" of {event.source}" if event.source else ""
    columns = ", ".join(f"{role} from column {name!r}" for role, name in event.columns.items())
    columns = f"; {columns}" if columns else ""
    rows = divided_rows(event.train_rows, event.eval_rows)
    lines = [f"data{of}: {rows if event.train_rows else counted(event.eval_rows, 'row')}{columns}"]
    if event.labels and len(event.labels) <= SHOWN_LABELS:
        lines.append(f"labels{of}: {', '.join(distinct_names(event.labels).values())}")
    return lines


def _prepared(event: InputsPrepared, s: RunSnapshot) -> list[str]:
    if event.done < event.total:
        return []
    memory = f"{size(event.memory_bytes)} of {size(event.memory_limit_bytes)} in memory"
    disk = f"{size(event.disk_bytes)} of {size(event.disk_limit_bytes)} on disk"
    again = f"; {event.decoded_again:,} decoded each time" if event.decoded_again else ""
    return [f"inputs: {event.done:,} decoded; kept {memory}, {disk}{again}"]


def _plan(event: RunPlanned, s: RunSnapshot) -> list[str]:
    parts = [f"{counted(event.steps, 'step')} of {event.batch_size}", counted(event.epochs, "epoch")]
    if event.parameters:  # a loop of a plugin's own may have neither these nor a learning rate
        parts.append(f"training {count(event.trainable_parameters)} of {count(event.parameters)} parameters")
    if event.lr:
        parts.append(f"peak learning rate {event.lr:g}")
    sources = [f"plan of {name}: {fact}" for name, fact in source_facts(event).items()]
    sources += [f"kept: {fact}"] if (fact := best_fact(event)) else []
    if event.privacy:
        sources.append(f"private: {privacy_fact(event)}")
    return [f"plan: {', '.join(parts)}, on {s.device} in {s.precision}", *sources]


def _evaluation(event: EvaluationCompleted, s: RunSnapshot) -> list[str]:
    if s.plan is None or not event.metrics:  # an evaluation run: its figures are the answer, shown at the end
        return []
    step = f"step {event.step:>6}  {event.source}{': ' if event.source else ''}"
    best = "  best so far" if event.best and s.plan.privacy is None else ""
    if best and event.source:
        best += f" by {one_line(s.plan.best_by)}" if s.plan.best_by else " over all"
    lines = [f"{step}{figures(event.metrics)}{best}"]
    return [*lines, f"{step}writes: {sample_line(event.sample)}"] if event.sample else lines


def sample_line(sample: WrittenSample) -> str:
    """What a model wrote, after the end of what it was given; shortened."""
    prompt, text = one_line(sample.prompt), one_line(sample.text) or "(nothing)"
    before = prompt if len(prompt) <= SHOWN_PROMPT else f"…{prompt[-SHOWN_PROMPT:]}"
    return f"{before} → {text if len(text) <= SHOWN_TEXT else text[:SHOWN_TEXT] + '…'}"


def _halved(event: MicroBatchHalved, s: RunSnapshot) -> list[str]:
    return [halved_line(event)]


def _checkpoint(event: CheckpointSaved, s: RunSnapshot) -> list[str]:
    return [f"step {event.step:>6}  checkpoint saved"]


def _queued(event: RunQueued, s: RunSnapshot) -> list[str]:
    return [f"queued: {place_in_queue(event.place, event.device, event.behind)}"]


def _postponed(event: RunPostponed, s: RunSnapshot) -> list[str]:
    return [f"begins when {event.after} has finished"]


def _started(event: RunStarted, s: RunSnapshot) -> list[str]:
    went_on = f", going on from step {event.resumed_from_step}" if event.resumed_from_step is not None else ""
    return [f"started on {event.device} in {event.precision}{went_on}"]


def _candidate(event: CandidateMeasured, s: RunSnapshot) -> list[str]:
    one = event.candidate
    if one.passed and one.reason:  # told when it was measured; why it is not taken, the table says
        return []
    if one.stage:
        return [_tried(one)]
    if one.chosen or one.figure is None:
        return [f"{one.name}: {'taken' if one.chosen else one.reason}"]
    line = (
        f"{one.name}: {size(one.size_bytes)}, {1000 * one.latency_s:.1f} ms a row, "
        f"{one.rows_per_s:,.0f} rows/s, {one_line(one.metric)} {one.figure:.4f}"
    )
    if one.low is None or one.high is None:
        return [line]
    verdict = "passes" if one.passed else "does not pass"
    return [f"{line}, drop {one.low:+.4f} to {one.high:+.4f}: {verdict}"]


def _noted(event: Noted, s: RunSnapshot) -> list[str]:
    return [event.message]


def _warned(event: Warned, s: RunSnapshot) -> list[str]:
    return [f"warning: {event.message}"]


def _finished(event: RunFinished, s: RunSnapshot) -> list[str]:
    return [finished(None, s.chosen_step)]


def _failed(event: RunFailed, s: RunSnapshot) -> list[str]:
    return [f"failed: {event.message}"]


def _cancelled(event: RunCancelled, s: RunSnapshot) -> list[str]:
    return [f"stopped at step {event.step}"]


def _launched(event: RunLaunched, s: RunSnapshot) -> list[str]:
    return [f"handed over to {event.place}, as job {event.job}"] if event.place else []


def _interrupted(event: RunInterrupted, s: RunSnapshot) -> list[str]:
    return [f"interrupted: {event.message}"]


def _requeued(event: RunRequeued, s: RunSnapshot) -> list[str]:
    return [f"its time there is over at step {event.step}: it waits for its turn to go on"]


def _rejected(event: ExampleRejected, s: RunSnapshot) -> list[str]:
    remaining, rows = "", next((source for source in s.sources if source.name == event.source), s)
    if event.train_rows or event.eval_rows:  # the numbers shown before are not right any more
        training = f"{rows.train_rows:,} left to train on, {rows.eval_rows:,} held out"
        remaining = f" ({training if s.plan or rows.train_rows else f'{rows.eval_rows:,} left'})"
    from zoo.data.example import RejectedRow

    first = RejectedRow(event.file, event.row, event.reason, event.name)
    of = f" of {event.source}" if event.source else ""
    return [f"{counted(event.total, 'row')}{of} rejected{remaining}, first {first.location}: {first.reason}"]


_MESSAGES: dict[type, Callable[..., list[str]]] = {
    RunLaunched: _launched,
    RunQueued: _queued,
    RunRequeued: _requeued,
    DataLoaded: _data,
    InputsPrepared: _prepared,
    RunPlanned: _plan,
    EvaluationCompleted: _evaluation,
    ExampleRejected: _rejected,
    MicroBatchHalved: _halved,
    CandidateMeasured: _candidate,
    Noted: _noted,
    Warned: _warned,
}
_DETAILS: dict[type, Callable[..., list[str]]] = {
    RunPostponed: _postponed,
    RunStarted: _started,
    CheckpointSaved: _checkpoint,
    RunFinished: _finished,
    RunFailed: _failed,
    RunCancelled: _cancelled,
    RunInterrupted: _interrupted,
}
_OF_EVERY_ATTEMPT = (DataLoaded, InputsPrepared, RunPlanned, ExampleRejected, Noted, Warned)
"""Events that each attempt begins with anew."""
