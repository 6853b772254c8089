"""Which models a list has: by task, family and size, and by what the memory of this machine has room for."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from zoo.card import VERBS, Card
from zoo.errors import OptionInvalid, UnknownModel
from zoo.suggestions import did_you_mean
from zoo.units import parse_count

MEMORY_RULE = (
    "numbers of fp32 alone, 4 bytes a parameter to predict and 16 to train (with a gradient and AdamW's two moments), "
    "within the most memory that is free on one device here; computing takes some on top"
)
"""What fits, in words."""


class ModelFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What models of a list have in common; what is left open does not narrow it down."""

    task: str = ""
    """What they do, or can be trained for."""
    family: str = ""
    max_parameters: int | None = None
    """Most of them; a model that does not state their number is left out."""
    fits: str = ""
    """A verb that they know and that memory has room for, see `MEMORY_RULE`; likewise."""
    memory_bytes: int | None = None
    """What there is of it; None where that is not known."""

    def matches(self, card: Card) -> bool:
        """Whether a model belongs into the list."""
        return (
            (not self.task or self.task in card.tasks)
            and (not self.family or self.family == card.family)
            and self._is_small(card)
            and (not self.fits or (self.fits in card.verbs and self._has_room(card)))
        )

    def _is_small(self, card: Card) -> bool:
        if self.max_parameters is None:
            return True
        return card.parameters is not None and card.parameters <= self.max_parameters

    def _has_room(self, card: Card) -> bool:
        if self.memory_bytes is None:
            return True
        needed = card.memory_bytes(self.fits)
        return needed is not None and needed < self.memory_bytes


def model_filter(
    cards: Iterable[Card],
    memory: Callable[[], int | None],
    *,
    family: str = "",
    max_parameters: str | int = "",
    fits: str = "",
) -> ModelFilter:
    """What models have in common that a person asks for.

    Args:
        cards: all there are.
        memory: finds out how many bytes of memory this machine has; called only where that matters.
        family: of which there must be one; empty for any.
        max_parameters: a number, or a text such as `25M`; empty for any.
        fits: a verb; empty for any.

    Raises:
        UnknownModel: there is no such family.
        OptionInvalid: it is no number, or no verb.
    """
    families = sorted({card.family for card in cards})
    if family and family not in families:
        hint = did_you_mean(family, families, f"families: {', '.join(families)}")
        raise UnknownModel(f"there is no family {family!r}", hint)
    if fits and fits not in VERBS:
        raise OptionInvalid(f"fits is {fits!r}, but takes a verb", f"one of {', '.join(VERBS)}")
    return ModelFilter(
        family=family,
        max_parameters=parameter_limit(max_parameters),
        fits=fits,
        memory_bytes=memory() if fits else None,
    )


def parameter_limit(limit: str | int) -> int | None:
    """A number of parameters as a person gives it; None where none is given.

    Raises:
        OptionInvalid: it is none.
    """
    if limit == "":
        return None
    try:
        return parse_count(str(limit))
    except ValueError as error:
        raise OptionInvalid(
            f"--max-parameters is {limit!r}, but takes a number of parameters", "such as 25M, 1.5B or 300k"
        ) from error
