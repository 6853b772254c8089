"""A run, from Python: looked at, waited for, stopped, gone on with, renamed, deleted; its model."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from zoo.api.model import Model, load_card
from zoo.api.model_names import check_makes_model
from zoo.blocks import Block
from zoo.card import Card
from zoo.catalog import Catalog
from zoo.errors import RunCancelled, RunFailed, UnknownModel
from zoo.jobs import PROCESSES
from zoo.metrics.intervals import Interval
from zoo.options import read
from zoo.requests import check_name
from zoo.runs import control, sequence, status, store
from zoo.runs.candidate import Candidate
from zoo.runs.events import AnyEvent
from zoo.runs.inspecting.doubtful_labels import DoubtfulLabel, read_doubtful_labels
from zoo.runs.launcher import start_lost
from zoo.runs.log import follow, read_events
from zoo.runs.mistakes import Mistake, read_mistakes
from zoo.runs.snapshot import RunSnapshot, apply
from zoo.runs.store import RunFolder, name_of_result

if TYPE_CHECKING:
    from zoo.diagnosis import Diagnosis
    from zoo.replaying import Replayed


class LoadedModels(Mapping[str, Model]):
    """Models by name, loaded into this process when they are first looked up.

    Args:
        cards: of the models.
    """

    def __init__(self, cards: Mapping[str, Card]) -> None:
        self._cards = cards
        self._models: dict[str, Model] = {}

    def __getitem__(self, name: str) -> Model:
        if name not in self._models:
            self._models[name] = load_card(self._cards[name])
        return self._models[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._cards)

    def __len__(self) -> int:
        return len(self._cards)


class RunReport(tuple[Block, ...]):
    """Blocks of a report, which a notebook shows one below the other."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from zoo.rendering.html import html

        return html(self)


