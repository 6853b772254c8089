"""A repair of Textual's lists of options, those of the palette and of every choice in a form."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from textual.events import Click
from textual.widgets import OptionList


@cache
def repair() -> None:
    """Ignore what is asked of options that are not drawn yet, or no more.

    A list learns where its options are when it is drawn. A page turned before, or a click on an option that is gone
    meanwhile, is looked up in vain, which ends the application.
    """
    click = OptionList._on_click

    @wraps(click)
    async def on_click(self: OptionList, event: Click) -> None:
        option = event.style.meta.get("option")
        if option is None or option < self.option_count:
            await click(self, event)

    OptionList._on_click = on_click  # type: ignore[method-assign]
    OptionList._move_page = _when_drawn(OptionList._move_page)  # type: ignore[method-assign]


def _when_drawn(move: Callable[..., None]) -> Callable[..., None]:
    @wraps(move)
    def moved(self: OptionList, *args: Any) -> None:
        self._update_lines()
        if (self.highlighted or 0) in self._index_to_line:
            move(self, *args)

    return moved
