"""Boxes belong to their picture: cut at its edges, turned as it is, and read as what their numbers are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from zoo.data import load
from zoo.data.inspection import inspect
from zoo.data.inspection_text import report
from zoo.kinds import BOXES, Box, Unusable
from zoo.kinds.image_decoding import read_image
from zoo.tasks import get_task

TASK = get_task("object-detection")
THING = (255, 0, 0)


def picture(path: Path, size: tuple[int, int] = (60, 40), orientation: int = 1) -> str:
    """A black picture with a red thing at 10, 5 to 30, 15 of what is stored."""
    image = Image.new("RGB", size)
    image.paste(THING, (10, 5, 30, 15))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(path, exif=exif)
    return str(path)


def table(folder: Path, cells: list[Any]) -> Path:
    """A picture a row."""
    rows = []
    for number, cell in enumerate(cells):
        picture(folder / f"{number}.png")
        rows.append({"file_name": f"{number}.png", "objects": cell})
    path = folder / "metadata.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def lists(*boxes: list[float]) -> dict[str, Any]:
    return {"bbox": list(boxes), "categories": ["thing"] * len(boxes)}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_of_the_stored_picture_are_turned_with_it(tmp_path: Path, orientation: int) -> None:
    path = picture(tmp_path / "a.png", orientation=orientation)
    sideways = orientation in range(5, 9)
    cell = {"objects": [{"label": "thing", "bbox": [10, 5, 20, 10]}], "width": 60, "height": 40}
    (box,), faults = BOXES.read_with_input(cell, "boxes", path)

    assert faults == ()
    if sideways:  # as stored is not as shown, so that the size tells which one is meant
        image = read_image(path)
        assert isinstance(image, Image.Image)
        assert image.getchannel("R").getbbox() == (box.left, box.top, box.right, box.bottom)
    else:
        assert box == Box(10, 5, 30, 15, "thing")


def test_boxes_of_a_picture_as_shown_stay(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", orientation=6)
    cell = {"objects": [{"label": "thing", "bbox": [25, 10, 10, 20]}], "width": 40, "height": 60}
    assert BOXES.read_with_input(cell, "boxes", path).target == (Box(25, 10, 35, 30, "thing"),)


def test_boxes_of_a_picture_of_another_size_are_unusable(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png")
    with pytest.raises(Unusable) as caught:
        BOXES.read_with_input({"objects": [], "width": 120, "height": 80}, "boxes", path)
    assert str(caught.value) == ("column boxes has boxes in a picture of 120 x 80 pixels, and the picture has 60 x 40")


def test_boxes_without_a_stated_size_are_held_against_the_picture(tmp_path: Path) -> None:
    path = table(tmp_path, [lists([10, 5, 20, 10], [50, 0, 30, 10], [70, 0, 5, 5]), lists()])
    dataset = load(path, TASK)

    assert [example.target for example in dataset.examples] == [
        (Box(10, 5, 30, 15, "thing"), Box(50, 0, 60, 10, "thing")),
        (),
    ]
    assert [fault.reason for fault in dataset.faults] == [
        "box 2 (thing) reaches over the edge of the picture of 60 x 40 (50, 0 to 80, 10), and is cut there",
        "box 3 (thing) lies outside of the picture of 60 x 40 (70, 0 to 75, 5), and is left out",
    ]
    assert inspect(path, TASK).train.faults == 2


def test_corners_that_are_called_bbox_are_recognised_and_reported(tmp_path: Path) -> None:
    path = table(tmp_path, [lists([10, 5, 30, 15], [40, 20, 58, 38]), lists([35, 10, 50, 36])])
    dataset = load(path, TASK)

    assert [example.target for example in dataset.examples] == [
        (Box(10, 5, 30, 15, "thing"), Box(40, 20, 58, 38, "thing")),
        (Box(35, 10, 50, 36, "thing"),),
    ]
    assert dataset.faults == ()
    assert dataset.reading_note == (
        "the bbox of objects are read as corners (left, top, right, bottom): "
        "as width and height they would reach over the edges of their pictures"
    )
    assert any(dataset.reading_note in finding.message for finding in inspect(path, TASK).findings)


def test_few_boxes_of_an_evaluation_are_read_as_those_of_the_training(tmp_path: Path) -> None:
    (tmp_path / "eval").mkdir()
    train = table(tmp_path, [lists([10, 5, 30, 15], [40, 20, 58, 38])])
    evaluation = table(tmp_path / "eval", [lists([2, 3, 22, 24])])
    inspection = inspect(train, TASK, eval_path=evaluation)

    assert inspection.eval is not None
    assert inspection.eval.boxes is not None
    assert inspection.eval.boxes.sizes[0] == (20, 21)


@pytest.mark.parametrize(
    "boxes",
    [
        [[5, 5, 50, 30], [2, 3, 55, 36]],  # large things: larger than far from the corner, and within the picture
        [[10, 5, 30, 15], [40, 20, 10, 10]],  # one ends before it begins, were it corners
    ],
)
def test_width_and_height_stay_what_they_are_called(tmp_path: Path, boxes: list[list[float]]) -> None:
    dataset = load(table(tmp_path, [lists(*boxes)]), TASK)
    assert dataset.reading_note == ""
    assert dataset.examples[0].target[0].right == boxes[0][0] + boxes[0][2]


def test_width_and_height_that_are_called_corners_are_recognised_and_reported(tmp_path: Path) -> None:
    names = ("xmin", "ymin", "xmax", "ymax")
    boxes = [(10, 5, 20, 10), (40, 20, 15, 12), (3, 4, 20, 20)]
    path = table(tmp_path, [[{"label": "thing", **dict(zip(names, box, strict=True))} for box in boxes]])
    dataset = load(path, TASK)

    assert dataset.examples[0].target == tuple(Box(x, y, x + w, y + h, "thing") for x, y, w, h in boxes)
    assert "are read as width and height" in dataset.reading_note


def test_one_box_with_its_corners_exchanged_is_left_out_alone(tmp_path: Path) -> None:
    good = [{"label": "thing", "left": 1, "top": 1, "right": 20 + i, "bottom": 20} for i in range(5)]
    bad = {"label": "thing", "left": 30, "top": 1, "right": 20, "bottom": 20}
    dataset = load(table(tmp_path, [[*good, bad]]), TASK)

    assert len(dataset.examples[0].target) == 5
    assert [fault.reason for fault in dataset.faults] == [
        "box 6 (thing) has no area (30, 1 to 20, 20), and is left out"
    ]


def test_an_inspection_counts_labels_in_boxes_and_recognises_shares(tmp_path: Path) -> None:
    inspection = inspect(table(tmp_path, [lists([0.1, 0.1, 0.5, 0.5], [0.2, 0.2, 0.3, 0.3])]), TASK)

    assert inspection.labels[0].rows == 2
    lines = list(report(inspection))
    assert any(line.split() == ["label", "boxes"] for line in lines)
    assert any("are these shares of the picture?" in line for line in lines)
    assert any("labels with fewer than 8 boxes" in line for line in lines)
