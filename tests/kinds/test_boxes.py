"""Boxes are read from every usual way to write them, and what is none is named and left out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from zoo.kinds import BOXES, Box, Unusable
from zoo.kinds.boxes import read_boxes

CAT = Box(12, 30, 96, 80, "cat")


@pytest.mark.parametrize(
    "cell",
    [
        [{"label": "cat", "left": 12, "top": 30, "right": 96, "bottom": 80}],
        [{"name": "cat", "xmin": "12", "ymin": "30", "xmax": "96", "ymax": "80"}],
        [{"category": "cat", "bbox": [12, 30, 84, 50]}],
        [{"label": "cat", "box": {"xmin": 12, "ymin": 30, "xmax": 96, "ymax": 80}, "score": 0.9}],
        {"bbox": [[12, 30, 84, 50]], "categories": ["cat"]},
        {"objects": [{"label": "cat", "left": 12, "top": 30, "right": 96, "bottom": 80}], "width": 100, "height": 90},
        json.dumps([{"category": "cat", "bbox": [12, 30, 84, 50]}]),
    ],
)
def test_every_way_to_write_a_box_is_read(cell: Any) -> None:
    assert BOXES.read(cell, "boxes") == (CAT,)
    assert BOXES.read_with_input(cell, "boxes", None) == ((CAT,), ())
    assert BOXES.likeness([cell, []]) == 3.0


def test_an_empty_list_is_a_picture_without_any_and_an_empty_cell_is_none() -> None:
    assert BOXES.read([], "boxes") == ()
    assert BOXES.read("", "boxes") is None


@pytest.mark.parametrize(
    ("box", "fault"),
    [
        ({"label": "a", "bbox": [5, 5, 0, 9]}, "box 2 (a) has no area (5, 5 to 5, 14), and is left out"),
        ({"label": "a", "bbox": [5, 5, -3, 9]}, "box 2 (a) has no area (5, 5 to 2, 14), and is left out"),
        (
            {"label": "a", "bbox": [200, 5, 10, 9]},
            "box 2 (a) lies outside of the picture of 100 x 90 (200, 5 to 210, 14), and is left out",
        ),
        ({"label": "", "bbox": [5, 5, 3, 9]}, "box 2 has no label, and is left out"),
        (
            {"label": "a", "bbox": [5, 5, 3]},
            "box 2 has neither four corners nor a bbox of four numbers, and is left out",
        ),
        ({"label": "a", "bbox": [5, "x", 3, 9]}, "box 2 has 'x' for a number of pixels, and is left out"),
        ({"label": "a", "bbox": [5, float("nan"), 3, 9]}, "box 2 has nan for a number of pixels, and is left out"),
        ({"label": "cat", "bbox": [12, 30, 84, 50]}, "box 2 (cat) is the same as box 1, and is left out"),
    ],
)
def test_a_box_that_is_none_is_left_out_alone(box: dict[str, Any], fault: str) -> None:
    reading = read_boxes(
        {"objects": [{"label": "cat", "bbox": [12, 30, 84, 50]}, box], "width": 100, "height": 90}, "boxes"
    )
    assert reading.boxes == (CAT,)
    assert reading.faults == (fault,)


def test_a_box_over_the_edge_is_cut_and_by_a_pixel_without_a_word() -> None:
    cell = {"objects": [{"label": "a", "bbox": [-9, 0, 20, 91]}], "width": 100, "height": 90}
    assert read_boxes(cell, "boxes").boxes == (Box(0, 0, 11, 90, "a"),)
    assert read_boxes(cell, "boxes").faults == (
        "box 1 (a) reaches over the edge of the picture of 100 x 90 (-9, 0 to 11, 91), and is cut there",
    )
    by_one = {"objects": [{"label": "a", "bbox": [0, 0, 101, 90]}], "width": 100, "height": 90}
    assert read_boxes(by_one, "boxes") == ((Box(0, 0, 100, 90, "a"),), ())


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (7, "column boxes holds a number, not a list of boxes"),
        ("cat", "column boxes holds 'cat', which is no JSON list of boxes"),
        ([7], "column boxes holds a list with a number in it, not of boxes"),
        ({"bbox": []}, "column boxes holds an object with bbox, not bbox and categories"),
        ({"bbox": [], "category": ["a"]}, "column boxes holds bbox and category of unequal numbers"),
    ],
)
def test_a_cell_of_something_else_is_unusable(cell: Any, reason: str) -> None:
    with pytest.raises(Unusable) as caught:
        BOXES.read(cell, "boxes")
    assert str(caught.value) == reason
    assert BOXES.likeness([cell]) == 0.0


def test_pictures_are_held_out_of_the_rarest_label() -> None:
    common, rare = Box(0, 0, 1, 1, "common"), Box(0, 0, 1, 1, "rare")
    assert BOXES.strata([(common,), (common, rare), (), None, (common,)]) == ["common", "rare", None, None, "common"]
