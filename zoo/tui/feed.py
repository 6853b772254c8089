"""What the application knows, kept fresh by threads: models, runs, downloads. Screens read it, and hear of changes."""

from __future__ import annotations

import gc
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from textual.message import Message

from zoo.card import Card
from zoo.catalog import Catalog, local_weights, result_of_head
from zoo.disk import cause_of, error_path
from zoo.errors import StoreInvalid, ZooError
from zoo.paths import home
from zoo.plugins import DisabledPlugin, Plugin, PluginFailure, disabled_plugins, load_plugins, take_slow
from zoo.ranking import LONG_LIST, in_sections
from zoo.runs.index import RunIndex, RunSummary
from zoo.runs.placement import without_waiting
from zoo.runs.request import MAKING_MODELS
from zoo.suggested import SuggestedModel, suggested
from zoo.tui.downloads import Download, Downloads
from zoo.tui.messages import CatalogChanged, DownloadsChanged, RunsChanged

if TYPE_CHECKING:
    from zoo.tui.app import ZooApp

POLL_S = 0.25
"""Between two looks at the runs."""
PAINT_S = 0.1
"""Least time between two messages about downloads."""
THROTTLE_S = 0.002
"""How long a thread that reads much works, and then rests."""
PORTION = 500
"""Runs, the newest first, that are read before the screens are notified."""
BATCH = 200
"""Cards whose weights are looked for before the screens are notified."""


@dataclass(frozen=True)
class ModelLine:
    """One model, with what is known of it on this machine."""

    card: Card
    haystack: str
    """What a filter looks through, in lower case."""
    local: bool | None = None
    """Whether the weights are here; None until it was looked at."""
    variant: str = ""
    """Of the weights that are here, where they are others than the publisher's."""
    runs: int = 0
    """Runs that started from it."""
    used_at: float | None = None
    """When the newest of them began, Unix time."""


ModelRow = ModelLine | SuggestedModel
"""What the list of models has: models of the catalog, and well-known ones to pull."""


def row_key(row: ModelRow) -> str:
    """What tells a row from others: the full name, or the repository of one to pull."""
    return row.card.full_name if isinstance(row, ModelLine) else row.repository


class Installed(NamedTuple):
    """What plugins there are."""

    plugins: tuple[Plugin, ...]
    failures: tuple[PluginFailure, ...]
    disabled: tuple[DisabledPlugin, ...]
    problems: tuple[str, ...]


