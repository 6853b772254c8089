"""`--keep-warm`: a model that stays loaded for the next `zoo predict`."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
from collections.abc import Callable, Iterator
from typing import Any

from zoo.card import Card
from zoo.cli import diagnostics
from zoo.cli.option_flags import given_options
from zoo.cli.watching import tell_fetching
from zoo.errors import OptionInvalid, PluginBroken, RunFailed, Unsupported
from zoo.plugins import load_plugin
from zoo.sessions import warm
from zoo.sessions.messages import Open
from zoo.tasks.task import Task

Answerer = Callable[[list[Any]], list[Any]]
"""Answers inputs, in order."""
VARIABLE = "ZOO_KEEP_WARM"
MAX_MINUTES = 24 * 60


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the flag."""
    parser.add_argument(
        "--keep-warm",
        metavar="MINUTES",
        help="keep the model loaded, in a process of its own, until nobody has asked it for so long; 0 ends that "
        f"process (default: {VARIABLE} in the environment, else as it is)",
    )


@contextlib.contextmanager
def answerer(args: argparse.Namespace, card: Card, task: Task) -> Iterator[Answerer | None]:
    """Connect to the process that holds the model, starting it if that was asked for.

    Yields:
        What asks it; None where the model is to be loaded here.

    Raises:
        OptionInvalid: not a number of minutes.
        Unsupported: it was asked for, and there are no means for it here.
        DownloadFailed: its weights cannot be had.
    """
    minutes = _minutes(args)
    found = _reach(args, card, minutes)
    try:
        yield _asking(found, task) if found else None
    finally:
        if found:
            found.end() if minutes == 0 else found.close()


def _reach(args: argparse.Namespace, card: Card, minutes: float | None) -> warm.WarmModel | None:
    asked = Open(model=card.full_name, device=args.device, precision=args.precision, options=given_options(args))
    try:
        address = warm.address_of(card, asked, load_plugin(card.plugin).version)
    except Unsupported:
        if minutes:
            raise
        return None
    found = warm.connect(address, card.name)
    if found is None and minutes:
        diagnostics.note(f"loading {args.model}, to be kept for {minutes:g} minutes")
        _fetch(card)
        found = warm.start(address, asked, minutes * 60)
    if found is None:
        return None
    try:
        ready = found.wait_until_ready()
    except (
        RunFailed,
        PluginBroken,
    ):  # it ended just now; what is wrong with the model, if something is, shows when it is loaded here
        found.close()
        return None
    diagnostics.note(f"{card.name} on {ready.device}, {ready.precision}, kept warm")
    return found


def _asking(model: warm.WarmModel, task: Task) -> Answerer:
    def ask(inputs: list[Any]) -> list[Any]:
        # The process stands in another folder.
        return model.predict(list(map(task.input.from_anywhere, inputs)))

    return ask


def _fetch(card: Card) -> None:
    from zoo.fetch import fetch

    if card.weights is not None:
        fetch(card.weights, on_progress=tell_fetching)


def _minutes(args: argparse.Namespace) -> float | None:
    """How long it is to be kept; None where nothing was said."""
    name, given = "--keep-warm", args.keep_warm
    if given is None:
        name, given = VARIABLE, os.environ.get(VARIABLE, "")
    if not given:
        return None
    try:
        minutes = float(given)
    except ValueError:
        minutes = math.nan
    if not 0 <= minutes <= MAX_MINUTES:
        raise OptionInvalid(f"{name} is {given!r}, but takes minutes, 0 to {MAX_MINUTES}", f"{name} 10")
    return minutes
