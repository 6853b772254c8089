"""Deleting runs and weights: what would go is shown, and goes once the person has said yes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.api import open_run
from zoo.cache.contents import contents
from zoo.cache.removal import PlannedRemoval, plan, remove
from zoo.card import Card
from zoo.errors import Unsupported
from zoo.plurals import counted
from zoo.units import size

if TYPE_CHECKING:
    from zoo.tui.app import ZooApp


def delete_run(app: ZooApp, name: str) -> None:
    """Delete a run and its model."""

    def work() -> None:
        app.carry_out(lambda: open_run(name).remove(), done=f"{name} is deleted")

    app.ask("Delete?", f"The run {name}, its checkpoints and the model that came of it.", "Delete", work)


def delete_weights(app: ZooApp, card: Card) -> None:
    """Delete weights that can be downloaded again."""

    def look() -> None:
        """In a thread: it looks through whole caches."""
        removals = _planned(card)
        app.feed.later(lambda: _confirm(app, card, removals))

    app.carry_out(look)


def _planned(card: Card) -> tuple[PlannedRemoval, ...]:
    cached_first = sorted(contents(), key=lambda one: bool(one.part_of))
    weights = next((one for one in cached_first if card.full_name in one.models), None)
    if weights is None:
        raise Unsupported(f"no weights of {card.name} are on this machine", "there is nothing to delete")
    if weights.part_of:
        raise Unsupported(f"the weights of {card.name} are not zoo's to delete", f"they are in {weights.part_of}")
    if weights.used_by:
        raise Unsupported(f"{card.name} is in use by {', '.join(weights.used_by)}", "wait for its end, or stop it")
    return plan(weights.files)


def _confirm(app: ZooApp, card: Card, removals: tuple[PlannedRemoval, ...]) -> None:
    freed = size(sum(one.size_bytes for one in removals))

    def delete() -> None:
        remove(removals)
        app.feed.later(app.feed.reload_models)

    app.ask(
        f"Delete the weights of {card.name}?",
        f"{counted(len(removals), 'file')}, {freed}. What is deleted can be downloaded again.",
        "Delete",
        lambda: app.carry_out(delete, done=f"{freed} freed"),
    )
