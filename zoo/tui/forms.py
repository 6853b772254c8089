"""The forms of what is done with one model: which there are, and what a model must bring to each."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import NamedTuple, cast

from zoo.card import Card
from zoo.tasks import get_task
from zoo.tui.page import Page


class FormEntry(NamedTuple):
    """A form, imported when someone goes there."""

    screen: str
    """Class of its screen, which takes the card of the model, and the module of that."""
    lacking: Callable[[Card], str]
    """What a model lacks for it, in words; empty where nothing."""


def _judged(card: Card) -> str:
    if card.weights and any(get_task(task).judged for task in card.tasks_of("predict")):
        return ""
    return f"no data can tell how good {card.name} is: fine-tune it first"


def _learning(card: Card) -> str:
    return "" if "finetune" in card.verbs else f"{card.name} cannot finetune"


def _taught(card: Card) -> str:
    if card.weights is None:
        return f"{card.name} has learnt nothing yet; {card.training_advice}"
    return _learning(card)


FORMS = {
    "evaluate": FormEntry("zoo.tui.screens.evaluate:EvaluateScreen", _judged),
    "shrink": FormEntry("zoo.tui.screens.shrink:ShrinkScreen", _judged),
    "audit": FormEntry("zoo.tui.screens.audit:AuditScreen", _judged),
    "federate": FormEntry("zoo.tui.screens.federate:FederateScreen", _learning),
    "labels": FormEntry("zoo.tui.screens.labels:LabelsScreen", _taught),
    "curve": FormEntry("zoo.tui.screens.curve:CurveScreen", _learning),
}
"""By the names of the actions that open them."""


def form_screen(name: str, card: Card) -> Page:
    """The screen of a form.

    Args:
        name: of the form.
        card: of a model that lacks nothing for it.
    """
    module, _, screen = FORMS[name].screen.partition(":")
    return cast("Page", getattr(importlib.import_module(module), screen)(card))
