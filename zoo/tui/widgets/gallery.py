"""A few pictures side by side, each with its name and its labels below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from zoo.blocks import DrawnBlock
from zoo.rendering.cells import PictureCells
from zoo.rendering.colours import hex_colour, label_colour
from zoo.rendering.legend import caption
from zoo.sanitize import one_line
from zoo.tui.widgets.picture import Picture, Png, fit_picture

if TYPE_CHECKING:
    from zoo.tui.app import ZooApp
    from zoo.tui.zoo_screen import ZooScreen

MOST = 4
LEAST_COLUMNS = 20
"""Of one picture; where there is no room for all, the last ones are left out."""
SHOWN_LABELS = 8


class _Exhibit(Vertical):
    """A picture and what stands below it."""

    DEFAULT_CSS = """
    _Exhibit { width: 1fr; height: 1fr; margin-right: 1; }
    _Exhibit Picture { height: 1fr; min-height: 3; }
    _Exhibit Static { height: 2; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._block: DrawnBlock | None = None

    def compose(self) -> ComposeResult:
        yield Picture()
        yield Static("", markup=False)

    def show(self, block: DrawnBlock | None) -> None:
        """Show it; None shows nothing."""
        self.display = block is not None
        if block != self._block:
            self._block = block
            self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        """In a thread, once there is room."""
        room, block, graphics = self.query_one(Picture).size, self._block, cast("ZooApp", self.app).graphics
        screen = cast("ZooScreen[Any]", self.screen)
        if block is None or not room.area:
            return

        def draw() -> None:
            image, caption = fit_picture(block, room.width, room.height, graphics), _caption_content(block, room.width)
            screen.later(lambda: self._exhibit(image, caption) if block == self._block else None)

        self.run_worker(draw, thread=True, exclusive=True, group="picture", exit_on_error=False)

    def _exhibit(self, image: PictureCells | Png | str, caption: Content) -> None:
        """Show them, or why there is no picture."""
        picture = self.query_one(Picture)
        picture.clear() if isinstance(image, str) else picture.show(image)
        reason = Content(f"{one_line(image)}\n") if isinstance(image, str) else Content("")
        self.query_one(Static).update(reason + caption)


class Gallery(Horizontal):
    """Shows pictures with what is marked on them, which are read in a thread; takes no room where there are none."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._pictures: tuple[DrawnBlock, ...] = ()
        self.display = False

    def compose(self) -> ComposeResult:
        for _ in range(MOST):
            yield _Exhibit()

    def show(self, pictures: Sequence[DrawnBlock]) -> None:
        """Show these in the place of others."""
        if tuple(pictures) != self._pictures:
            self._pictures = tuple(pictures)
            self.display = bool(pictures)
            self._arrange()

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """Give each its place, as far as there is room."""
        room = max(1, min(MOST, self.size.width // LEAST_COLUMNS))
        pictures = [*self._pictures[:room], *[None] * MOST]
        for exhibit, picture in zip(self.query(_Exhibit), pictures, strict=False):
            exhibit.show(picture)


def _caption_content(picture: DrawnBlock, width: int) -> Content:
    """Its title or the name of its file, and its labels in their colours; no line parts a label from its colour."""
    title, labels = caption(picture)
    parts = [Content(one_line(title))]
    if isinstance(labels, str):
        parts.append(Content.styled(one_line(labels), "$text-muted"))
    else:
        parts += [
            Content.assemble(("■ ", hex_colour(label_colour(label))), one_line(label), (f" {count}", "$text-muted"))
            for label, count in labels[:SHOWN_LABELS]
        ]
    lines = parts[:1]
    for part in parts[1:]:
        joined = Content.assemble(lines[-1], "  ", part)
        lines[-1:] = [joined] if joined.cell_length <= width else [lines[-1], part]
    return Content("\n").join(lines)
