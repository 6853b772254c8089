"""Which model to take: the mark that lists put on each, and the order in which they have them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, get_args

from zoo.card import Card, FolderSource
from zoo.paths import runs_folder

Mark = Literal["recommended", "own run", "pretrained", "from scratch", "demonstration"]
"""What a list says of a model."""
FROM_SCRATCH = "from scratch, with random numbers"
"""How a model without weights starts, in words."""
LONG_LIST = 24
"""A screenful of models: a list of more has them in sections."""
_MARKS: tuple[Mark, ...] = get_args(Mark)
"""In the order in which lists have them."""


def is_recommended(card: Card, task: str = "") -> bool:
    """Whether the plugin advises to take the model first.

    Args:
        card: of the model.
        task: for which; empty for any.
    """
    return task in card.recommended_for if task else bool(card.recommended_for)


def is_result(card: Card) -> bool:
    """Whether the model came of a run on this machine."""
    folders = [one.path for one in (card.weights.sources if card.weights else ()) if isinstance(one, FolderSource)]
    return bool(folders) and Path(folders[0]).is_relative_to(runs_folder())


def mark(card: Card, task: str = "") -> Mark:
    """What a list says of a model; `from scratch` is said also where it is recommended.

    Args:
        card: of the model.
        task: that the list is about; empty for any.
    """
    if card.demonstration:
        return "demonstration"
    if card.weights is None:
        return "from scratch"
    if is_recommended(card, task):
        return "recommended"
    return "own run" if is_result(card) else "pretrained"


def rank(card: Card, task: str = "") -> int:
    """Place of a model among others: smaller comes first, what is recommended before all else.

    Args:
        card: of the model.
        task: that the list is about; empty for any.
    """
    return 0 if is_recommended(card, task) else _MARKS.index(mark(card, task))


def match_rank(card: Card, words: Sequence[str]) -> int:
    """How well a model fits what was typed: its name, all words in the name of a model, in that of a run, elsewhere.

    Args:
        card: of the model.
        words: in lower case; all are known to occur in the card.
    """
    if not words:
        return 0
    name = card.name.lower()
    if any(word not in name for word in words):
        return 3
    if [name] == [*words]:
        return 0
    return 2 if is_result(card) else 1


def order_key(card: Card, words: Sequence[str] = (), task: str = "") -> tuple[int, int]:
    """What to sort a list of models by.

    Args:
        card: of one of the models.
        words: that were typed to find them, in lower case.
        task: that the list is about; empty for any.
    """
    return match_rank(card, words), rank(card, task)


def ordered(cards: Iterable[Card], words: Sequence[str] = (), task: str = "") -> list[Card]:
    """Models in the order in which a list has them; see `order_key`."""
    return sorted(cards, key=lambda card: order_key(card, words, task))


def section(card: Card) -> str:
    """Under which title a long list has a model: its mark where that tells more than its task, else its task."""
    if card.demonstration:
        return "demonstrations"
    if is_recommended(card):
        return "recommended"
    return "own runs" if is_result(card) else card.task


def in_sections(cards: Sequence[Card]) -> list[Card]:
    """Models, in order, as a list of more than `LONG_LIST` has them: section by section, within a task by family."""
    sections = list(dict.fromkeys(map(section, cards)))
    return sorted(cards, key=lambda card: (sections.index(title := section(card)), card.family * (title == card.task)))


def unfolded(cards: Iterable[Card]) -> list[Card]:
    """Those that a list shows unasked: of each network the weights that its publisher calls the best."""
    return [card for card in cards if not card.superseded_by]


def marked_tasks(card: Card) -> str:
    """What can be done with a model: its tasks, those first that it is recommended for, which carry a star."""
    return ", ".join(f"*{task}" if task in card.recommended_for else task for task in card.tasks)