@dataclass(frozen=True)
class Run:
    """A job in a worker process of its own; it goes on when this process ends."""

    folder: RunFolder

    @property
    def name(self) -> str:
        """Name of the run, and of the model that comes of it."""
        return self.folder.name

    @property
    def snapshot(self) -> RunSnapshot:
        """What is known of the run right now."""
        return status.read(self.folder)

    @property
    def status(self) -> str:
        """created, waiting (for another run), starting, queued, running, finished, failed, cancelled, interrupted (by
        its place) or crashed.
        """
        return self.snapshot.status

    @property
    def followers(self) -> tuple[Run, ...]:
        """The runs that wait for this one and begin from its result when it has finished."""
        return tuple(map(Run, sequence.followers(self.folder)))

    @property
    def metrics(self) -> dict[str, float]:
        """Final metrics, or those of the newest evaluation."""
        return self.snapshot.latest_metrics

    @property
    def intervals(self) -> dict[str, Interval]:
        """Where the final metrics lie with 95% confidence, by their names; none of those of which that is not known."""
        return self.snapshot.intervals

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """The rows held out, or evaluated on, that were answered wrongly, the worst first."""
        return tuple(read_mistakes(self.folder))

    @property
    def doubtful_labels(self) -> tuple[DoubtfulLabel, ...]:
        """The rows whose label is most probably wrong, the most doubtful first; of a run of `zoo.inspect_labels`."""
        return tuple(read_doubtful_labels(self.folder))

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Of `zoo.pick`, `zoo.sweep` and `zoo.shrink`, what was tried: settings, figure, what it takes, whether it is
        taken (`chosen`) or why not (`reason`).
        """
        return self.snapshot.candidates

    @property
    def report(self) -> RunReport:
        """What the final evaluation reports beside its figures: of a classifier the classes and confusion matrix."""
        return RunReport(self.snapshot.report)

    def save_report(
        self, *, html: str | os.PathLike[str] | None = None, png: str | os.PathLike[str] | None = None
    ) -> tuple[Path, ...]:
        """Write all that is known of the run as files to be handed on; one that is going on or failed has one, too.

        Args:
            html: of a page that needs nothing from elsewhere: curves, evaluation, data, examples, settings,
                environment, and how to run it again. Of a private run no row is shown.
            png: of the curves.

        Returns:
            The absolute paths. An earlier report is overwritten, any other file is not.

        Raises:
            OptionInvalid: there is another file, or no such folder.
            Unsupported: for `png`, the run has no curves, or Pillow is missing.
            StoreInvalid: the run cannot be read, or a file cannot be written.
        """
        from zoo.reports import write_curves, write_page

        pages = () if html is None else (write_page(self.folder, html),)
        return (*pages, *(() if png is None else (write_curves(self.folder, png),)))

    @property
    def replayed(self) -> Replayed:
        """Of a run that `zoo.replay` made: whether the same bits came out, or how far they are apart.

        Raises:
            Unsupported: it is no replay, or has not finished.
        """
        from zoo.replaying import replayed

        return replayed(self.folder)

    def why(self) -> Diagnosis:
        """What went wrong with the run: findings with their evidence, and commands that help; none for a sound run."""
        from zoo.diagnosis import diagnose

        return diagnose(self.folder)

    def _repr_html_(self) -> str:
        """The run as a notebook shows it."""
        from zoo.rendering.html import html
        from zoo.runs.overview import overview

        return html(overview(self.folder.request, self.snapshot))

    @cached_property
    def model(self) -> Model:
        """The result, loaded into this process once.

        Raises:
            Unsupported: the run has not finished, or is of a kind that makes no model.
            UnknownModel: its result cannot be read, its plugin is gone, or it has several heads: see `models`.
        """
        cards = self._cards()
        if len(cards) > 1:
            names = ", ".join(card.name for card in cards)
            hint = f'run.models["{next(iter(self.models))}"] is one of them'
            raise UnknownModel(f"run {self.name} has several heads: {names}", hint)
        return load_card(cards[0])

    @cached_property
    def models(self) -> Mapping[str, Model]:
        """The heads of the result by their names, each loaded into this process when it is first looked up.

        A result that is one model has it under the name of the run. Errors are those of `model`.
        """
        return LoadedModels({card.name.removeprefix(f"{self.name}."): card for card in self._cards()})

    def _cards(self) -> tuple[Card, ...]:
        """Of the models that the run has made."""
        check_makes_model(self.folder)
        # By the whole name: the beginning of a name could be that of another run's model.
        whole_name = name_of_result(self.folder)
        catalog = Catalog.load()
        card = next((card for card in catalog.cards if card.full_name == whole_name), None)
        cards = (card,) if card else catalog.heads(whole_name)
        if not cards:
            raise UnknownModel(f"the result of run {self.name} cannot be used", "zoo ls and zoo plugins tell why")
        return cards

    def events(self) -> tuple[AnyEvent, ...]:
        """Everything that has happened."""
        return tuple(read_events(self.folder)[0])

    def logs(self) -> str:
        """What the worker printed; may hold control sequences."""
        path = self.folder.log_path
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def watch(self) -> Iterator[RunSnapshot]:
        """Yield a snapshot after every event, and several times a second, until the attempt has ended."""
        snapshot = RunSnapshot()
        for event in follow(self.folder):
            if event is not None:
                snapshot = apply(snapshot, event)
            yield snapshot
        yield self.snapshot

    def wait(self, timeout_s: float | None = None, *, progress: bool | None = None) -> Run:
        """Wait for the end of the run, showing how it goes in a notebook or a terminal.

        Args:
            timeout_s: how long; None waits for ever.
            progress: whether to show it; None shows it where someone is looking, and elsewhere no more than notes and
                warnings, on stderr.

        Raises:
            RunFailed: it failed, or its worker died.
            RunCancelled: it was stopped.
            TimeoutError: it is still going on.
        """
        from zoo.api.display import progress_display

        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with progress_display(progress) as show:
            for snapshot in self.watch():
                show(snapshot)
                if deadline is not None and snapshot.pending and time.monotonic() > deadline:
                    raise TimeoutError(f"run {self.name} is still going on after {timeout_s} s")
        last = self.snapshot
        if last.status == "cancelled":
            raise RunCancelled(f"run {self.name} was stopped at step {last.step}", f"zoo resume {self.name}")
        if last.status == "waiting":
            raise RunFailed(
                f"run {self.name} has not begun: {last.after}, which it follows, has not finished",
                f"zoo resume {last.after} goes on with both",
            )
        if last.status != "finished":
            raise RunFailed(f"run {self.name}: {last.error}", last.hint)
        return self

    def stop(self, *, force: bool = False) -> None:
        """Stop the run: it writes a checkpoint and ends; with `force` it is killed."""
        control.stop(self.folder, force=force)

    def resume(self, *, now: bool = False, processes: int | None = None) -> Run:
        """Go on from the last checkpoint; on an accelerator that others compute on, when its turn comes.

        With `now` it is started beside them; so is a run that is queued already. With `processes` as many share a
        training from now on: all others can go on with what some have written, sharded or not.
        """
        count = None if processes is None else cast("int", read(PROCESSES, processes))
        control.resume(self.folder, now=now, processes=count)
        return self

    def rename(self, name: str) -> Run:
        """Call the run, and the model that came of it, by another name; this object goes on meaning the old one.

        Raises:
            OptionInvalid: the name is not one, or is taken by a run or a model.
            Unsupported: the run is still going.
        """
        check_name(name, Catalog.load().cards)
        return Run(control.rename(self.folder, name))

    def remove(self) -> None:
        """Delete the run and its result."""
        control.remove(self.folder)


def list_runs() -> tuple[Run, ...]:
    """All runs, newest first."""
    start_lost()
    return tuple(Run(folder) for folder in store.all_runs())


def open_run(name: str) -> Run:
    """The run of that name, or the only one whose name begins so.

    Raises:
        UnknownRun: naming the nearest.
    """
    start_lost()
    return Run(store.find(name))
