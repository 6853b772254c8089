"""Watching a run from the command line: a view of the same snapshot that every view shows."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

from zoo.api import Run
from zoo.api.display import REPAINT_S
from zoo.cli import diagnostics, output
from zoo.cli.doubtful_labels import show_doubtful_labels
from zoo.cli.exit_codes import ExitCode, exit_code_of_kind
from zoo.cli.render import show_report
from zoo.errors import ZooError
from zoo.event_messages import EventMessages
from zoo.plurals import counted
from zoo.run_messages import answered_rows, final_figures, finished, place_in_queue, status_line
from zoo.runs import control, launcher, placement, queue, status
from zoo.runs.events import AnyEvent, Warned
from zoo.runs.log import POLL_S, awaited, follow, is_going_on
from zoo.runs.mistakes import read_mistakes
from zoo.runs.overview import candidate_table, source_table
from zoo.runs.request import MAKING_MODELS
from zoo.runs.snapshot import RunSnapshot, apply
from zoo.runs.store import RunFolder
from zoo.tasks import get_task

PLAIN_INTERVAL_S = 10.0
"""Between two lines of progress where stderr is no terminal."""


def leave(run: Run, *followers: Run, as_json: bool) -> ExitCode:
    """Leave a run, and those that follow it, to themselves: their names are the answer."""
    then = {"then": [one.name for one in followers]} if followers else {}
    if as_json:
        output.emit_json({"run": run.name, **then})
    else:
        for one in (run, *followers):
            output.line(one.name)
    place = queue.place_of(run.folder)
    if place and place.behind:
        where = place_in_queue(place.number, run.folder.request.device, place.behind)
        diagnostics.note(f"queued: {where}; start it beside: zoo resume {run.name} --now")
    diagnostics.note(f"watch it: zoo attach {run.name}")
    return ExitCode.OK


def leave_or_watch(run: Run, *followers: Run, args: argparse.Namespace) -> ExitCode:
    """Leave a run, and those that follow it, to themselves or watch them to the end, as `--detach` says."""
    if args.detach:
        return leave(run, *followers, as_json=args.json)
    return watch_to_result(run, *followers, as_json=args.json)


def with_followers(run: Run) -> tuple[Run, ...]:
    """A run, and those that wait for it, or for one of these."""
    return (run, *(one for follower in run.followers for one in with_followers(follower)))


def watch_to_result(*runs: Run, as_json: bool) -> ExitCode:
    """Watch runs, one after the other, to the end; their figures go to stdout, what to do next to stderr.

    Args:
        *runs: each but the first waits for one before it.
        as_json: answer with one document, about the last that was watched.
    """
    watched: list[Run] = []

    def show(run: Run, code: ExitCode) -> None:
        watched.append(run)
        if not as_json:
            show_result(run) if code == ExitCode.OK else show_candidates(run.snapshot)

    code = watch_in_turn(*runs, show=show)
    if as_json:
        *before, last = ({"run": run.name, "snapshot": run.snapshot} for run in watched)
        output.emit_json(last | ({"before": before} if before else {}))
    return code


def watch_in_turn(*runs: Run, show: Callable[[Run, ExitCode], None] = lambda run, code: None) -> ExitCode:
    """Watch runs, one after the other, to the end of the last, or of the first that does not finish.

    Args:
        *runs: each but the first waits for one before it.
        show: what came of each.
    """
    code = ExitCode.OK
    for number, run in enumerate(runs):
        if number:
            diagnostics.note(f"then: {run.name}")
            _await_beginning(run)
        code = watch(run, stop_on_interrupt=True)
        show(run, code)
        if code != ExitCode.OK:
            for one in runs[number + 1 :]:
                if (s := one.snapshot).status == "waiting":
                    diagnostics.note(f"{one.name} waits for the end of {s.after}")
            break
    return code


def _await_beginning(run: Run) -> None:
    """Wait until the worker of the run before has started this one; where it was killed before it could, do it."""
    while awaited(run.folder) and is_going_on(run.folder):
        diagnostics.status(status_line(run.snapshot))
        time.sleep(POLL_S)
    if awaited(run.folder):
        launcher.begin(run.folder)


def watch(run: Run, *, stop_on_interrupt: bool) -> ExitCode:
    """Show a run until it ends; returns the exit code it stands for.

    Args:
        run: the run.
        stop_on_interrupt: Ctrl-C asks the run to stop (a second one leaves it to itself); otherwise it only ends the
            watching.
    """
    view = _View(run, EventMessages(verbose=diagnostics.verbose()))
    try:
        view.show()
    except KeyboardInterrupt:
        if not stop_on_interrupt:
            diagnostics.note()
            diagnostics.note(f"still going on: zoo attach {run.name}")
            return ExitCode.OK
        _stop_politely(run, view)
    return conclude(run)


@dataclass
class _View:
    """What has been shown of a run; showing it again, after an interrupt, shows only what is new."""

    run: Run
    messages: EventMessages
    shown_events: int = 0

    def show(self) -> None:
        snapshot, noted_at, painted_at, event_count = RunSnapshot(), time.monotonic(), 0.0, 0
        noted = ""
        for event in follow(self.run.folder):
            if event is not None:
                snapshot, event_count = apply(snapshot, event), event_count + 1
                if event_count > self.shown_events:
                    self.shown_events = event_count
                    self._show_event(event, snapshot)
            if event is None or time.monotonic() - painted_at > REPAINT_S:  # a long past is not painted event by event
                painted_at = time.monotonic()
                diagnostics.status(status_line(self._explained(snapshot), width=diagnostics.status_width()))
            if not diagnostics.live() and time.monotonic() - noted_at > PLAIN_INTERVAL_S:
                noted_at = time.monotonic()
                if noted != (line := status_line(self._explained(snapshot))):  # one that waits for hours says so once
                    noted = line
                    diagnostics.note(line)

    def _explained(self, snapshot: RunSnapshot) -> RunSnapshot:
        """With what its place says of one that waits there; that is asked for meanwhile."""
        with placement.without_waiting():
            return status.explained(snapshot, self.run.folder)

    def _show_event(self, event: AnyEvent, s: RunSnapshot) -> None:
        for text in self.messages.lines(event, s):
            diagnostics.warn(event.message) if isinstance(event, Warned) else diagnostics.note(text)


def _stop_politely(run: Run, view: _View) -> None:
    diagnostics.note()
    diagnostics.note("stopping: writing a checkpoint first (Ctrl-C again leaves the run to itself)")
    control.ask_to_stop(run.folder)
    try:
        view.show()
    except KeyboardInterrupt:
        diagnostics.note()
        diagnostics.note(f"left to itself: zoo attach {run.name}, zoo stop {run.name}")


def conclude(run: Run) -> ExitCode:
    """Say how a run ended; returns the exit code it stands for."""
    s = run.snapshot
    if s.status == "finished":
        diagnostics.note(finished((s.ended_at or 0) - (s.started_at or 0), s.chosen_step))
        return _code_of_answers(run, s)
    if s.status == "cancelled":
        diagnostics.note(f"stopped at step {s.step}; go on with it: zoo resume {run.name}")
        return ExitCode.INTERRUPTED
    if s.live:
        return ExitCode.INTERRUPTED
    if s.status == "waiting":
        what = f"run {run.name} has not begun: {s.after}, which it follows, has not finished"
        diagnostics.error(ZooError(what, f"zoo resume {s.after} goes on with both"))
        return ExitCode.FAILED
    diagnostics.error(ZooError(f"run {run.name}: {s.error}", s.hint or f"zoo logs {run.name}"))
    if s.status == "interrupted":
        return ExitCode.INTERRUPTED
    return exit_code_of_kind(s.error_kind)


def _code_of_answers(run: Run, s: RunSnapshot) -> ExitCode:
    """That of a finished run; a prediction that answered nothing is no success."""
    request = run.folder.request
    if request.verb != "predict" or request.joined_by or s.rows_predicted > s.rejected_rows:
        return ExitCode.OK
    rows = "the only row" if s.rows_predicted == 1 else f"all {s.rows_predicted:,} rows"
    diagnostics.error(ZooError(f"{rows} had to be rejected", f"{request.out} has the reasons"))
    return ExitCode.DATA


def show_result(run: Run) -> None:
    """The answer of a finished run, on stdout; where its model is and what to do with it, on stderr."""
    request, s = run.folder.request, run.snapshot
    if request.joined_by:
        return
    if request.verb == "predict":
        output.line(f"{answered_rows(s)} in {request.out}")
        return
    if request.verb == "inspect":
        show_doubtful_labels(run)
        return
    show_metrics(s)
    for folder, task in _parts(run):
        _show_mistakes(folder, task, request.out)
    if request.verb in MAKING_MODELS:
        diagnostics.note(f"model: {run.name}, in {run.folder.model_folder}")
        for folder, task in _parts(run):
            head = ".".join(filter(None, (run.name, folder.source or request.head)))
            diagnostics.note(f"next:  zoo predict {head} {get_task(task).input.example}")


def _parts(run: Run) -> list[tuple[RunFolder, str]]:
    """The folder of a run with its task; of several sources, that of each."""
    request, folder = run.folder.request, run.folder
    return [(folder.of_source(source.name), source.task) for source in request.sources] or [(folder, request.task)]


def _show_mistakes(folder: RunFolder, task_name: str, out: str) -> None:
    """Where the rows are listed that were answered wrongly, or how far off each answer is."""
    wrong = sum(1 for _ in read_mistakes(folder))
    if wrong or out:
        target, of = get_task(task_name).target, f" of {folder.source}" if folder.source else ""
        heading, order = ("wrong", "worst") if target is None or target.exact else ("errors", "largest")
        path = out or folder.mistakes_path
        diagnostics.note(f"{heading}{of}: {counted(wrong, 'row')}, the {order} first, in {path}")


def show_metrics(s: RunSnapshot) -> None:
    """Final figures on stdout, with those parts of the report that are not too long."""
    if s.sources and not s.figures_of_all:
        show_report((source_table(s), *s.report), headings=True)
        return
    output.line(final_figures(s.metrics, s.intervals))
    show_candidates(s)
    show_report(s.report, headings=bool(s.sources))


def show_candidates(s: RunSnapshot) -> None:
    """A model beside the smaller forms of it, where the run made some."""
    if s.candidates:
        show_report((candidate_table(s.candidates),))
