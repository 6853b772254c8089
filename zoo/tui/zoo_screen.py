"""What every screen of ours can do: know its application, and go away, once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from textual.await_complete import AwaitComplete
from textual.await_remove import AwaitRemove
from textual.screen import ModalScreen, Screen, ScreenResultType
from textual.widget import AwaitMount

if TYPE_CHECKING:
    from zoo.tui.app import ZooApp


class ZooScreen(Screen[ScreenResultType]):
    """A screen that takes no other away than itself."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.zoo = cast("ZooApp", self.app)
        """The application, also for threads that outlive the screen: those have no `app` any more."""

    def later(self, change: Callable[[], None]) -> None:
        """Make a change in the thread of the UI; none is made to a screen that is being taken away."""
        self.zoo.feed.later(lambda: change() if self.stays else None)

    @property
    def stays(self) -> bool:
        """Whether all its parts are there: they go one by one, once the screen is on no stack any more."""
        return self.is_attached and any(self in stack for stack in self.zoo._screen_stacks.values())

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Go away; Textual takes away whatever stands on top, also where keys that came together ask twice."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def remove(self) -> AwaitRemove:
        """Be taken apart, once put together: a screen that is taken away before would look for its parts in vain."""
        if self.is_mounted:
            return super().remove()

        async def remove() -> None:
            await AwaitMount(self, [self])
            await super(ZooScreen, self).remove()

        return AwaitRemove([asyncio.create_task(remove(), name=f"remove {self}")])

    def action_close(self) -> None:
        """Go away without an answer."""
        self.dismiss(None)


class Dialog(ModalScreen[ScreenResultType], ZooScreen[ScreenResultType]):
    """A screen over a page, to be answered first."""
