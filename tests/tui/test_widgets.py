"""The widgets by themselves: tables of any length, curves, bars, pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.app import App, ComposeResult

from zoo.answers import Classification, Detection, Detections, Embedding, FilledMask, Rejected, Score
from zoo.blocks import Curve as CurveBlock
from zoo.blocks import Picture
from zoo.rendering.cells import PictureCell
from zoo.tui.widgets.blocks import bar, draw_answer
from zoo.tui.widgets.curve import Curve
from zoo.tui.widgets.picture import Png, fit_picture
from zoo.tui.widgets.table import Cell, Column, Table

COLUMNS = (Column("number", "NUMBER", 8, right=True), Column("name", "NAME"), Column("more", "MORE", 30, dispensable=1))


class Host(App[None]):
    """One table and nothing else."""

    def __init__(self, rows: Sequence[int]) -> None:
        super().__init__()
        self.rows = rows
        self.rendered: list[int] = []

    def compose(self) -> ComposeResult:
        yield Table[int](COLUMNS, cells=self.cells, key=str, empty="nothing here")

    def cells(self, row: int) -> list[Cell]:
        self.rendered.append(row)
        return [f"{row:,}", ("x\x1b[31m" * 30, "bad"), "字" * 20]

    def on_mount(self) -> None:
        self.query_one(Table).show(self.rows)


def test_only_what_is_on_screen_is_rendered() -> None:
    async def play() -> None:
        app = Host(range(1_000_000))
        async with app.run_test(size=(80, 20)) as pilot:
            table = app.query_one(Table)
            await pilot.press("end")
            assert table.current == 999_999
            assert table.scroll_y > 900_000
            await pilot.press("home", "down", "down", "pagedown")
            assert table.current == 2 + 18
            assert len(set(app.rendered)) < 200

    asyncio.run(play())


def test_the_cursor_stays_on_its_row_when_rows_change() -> None:
    async def play() -> None:
        app = Host(range(100))
        async with app.run_test(size=(80, 20)) as pilot:
            table = app.query_one(Table)
            table.cursor = 50
            table.show(range(40, 80))
            await pilot.pause()
            assert (table.current, table.cursor) == (50, 10)
            table.show(range(5))
            assert table.current == 4
            table.show(())
            assert table.current is None
            await pilot.press("down", "enter", "pageup")

    asyncio.run(play())


@pytest.mark.parametrize(("width", "titles"), [(100, "NUMBER NAME MORE"), (60, "NUMBER NAME"), (20, "NUMBER NAME")])
def test_columns_that_can_be_spared_go_where_it_is_narrow(width: int, titles: str) -> None:
    async def play() -> None:
        app = Host(range(3))
        async with app.run_test(size=(width, 10)) as pilot:
            await pilot.pause()
            table = app.query_one(Table)
            strips = [table.render_line(y) for y in range(4)]
            assert all(strip.cell_length == width for strip in strips), "wide characters and long texts fit exactly"
            assert " ".join(strips[0].text.split()) == titles
            assert "\x1b" not in "".join(strip.text for strip in strips)

    asyncio.run(play())


def test_curves_take_any_numbers() -> None:
    class Curves(App[None]):
        def compose(self) -> ComposeResult:
            yield Curve()

    async def play() -> None:
        app = Curves()
        async with app.run_test(size=(60, 12)) as pilot:
            curve = app.query_one(Curve)
            several = tuple((float(x), 0.5) for x in range(5000))
            for points in ((), ((1.0, 1e300), (2.0, -1e300)), several, ((1.0, 2.0),)):
                curve.show(CurveBlock(title="loss", points=points))
                await pilot.pause()
                assert all(curve.render_line(y).cell_length == 60 for y in range(12))
            await pilot.resize_terminal(12, 3)

    asyncio.run(play())


def test_bars_are_exact_to_an_eighth() -> None:
    assert [bar(share, 4) for share in (0, 1 / 32, 0.5, 1, 2, -1)] == ["", "▏", "██", "████", "████", ""]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Classification((Score("[red]a[/]", 0.75), Score("b", 0.25))), "[red]a[/]"),
        (FilledMask("the whole text", (Score("a", 0.5),)), "the whole text"),
        (Embedding((0.0, 1.0, -1.0)), "3 numbers from -1.000 to 1.000"),
        (Embedding(()), "0 numbers"),
        (Classification((Score("a", 1.0),), truncated_at=1500), "only the first 1,500 tokens were read"),
        (Rejected("no \x1b[2Jreason"), "rejected: no reason"),
    ],
)
def test_answers_are_drawn_by_their_type(answer: Classification, expected: str) -> None:
    text = draw_answer(answer, 60).plain
    assert expected in text
    assert "\x1b" not in text
    assert all(len(line) <= 60 for line in text.splitlines())


def test_pictures_keep_their_proportions(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (400, 100), (1, 2, 3)).save(tmp_path / "wide.png")
    image.new("RGB", (10, 1000), "white").save(tmp_path / "tall.png")
    blocks = [Picture(image=str(tmp_path / name)) for name in ("wide.png", "tall.png", "none.png")]
    wide, tall, none = (fit_picture(block, 40, 20, "blocks") for block in blocks)
    assert isinstance(wide, tuple)
    assert isinstance(tall, tuple)
    assert (len(wide), len(wide[0]), wide[0][0]) == (5, 40, PictureCell("▀", (1, 2, 3), (1, 2, 3)))
    assert (len(tall), len(tall[0])) == (20, 1)
    drawn = [fit_picture(block, 40, 20, "kitty") for block in blocks]
    assert [(one.columns, one.rows) for one in drawn if isinstance(one, Png)] == [(40, 5), (1, 20)]
    assert [none, drawn[-1]] == ["No such file or directory"] * 2


def test_a_list_of_boxes_says_where_they_are_as_far_as_there_is_room() -> None:
    """On 80 columns half of them are the picture's: its list has what is seen, and no line of it is broken."""
    found = Detections(detections=(Detection(98, 54, 149, 103, "circle", 0.79),), width=160, height=120)

    wide, narrow = (draw_answer(found, width).plain.splitlines() for width in (48, 38))

    assert wide[0].split() == ["label", "score", "left", "top", "right", "bottom"]
    assert narrow[0].split() == ["label", "score"]
    assert narrow[1].split() == ["■", "circle", "0.790"]
    assert max(map(len, narrow)) <= 38
