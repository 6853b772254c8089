"""Pascal VOC folders: a list for each part, an XML file and a picture for each name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from zoo.data import load
from zoo.data.inspection import inspect
from zoo.data.layout import parts_of
from zoo.kinds import BOXES, Box
from zoo.tasks import get_task

TASK = msgspec.structs.replace(get_task("image-multi-label-classification"), target=BOXES)
OBJECT = (
    "<object><name>{0}</name><bndbox><xmin>{1}</xmin><ymin>{2}</ymin><xmax>{3}</xmax><ymax>{4}</ymax></bndbox></object>"
)


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """Four pictures in two parts; the third has nothing in it."""
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (tmp_path / folder).mkdir(parents=True)
    boxes = {
        "1": [("red", 2, 3, 20, 30), ("red", 5, 5, 5, 9)],
        "2": [("white", 1, 1, 40, 30)],
        "3": [],
        "4": [("red", 0, 0, 9, 9)],
    }
    for name, objects in boxes.items():
        Image.new("RGB", (48, 32), (int(name) * 40, 0, 0)).save(tmp_path / "JPEGImages" / f"{name}.JPG")
        body = "".join(OBJECT.format(*one) for one in objects)
        text = f"<annotation><filename>{name}.jpg</filename><size><width>48</width><height>32</height></size>{body}"
        (tmp_path / "Annotations" / f"{name}.xml").write_text(f"{text}</annotation>", encoding="utf-8")
    (tmp_path / "ImageSets/Main/train.txt").write_text("1\n2\n3\n", encoding="utf-8")
    (tmp_path / "ImageSets/Main/val.txt").write_text("4\n", encoding="utf-8")
    return tmp_path


def test_each_part_is_its_list(cells: Path) -> None:
    parts = parts_of(cells)
    dataset = load(parts.train, TASK)

    assert parts.eval == cells / "ImageSets/Main/val.txt"
    assert [Path(example.input).name for example in dataset.examples] == ["1.JPG", "2.JPG", "3.JPG"]
    assert [example.target for example in dataset.examples] == [
        (Box(2, 3, 20, 30, "red"),),
        (Box(1, 1, 40, 30, "white"),),
        (),
    ]
    assert [(fault.row, fault.reason) for fault in dataset.faults] == [
        (1, "box 2 (red) has no area (5, 5 to 5, 9), and is left out")
    ]
    assert dataset.labels == ("red", "white")


def test_without_lists_all_annotations_are_the_data(cells: Path) -> None:
    for file in (cells / "ImageSets/Main").iterdir():
        file.unlink()
    assert parts_of(cells) == (cells / "Annotations", None, None)
    assert len(load(cells, TASK).examples) == 4


@pytest.mark.parametrize("val", [True, False])
def test_trainval_is_trained_on_where_there_is_no_train(cells: Path, val: bool) -> None:
    lists = cells / "ImageSets/Main"
    (lists / "train.txt").rename(lists / "trainval.txt")
    if not val:
        (lists / "val.txt").rename(lists / "test.txt")
    expected_test = None if val else lists / "test.txt"
    assert parts_of(cells) == (lists / "trainval.txt", None, expected_test), "val.txt is a part of trainval"


def test_an_inspection_counts_both_parts_and_names_the_fault(cells: Path) -> None:
    inspection = inspect(cells, TASK)
    messages = [finding.message for finding in inspection.findings]

    assert inspection.train.boxes is not None
    assert (inspection.train.boxes.boxes, inspection.train.boxes.without, inspection.train.boxes.most) == (2, 1, 1)
    assert inspection.train.boxes.sizes == ((18, 27), (18, 27), (39, 29))
    assert any("the first is JPEGImages/1.JPG: box 2 (red) has no area" in message for message in messages)
    assert f"{inspection.train.path}: read as a Pascal VOC data set" in messages
    assert any("labels without evaluation data, which are not judged: white" in message for message in messages)


def test_changed_annotations_change_the_digest(cells: Path) -> None:
    before = load(cells, TASK).sha256
    path = cells / "Annotations/2.xml"
    path.write_text(path.read_text(encoding="utf-8").replace("white", "blue"), encoding="utf-8")
    assert load(cells, TASK).sha256 != before


def test_broken_and_missing_files_are_named_with_their_rows(cells: Path) -> None:
    (cells / "Annotations/1.xml").write_text("<annotation><object>", encoding="utf-8")
    (cells / "Annotations/2.xml").unlink()
    (cells / "JPEGImages/3.JPG").unlink()
    (cells / "ImageSets/Main/train.txt").write_text("1\n2\n3\n4\n", encoding="utf-8")
    rejected = load(cells, TASK).rejected

    assert [row.row for row in rejected] == [1, 2, 3]
    assert rejected[0].reason.startswith("Annotations/1.xml is no XML: no element found")
    assert rejected[1].reason == "Annotations/2.xml: No such file or directory"
    assert rejected[2].reason == f"JPEGImages/3.jpg: there is no such file below {cells}"


def test_a_table_of_boxes_is_read_like_any_other(cells: Path) -> None:
    rows = [
        {"file_name": "JPEGImages/1.JPG", "objects": {"bbox": [[2, 3, 18, 27]], "categories": ["red"]}},
        {"file_name": "JPEGImages/3.JPG", "objects": {"bbox": [], "categories": []}},
    ]
    table = cells / "metadata.jsonl"
    table.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    dataset = load(table, TASK)

    assert [example.target for example in dataset.examples] == [(Box(2, 3, 20, 30, "red"),), ()]
    assert dataset.columns == {"input": "file_name", "label": "objects"}


def test_a_list_may_name_the_files_of_pictures(cells: Path) -> None:
    (cells / "ImageSets/Main/train.txt").write_text("1.jpg\nJPEGImages/2.JPG\n", encoding="utf-8")
    assert [Path(example.input).name for example in load(cells, TASK).examples] == ["1.JPG", "2.JPG"]


def test_images_and_annotations_in_lower_case_are_the_same(cells: Path) -> None:
    shutil.rmtree(cells / "ImageSets")
    (cells / "Annotations").rename(cells / "annotations")
    (cells / "JPEGImages").rename(cells / "images")

    examples = load(cells, TASK).examples
    assert [Path(example.input).relative_to(cells).as_posix() for example in examples] == [
        f"images/{number}.JPG" for number in (1, 2, 3, 4)
    ]
