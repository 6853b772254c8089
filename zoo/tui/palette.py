"""Models and runs in the command palette."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider

from zoo.sanitize import one_line
from zoo.tui.app import ZooApp
from zoo.tui.zoo_screen import ZooScreen


class Palette(CommandPalette, ZooScreen[None]):
    """Textual's palette, which keys may still come to once it is closed."""

    def run_worker(self, *args: Any, **kwargs: Any) -> Any:
        """Search; a search that the palette is closed under ends nothing but itself."""
        return super().run_worker(*args, **kwargs | {"exit_on_error": False})


class ZooCommands(Provider):
    """Go to a run, or do something with a model."""

    def _entries(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        app = cast("ZooApp", self.app)
        for run in app.feed.runs:
            yield f"Run {run.name}", f"{run.status}, {run.verb} {run.model}", lambda name=run.name: app.open_run(name)  # type: ignore[misc]
        for line in app.feed.models:
            card = line.card
            for verb in ("finetune", "pretrain"):
                if verb in card.verbs:
                    yield (
                        f"{verb.capitalize()} {card.name}",
                        card.summary,
                        lambda card=card, verb=verb: app.train(card, verb),  # type: ignore[misc]
                    )
            if card.weights is not None and "predict" in card.verbs:
                yield f"Predict with {card.name}", card.summary, lambda name=card.full_name: app.predict_with(name)  # type: ignore[misc]

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for title, help_text, command in self._entries():
            if (score := matcher.match(title)) > 0:
                yield Hit(score, matcher.highlight(one_line(title)), command, help=one_line(help_text))

    async def discover(self) -> Hits:
        for title, help_text, command in list(self._entries())[:8]:
            yield DiscoveryHit(one_line(title), command, help=one_line(help_text))
