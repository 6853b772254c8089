"""Models and runs in the command palette."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, cast

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider

from zoo.ranking import is_result
from zoo.sanitize import one_line
from zoo.tui.app import ZooApp
from zoo.tui.zoo_screen import ZooScreen


class Palette(CommandPalette, ZooScreen[None]):
    """Textual's palette, which keys may still come to once it is closed."""

    def run_worker(self, *args: Any, **kwargs: Any) -> Any:
        """Search; a search that the palette is closed under ends nothing but itself."""
        return super().run_worker(*args, **kwargs | {"exit_on_error": False})


@dataclass(frozen=True)
class Command:
    """Something that can be done with a model or a run."""

    title: str
    name: str
    """Of the model or the run."""
    help_text: str
    action: Callable[[], object]
    of_run: bool
    """Whether it is about a run, or a model that came of one."""


class ZooCommands(Provider):
    """Do something with a model, or go to a run; models come before runs, as in every list that words filter."""

    def _of_models(self) -> Iterator[Command]:
        app = cast("ZooApp", self.app)
        cards = sorted((line.card for line in app.feed.models), key=is_result)
        for card in cards:
            verbs = [verb for verb in ("finetune", "pretrain") if verb in card.verbs]
            actions = {verb.capitalize(): partial(app.train, card, verb) for verb in verbs}
            if card.weights is not None and "predict" in card.verbs:
                actions["Predict with"] = partial(app.predict_with, card.full_name)
            for words, action in actions.items():
                yield Command(f"{words} {card.name}", card.name, card.summary, action, is_result(card))

    def _of_runs(self) -> Iterator[Command]:
        app = cast("ZooApp", self.app)
        for run in app.feed.runs:
            help_text = f"{run.status}, {run.verb} {run.model}"
            yield Command(f"Run {run.name}", run.name, help_text, partial(app.open_run, run.name), of_run=True)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        words = query.lower()
        scored = [(command, matcher.match(command.title)) for command in (*self._of_models(), *self._of_runs())]
        of_models = [score for command, score in scored if words in command.title.lower() and not command.of_run]
        limit = min(of_models, default=float("inf"))
        for command, match in scored:
            score = 2 * match if command.name.lower() == words else min(match, limit) if command.of_run else match
            if score > 0:
                title = matcher.highlight(one_line(command.title))
                yield Hit(score, title, command.action, help=one_line(command.help_text))

    async def discover(self) -> Hits:
        for command in [*islice(self._of_models(), 5), *islice(self._of_runs(), 3)]:
            yield DiscoveryHit(one_line(command.title), command.action, help=one_line(command.help_text))
