"""Which models a list has: by task, family and size, and by what the memory of this machine has room for."""

from __future__ import annotations

import msgspec

from zoo.card import Card

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