class Throttle:
    """Leaves the interpreter to the UI half of the time: called now and then by a thread with much to do."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._since >= THROTTLE_S:
            time.sleep(THROTTLE_S)
            self._since = time.monotonic()


class Feed:
    """Everything the screens show; changed in the thread of the UI only."""

    def __init__(self, app: ZooApp) -> None:
        self._app = app
        self.models: tuple[ModelLine, ...] = ()
        self.models_loaded = False
        self.suggested: tuple[SuggestedModel, ...] = ()
        """Well-known models of the Hub that the catalog has not."""
        self.plugins: tuple[Plugin, ...] = ()
        self.failures: tuple[PluginFailure, ...] = ()
        self.disabled: tuple[DisabledPlugin, ...] = ()
        self.problems: tuple[str, ...] = ()
        self.runs: tuple[RunSummary, ...] = ()
        self.runs_loaded = False
        """Whether the newest are known."""
        self.runs_complete = False
        """Whether all are."""
        self.downloads = Downloads(self._on_download)
        self._downloads_reported_at = 0.0
        self._results: frozenset[str] = frozenset()
        self._usage: Usage = {}
        self._ended = False

    def start(self) -> None:
        """Begin to look around; the first frame is on screen by now."""
        self._app.run_worker(self._watch_runs, thread=True, group="runs", name="runs", exit_on_error=False)
        self.reload_models()

    def stop(self) -> None:
        """End all threads."""
        self._ended = True
        self.downloads.stop_all()

    @property
    def live_runs(self) -> tuple[RunSummary, ...]:
        """Those that go on, or wait for their turn."""
        return tuple(run for run in self.runs if run.live)

    @property
    def activity(self) -> str:
        """How many runs go on, and how many wait for their turn."""
        queued = sum(run.status == "queued" for run in self.runs)
        return f"{len(self.live_runs) - queued} running" + (f", {queued} queued" if queued else "")

    def line(self, full_name: str) -> ModelLine | None:
        """The model of that full name."""
        exact = next((line for line in self.models if line.card.full_name == full_name), None)
        return exact or next((line for line in self.models if _is_head_of(line.card, full_name)), None)

    def reload_models(self, *, anew: bool = False) -> None:
        """Ask the plugins for their models; with `anew` those that failed are tried again."""
        load = partial(self._load_models, anew)
        self._app.run_worker(load, thread=True, group="models", name="models", exclusive=True, exit_on_error=False)

    def _load_models(self, anew: bool) -> None:
        """In a thread."""
        try:
            self._look_for_models(anew)
        except (ZooError, OSError) as error:
            self._report(error)

    def _report(self, error: ZooError | OSError) -> None:
        if isinstance(error, OSError):
            cause = cause_of(error, error_path(error) or home())
            error = StoreInvalid(f"the store cannot be read: {cause.reason}", cause.hint)
        self.later(partial(self._app.show_error, error))

    def _look_for_models(self, anew: bool) -> None:
        """Cards first, then which of them are here."""
        (plugins, failures), disabled = load_plugins(anew=anew), disabled_plugins()
        for name, seconds in take_slow():
            text = f"plugin {name} took {seconds:.1f} s to be imported; every start and every command waits for it"
            self.later(partial(self._app.notify, text, severity="warning", markup=False))
        catalog = Catalog.of(plugins, failures)
        looked_at = Installed(plugins, failures, disabled, catalog.problems)
        cards = in_sections(catalog.cards) if len(catalog.cards) > LONG_LIST else catalog.cards
        lines = [_line(card) for card in cards]
        repositories = catalog.repositories
        to_pull = tuple(one for one in suggested() if plugins and one.repository.lower() not in repositories)
        self._show_models(lines, looked_at, to_pull)
        for start in range(0, len(lines), BATCH):
            if self._ended:
                return
            for index in range(start, min(start + BATCH, len(lines))):
                lines[index] = _looked_at(lines[index])
            time.sleep(0)  # the UI's turn
        self._show_models(lines, looked_at, to_pull)

    def _show_models(self, lines: list[ModelLine], looked_at: Installed, to_pull: tuple[SuggestedModel, ...]) -> None:
        models = tuple(lines)

        def apply() -> None:
            self.models = tuple(_used(line, self._usage) for line in models)  # as known now, not when the look began
            self.suggested = to_pull
            self.plugins, self.failures, self.disabled, self.problems = looked_at
            self.models_loaded = True
            self._app.broadcast(CatalogChanged)
            gc.freeze()  # what is loaded now stays: no collection needs to walk through it, which takes 100 ms

        self.later(apply)

    def _watch_runs(self) -> None:
        """In a thread, as long as the application is open."""
        from zoo.runs.launcher import start_lost  # after the first frame

        try:
            start_lost()
        except (ZooError, OSError) as error:
            self._report(error)
        index = RunIndex(between=Throttle(), portion=PORTION)
        first, well = True, True
        while not self._ended:
            try:
                with without_waiting():
                    changed, well = index.refresh(), True
            except (ZooError, OSError) as error:
                if well:  # reported once, not four times a second
                    self._report(error)
                changed, well = False, False
            if changed or first:
                first = False
                runs = index.summaries
                if index.is_complete:
                    self.later(partial(self._show_all_runs, runs, _usage(runs), _results(runs)))
                else:
                    self.later(partial(self._show_newest_runs, runs))
            if not (self._app.is_headless or self._app.is_web or terminal_is_there()):
                self.later(self._app.exit)
            time.sleep(POLL_S if index.is_complete else 0)

    def _show_newest_runs(self, runs: tuple[RunSummary, ...]) -> None:
        """While older ones are read, of which something may be known already."""
        self.runs, self.runs_loaded, self.runs_complete = runs, True, False
        self._app.broadcast(RunsChanged)

    def _show_all_runs(self, runs: tuple[RunSummary, ...], usage: Usage, results: frozenset[str]) -> None:
        self.runs, self.runs_loaded, self.runs_complete = runs, True, True
        if results != self._results and self.models_loaded:  # a model has come, gone or changed its name
            self._results = results
            self.reload_models()
        else:
            self._results = results
            if usage != self._usage:
                self.models = tuple(_used(line, usage) for line in self.models)
        self._usage = usage
        self._app.broadcast(RunsChanged)

    def _on_download(self, download: Download) -> None:
        """In the thread of a download."""
        now = time.monotonic()
        if download.active and now - self._downloads_reported_at < PAINT_S:
            return
        self._downloads_reported_at = now
        self.later(lambda: self._show_download(download))

    def _show_download(self, download: Download) -> None:
        card = download.card
        if card is not None and not download.active and self.line(card.full_name) is None:
            self.reload_models()  # it was put into the catalog, whether all of its files came or not
        if download.state == "done" and card is not None:
            self.models = tuple(
                replace(line, local=True, variant=download.variant) if line.card.full_name == card.full_name else line
                for line in self.models
            )
            variant = f" in {download.variant}" if download.variant else ""
            self._app.notify(f"{card.name} is on this machine{variant}", markup=False)
            self._app.broadcast(CatalogChanged)
        elif download.state == "failed" and download.error is not None:
            self._app.show_error(download.error)
        self._app.broadcast(DownloadsChanged)

    def later(self, change: Callable[[], None]) -> None:
        """Make a change in the thread of the UI; may be called from any other."""
        if not self._ended:
            self._app.post_message(Applied(change))


def terminal_is_there() -> bool:
    """Whether someone is still at the other end: a connection that broke off leaves a terminal that answers nothing."""
    try:
        import termios
    except ImportError:  # not on Windows, where the console ends its processes
        return True
    try:
        termios.tcgetattr(sys.__stdin__.fileno() if sys.__stdin__ is not None else 0)
    except (OSError, ValueError, termios.error):
        return False
    return True


class Applied(Message):
    """A thread has found something out; the change is made in the thread of the UI."""

    def __init__(self, change: Callable[[], None]) -> None:
        super().__init__()
        self.change = change


Usage = dict[str, tuple[int, float]]


def _usage(runs: tuple[RunSummary, ...]) -> Usage:
    """Full name of a model to how many runs started from it, and when the newest began."""
    usage: defaultdict[str, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for run in runs:
        number, newest = usage[run.model]
        usage[run.model] = (number + 1, max(newest, run.created_at))
    return dict(usage)


def _results(runs: tuple[RunSummary, ...]) -> frozenset[str]:
    """Runs that a model has come of."""
    return frozenset(run.name for run in runs if run.status == "finished" and run.verb in MAKING_MODELS)


def _used(line: ModelLine, usage: Usage) -> ModelLine:
    number, newest = usage.get(line.card.full_name, (0, None))
    return line if (line.runs, line.used_at) == (number, newest) else replace(line, runs=number, used_at=newest)


def _line(card: Card) -> ModelLine:
    words = " ".join((card.full_name, card.family, card.summary, *card.tasks)).lower()
    return ModelLine(card, words)


def _looked_at(line: ModelLine) -> ModelLine:
    """With what is here of its weights."""
    try:
        weights = local_weights(line.card)
    except ZooError:
        weights = None
    return replace(line, local=weights is not None, variant=weights.variant if weights else "")


def _is_head_of(card: Card, full_name: str) -> bool:
    """Whether a model is one of the heads of the result of that name."""
    return card.full_name.startswith(f"{full_name}.") and f"{card.plugin}/{result_of_head(card)}" == full_name
