"""A table of any number of rows: only the lines on screen are ever rendered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from zoo.sanitize import one_line
from zoo.tui.tones import TONE_STYLES

Row = TypeVar("Row")
Cell = str | tuple[str, str]
"""A text, or a text and its tone, see `zoo.tui.tones`."""
MARK = "✓"
"""Stands before a marked row."""
GAP = 2
"""Columns of space between two columns of the table."""
HEADER_LINES = 1
NARROWEST = 20
"""Columns of the terminal a flexible column wants before others may stay."""


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    key: str
    """For sorting, as code names it."""
    title: str
    width: int | None = None
    """Columns of the terminal; None shares what the others leave."""
    right: bool = False
    """Numbers stand at the right."""
    dispensable: int = 0
    """Columns with the largest number go first where the terminal is narrow; 0 never goes."""


class Table(ScrollView, Generic[Row], can_focus=True):
    """Rows with a cursor, under a header that stays.

    A row may be of any type: `cells` makes the texts of one when it comes into view, `key` names it, so that the cursor
    stays on it when rows change.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--cursor",
        "table--cursor-blurred",
        *(f"table--{tone}" for tone in TONE_STYLES),
    }
    DEFAULT_CSS = """
    Table {
        background: $background;
        color: $foreground;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        & > .table--header { color: $text-muted; text-style: bold; }
        & > .table--cursor { background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold; }
        & > .table--cursor-blurred { background: $surface; text-style: bold; }
    }
    """ + "\n".join(f"Table > .table--{tone} {{ color: {color}; }}" for tone, color in TONE_STYLES.items())
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("home,g", "edge(-1)", "First", show=False),
        Binding("end,G", "edge(1)", "Last", show=False),
        Binding("enter", "open", "Open", show=False),
    ]

    cursor: reactive[int] = reactive(0)
    """Number of the row the cursor is on."""

    class Moved(Message):
        """The cursor came to another row, or the row under it changed."""

        def __init__(self, table: Table[Any]) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> Table[Any]:
            return self.table

    class Opened(Moved):
        """A row was chosen, by Enter or by a second click."""

    class HeaderClicked(Message):
        """Someone wants the rows sorted by a column."""

        def __init__(self, table: Table[Any], column: Column) -> None:
            super().__init__()
            self.table = table
            self.column = column

        @property
        def control(self) -> Table[Any]:
            return self.table

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        cells: Callable[[Row], Sequence[Cell]],
        key: Callable[[Row], str],
        id: str | None = None,
        empty: str = "",
    ) -> None:
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._cells = cells
        self._key = key
        self._rows: Sequence[Row] = ()
        self._layout: tuple[tuple[int, Column, int], ...] = ()
        self.empty = empty
        """What is said where there are no rows."""
        self.marked: Collection[str] = ()
        """Keys of the rows that have a mark before them."""
        self.sorted_by = ""
        """Key of the column that carries the mark of the order."""
        self.descending = False

    @property
    def rows(self) -> Sequence[Row]:
        """All of them, on screen or not."""
        return self._rows

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None

    def show(self, rows: Sequence[Row]) -> None:
        """Show other rows; the cursor stays on the row it was on, if that is still there."""
        before = self.current
        self._rows = rows
        self.virtual_size = Size(self.size.width, len(rows) + HEADER_LINES)
        place = self._find(before) if before is not None else None
        self.cursor = min(self.cursor, max(0, len(rows) - 1)) if place is None else place
        self.refresh()
        self.post_message(self.Moved(self))

    def go_to_key(self, key: str) -> None:
        """Put the cursor on the row of that key, if there is one."""
        place = next((place for place, row in enumerate(self._rows) if self._key(row) == key), None)
        if place is not None:
            self.cursor = place

    def update(self, row: Row) -> None:
        """Show a newer value of one row."""
        place = self._find(row)
        if place is None:
            return
        changed = list(self._rows)
        changed[place] = row
        self._rows = changed
        self._refresh_row(place)
        if place == self.cursor:
            self.post_message(self.Moved(self))

    def _find(self, row: Row) -> int | None:
        key = self._key(row)
        near = range(max(0, self.cursor - 1), min(len(self._rows), self.cursor + 2))
        places = (*near, *range(len(self._rows)))
        return next((place for place in places if self._key(self._rows[place]) == key), None)

    def on_resize(self, event: events.Resize) -> None:
        self._layout = _fit(self._columns, event.size.width)
        self.virtual_size = Size(event.size.width, len(self._rows) + HEADER_LINES)
        self._show_cursor()
        self.refresh()

    def watch_cursor(self, old: int, new: int) -> None:
        self._refresh_row(old)
        self._refresh_row(new)
        self._show_cursor()
        if old != new:
            self.post_message(self.Moved(self))

    def action_move(self, by: int) -> None:
        self._go_to(self.cursor + by)

    def action_page(self, by: int) -> None:
        self._go_to(self.cursor + by * max(1, self.size.height - HEADER_LINES - 1))

    def action_edge(self, side: int) -> None:
        self._go_to(0 if side < 0 else len(self._rows) - 1)

    def action_open(self) -> None:
        if self.current is not None:
            self.post_message(self.Opened(self))

    def on_click(self, event: events.Click) -> None:
        if event.y < HEADER_LINES:
            column = self._column_at(event.x)
            if column is not None:
                self.post_message(self.HeaderClicked(self, column))
            return
        place = round(self.scroll_y) + event.y - HEADER_LINES
        if not 0 <= place < len(self._rows):
            return
        if place == self.cursor and event.chain > 1:
            self.action_open()
        else:
            self._go_to(place)

    def _go_to(self, place: int) -> None:
        if self._rows:
            self.cursor = max(0, min(len(self._rows) - 1, place))

    def _column_at(self, x: int) -> Column | None:
        for start, column, width in self._layout:
            if start <= x < start + width + GAP:
                return column
        return None

    def _show_cursor(self) -> None:
        self.scroll_to_region(
            Region(0, self.cursor, 1, 1 + HEADER_LINES), animate=False, force=True, x_axis=False, immediate=True
        )

    def _refresh_row(self, place: int) -> None:
        self.refresh(Region(0, place - round(self.scroll_y) + HEADER_LINES, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y < HEADER_LINES:
            return self._header().extend_cell_length(width, self.rich_style).crop(0, width)
        place = round(self.scroll_y) + y - HEADER_LINES
        if not 0 <= place < len(self._rows):
            text = self.empty if not self._rows and y == HEADER_LINES + 1 else ""
            return Strip([Segment(f" {text}"[:width], self._tone("quiet"))]).extend_cell_length(width, self.rich_style)
        return self._line(place).extend_cell_length(width, self._base(place)).crop(0, width)

    def _header(self) -> Strip:
        style = self.get_component_rich_style("table--header")
        cells = []
        for _, column, width in self._layout:
            mark = ("▾" if self.descending else "▴") if column.key == self.sorted_by else ""
            cells.append(Segment(_padded(column.title + mark, width, right=column.right) + " " * GAP, style))
        return Strip([Segment(" ", style), *cells])

    def _line(self, place: int) -> Strip:
        base = self._base(place)
        cells = dict(zip((column.key for column in self._columns), self._cells(self._rows[place]), strict=True))
        segments = [Segment(MARK if self._key(self._rows[place]) in self.marked else " ", base)]
        for _, column, width in self._layout:
            cell = cells[column.key]
            text, tone = (cell, "") if isinstance(cell, str) else cell
            style = base if not tone or place == self.cursor else base + self._tone(tone)
            segments.append(Segment(_padded(one_line(text), width, right=column.right), style))
            segments.append(Segment(" " * GAP, base))
        return Strip(segments)

    def _base(self, place: int) -> Style:
        if place != self.cursor:
            return self.rich_style
        return self.get_component_rich_style("table--cursor" if self.has_focus else "table--cursor-blurred")

    def _tone(self, tone: str) -> Style:
        return self.get_component_rich_style(f"table--{tone}", partial=True)


def _fit(columns: Sequence[Column], available: int) -> tuple[tuple[int, Column, int], ...]:
    """Where each column begins and how wide it is; those that can be spared go until the others fit."""
    fitting = list(columns)
    while fitting:
        flexible = [column for column in fitting if column.width is None]
        fixed = sum(column.width or 0 for column in fitting) + GAP * (len(fitting) - 1) + 2
        share = (available - fixed) // len(flexible) if flexible else 0
        spare = max(fitting, key=lambda column: column.dispensable)
        if (fixed <= available and (not flexible or share >= NARROWEST)) or not spare.dispensable:
            break
        fitting.remove(spare)
    positions, start = [], 1
    for column in fitting:
        width = max(4, share) if column.width is None else column.width
        positions.append((start, column, width))
        start += width + GAP
    return tuple(positions)


def _padded(text: str, width: int, *, right: bool) -> str:
    """Exactly so many columns of the terminal; what is cut ends in an ellipsis."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, max(0, width - 1)) + "…"
    space = " " * (width - length)
    return space + text if right else text + space
