"""Curves in characters: a line in braille between its range and its ends, as wide as there is room for."""

from __future__ import annotations

import math

import pytest

from zoo.blocks import Curve
from zoo.cli.render import render
from zoo.rendering.curves import beside, curve_lines, plot
from zoo.rendering.html import html
from zoo.rendering.markdown import markdown

FALLING = Curve(title="loss", points=((1, 1.5), (50, 0.75), (1000, 0.25)))
NOTHING = Curve(title="accuracy", points=())


def test_lines_are_drawn_in_braille() -> None:
    assert plot([(0, 0), (1, 1)], width=2, height=1) == ["⡠⠊"]
    assert plot([(0, 1), (1, 1)], width=3, height=1) in (["⠒⠒⠒"], ["⠤⠤⠤"])
    assert plot([(5, 2)], width=1, height=1) != ["⠀"]
    assert plot([], width=2, height=1) == ["⠀⠀"]
    assert plot([(0, 0)], width=0, height=3) == []


def test_a_curve_has_its_newest_figure_its_range_and_its_ends() -> None:
    title, first, *_, last, ends = ["".join(line) for line in curve_lines(FALLING, 30, 6)]
    assert title == "loss  0.25"
    assert first.startswith("     1.5 ⢇")
    assert last.startswith("    0.25 ")
    assert ends == "         1               1,000"
    assert {len(first), len(last), len(ends)} == {30}


@pytest.mark.parametrize(
    ("low", "figure"),
    [(1.234e-5, "1.23e-05"), (-1.234e-5, "-1.2e-05"), (-0.00012345, "-0.00012"), (-1.2e-100, "-1e-100"), (0.5, "0.5")],
)
def test_a_figure_of_the_range_has_the_digits_that_there_is_room_for(low: float, figure: str) -> None:
    *_, last, _ = curve_lines(Curve(title="loss", points=((1, 2.0), (2, low))), 30, 6)
    assert figure == last.axis.strip()


def test_curves_stand_side_by_side() -> None:
    title, empty, *rest = beside([FALLING, NOTHING], 61, 6)
    assert title.split() == ["loss", "0.25", "accuracy"]
    assert empty.endswith("nothing yet")
    assert len(rest) == 4
    assert {title.index("accuracy"), empty.index("nothing yet") - 9} == {31}


@pytest.mark.parametrize(("width", "height"), [(1, 1), (5, 2), (9, 3), (200, 1)])
def test_any_room_will_do(width: int, height: int) -> None:
    assert len(beside([FALLING], width, height)) == height


@pytest.mark.parametrize("points", [((1.0, math.nan),), ((math.inf, 1.0),), ((2.0, 1.0), (1.0, 1.0))])
def test_points_are_finite_and_ordered(points: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match="points of a curve"):
        Curve(points=points)


def test_every_view_draws_it() -> None:
    assert next(render([FALLING])).text == "loss  0.25"
    assert "loss  0.25\n     1.5 ⢣" in markdown([FALLING])
    page = html([FALLING, NOTHING])
    assert '<polyline points="0.0,0.0 ' in page
    assert "0.25 to 1.5" in page
    assert "accuracy: nothing yet" in page
