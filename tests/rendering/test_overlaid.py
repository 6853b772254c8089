"""Several curves in one drawing: on the same axes, each told by its marker, however close they are."""

from __future__ import annotations

import pytest

from zoo.blocks import Curve
from zoo.rendering.overlaid import MARKERS, overlaid_lines

FALLING = Curve(title="loss", points=tuple((step, 2 / step) for step in range(1, 101)))
RISING = Curve(title="loss", points=((50, 1.0), (200, 4.0)))
NOTHING = Curve(title="loss", points=())


def text_of(*curves: Curve, width: int = 60, height: int = 10) -> list[str]:
    return ["".join(part.text for part in line) for line in overlaid_lines("loss", curves, width, height)]


def test_all_have_the_same_axes() -> None:
    title, *drawn, ends = text_of(FALLING, RISING)
    assert "loss" == title
    assert drawn[0].startswith("       4 ")
    assert drawn[-1].startswith("    0.02 ")
    assert ["1", "200"] == ends.split()
    assert {60} == {len(line) for line in (*drawn, ends)}
    assert {"●", "■"} == set("".join(drawn)) & set(MARKERS)


def test_each_has_markers_of_its_own_where_they_lie_upon_one_another() -> None:
    drawn = "".join(text_of(*[FALLING] * len(MARKERS)))
    assert [True] * len(MARKERS) == [marker in drawn for marker in MARKERS]


def test_parts_say_whose_they_are() -> None:
    lines = overlaid_lines("loss", (FALLING, NOTHING, RISING), 60, 10)
    for line in lines:
        for part in line:
            assert part.curve in (None, 0, 2)
            if part.curve is not None:
                assert not set(part.text) & set(MARKERS) - {MARKERS[part.curve]}


def test_one_point_is_its_marker() -> None:
    assert 1 == "".join(text_of(Curve(points=((3, 1.0),)))).count("●")


def test_without_points_nothing_is_drawn() -> None:
    assert ["loss", " " * 9 + "nothing yet"] == text_of(NOTHING, NOTHING)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (9, 2), (10, 3), (200, 4)])
def test_any_room_will_do(width: int, height: int) -> None:
    assert height == len(text_of(FALLING, RISING, width=width, height=height))
