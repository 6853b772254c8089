"""`--keep-warm`: a model that stays loaded for the next `zoo predict`."""

from __future__ import annotations

import argparse
import contextlib
import math
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple

from zoo import settings
from zoo.card import Card
from zoo.cli import diagnostics
from zoo.cli.fetching import show_fetching
from zoo.cli.option_flags import options_of
from zoo.errors import OptionInvalid, PluginBroken, RunFailed, Unsupported
from zoo.plugins import load_plugin, wrapping_plugins
from zoo.plurals import counted
from zoo.sessions import warm
from zoo.sessions.messages import LoadRequest
from zoo.settings.table import MAX_WARM_MINUTES
from zoo.tasks.task import Task


class Answerer(NamedTuple):
    """What answers inputs."""

    predict: Callable[[list[Any]], list[Any]]
    """Several, in order."""
    stream: Callable[[Any], Generator[Any]] | None
    """The pieces of one answer, and last the answer itself; None where answers do not grow."""
    chats: bool = False
    """Whether it answers conversations."""


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the flag."""
    parser.add_argument(
        "--keep-warm",
        metavar="MINUTES",
        help="keep the model loaded, in a process of its own, until nobody has asked it for so long; 0 ends that "
        "process (default: the setting keep_warm, else as it is)",
    )


@contextlib.contextmanager
def answerer(args: argparse.Namespace, card: Card, task: Task) -> Iterator[Answerer | None]:
    """Connect to the process that holds the model, starting it if that was asked for.

    Yields:
        What asks it; None where the model is to be loaded here.

    Raises:
        OptionInvalid: not a number of minutes.
        Unsupported: a flag asked for it, and there are no means for it here.
        DownloadFailed: its weights cannot be had.
    """
    minutes = _minutes(args)
    model = _connect(args, card, task, minutes)
    try:
        yield _answerer_of(model, task) if model else None
    finally:
        if model:
            model.end() if minutes == 0 else model.close()


def _connect(args: argparse.Namespace, card: Card, task: Task, minutes: float | None) -> warm.WarmModel | None:
    request = LoadRequest(
        model=card.full_name,
        wrappers=wrapping_plugins(),
        task=task.name,
        device=args.device,
        precision=args.precision,
        options=options_of(args),
    )
    try:
        address = warm.address_of(card, request, load_plugin(card.plugin).version)
    except Unsupported:
        if minutes and args.keep_warm is not None:
            raise
        return None
    model = warm.connect(address, card.name)
    if model is None and minutes:
        diagnostics.note(f"loading {args.model}, to be kept for {counted(minutes, 'minute')}")
        _fetch(card)
        model = warm.start(address, request, minutes * 60)
    if model is None:
        return None
    try:
        ready = model.wait_until_ready()
    except (
        RunFailed,
        PluginBroken,
    ):  # it ended just now; what is wrong with the model, if something is, shows when it is loaded here
        model.close()
        return None
    diagnostics.note(f"{card.name} on {ready.device}, {ready.precision}, kept warm")
    return model


def _answerer_of(model: warm.WarmModel, task: Task) -> Answerer:
    def predict(inputs: list[Any]) -> list[Any]:
        # The process stands in another folder.
        return model.predict(list(map(task.input.from_anywhere, inputs)))

    def stream(value: Any) -> Generator[Any]:
        return model.stream(task.input.from_anywhere(value))

    return Answerer(predict, stream if model.streams else None, model.chats)


def _fetch(card: Card) -> None:
    from zoo.fetch import fetch

    if card.weights is not None:
        diagnostics.show_log_warnings()
        fetch(card.weights, on_progress=show_fetching)


def _minutes(args: argparse.Namespace) -> float | None:
    """How long it is to be kept; None where nothing was said."""
    text = args.keep_warm
    if text is None:
        text = settings.value("keep_warm")
    if not text:
        return None
    try:
        minutes = float(text)
    except ValueError:
        minutes = math.nan
    if not 0 <= minutes <= MAX_WARM_MINUTES:
        raise OptionInvalid(f"--keep-warm is {text!r}, but takes minutes, 0 to {MAX_WARM_MINUTES}", "--keep-warm 10")
    return minutes
