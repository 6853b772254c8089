"""Tables with a box in each row: the rows of one picture are one, whatever its columns are called."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.data import load
from zoo.data.inspection import inspect
from zoo.data.table import Table
from zoo.kinds import BOXES, Box
from zoo.tasks import get_task

TASK = msgspec.structs.replace(get_task("image-multi-label-classification"), target=BOXES)
EXPECTED = [(Box(2, 3, 20, 30, "red"), Box(1, 1, 40, 30, "white")), (Box(4, 8, 24, 24, "red"),)]
HEADERS = {
    "file_name,xmin,ymin,xmax,ymax,label": "{f},{l},{t},{r},{b},{c}",
    "filename,width,height,class,xmin,ymin,xmax,ymax": "{f},48,32,{c},{l},{t},{r},{b}",
    "image_path,x1,y1,x2,y2,class_name": "{f},{l},{t},{r},{b},{c}",
    "ImageID,Path,XMin,XMax,YMin,YMax,LabelName": "7,{f},{sl},{sr},{st},{sb},{c}",
    "label_name,bbox_x,bbox_y,bbox_width,bbox_height,image_name,image_width,image_height": (
        "{c},{l},{t},{w},{h},{f},48,32"
    ),
    "image,category,x,y,w,h": "{f},{c},{l},{t},{w},{h}",
    "image,label,bbox": '{f},{c},"[{l}, {t}, {w}, {h}]"',
}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for name in ("1.png", "2.png", "3.png"):
        Image.new("RGB", (48, 32), int(name[0]) * 60).save(tmp_path / name)
    return tmp_path


def written(root: Path, header: str, row: str, boxes: list[tuple[str, Box]]) -> Path:
    lines = [header]
    for file, one in boxes:
        edges = {"l": one.left, "t": one.top, "r": one.right, "b": one.bottom}
        shares = {"sl": one.left / 48, "st": one.top / 32, "sr": one.right / 48, "sb": one.bottom / 32}
        extent = {"w": one.right - one.left, "h": one.bottom - one.top}
        lines.append(row.format(f=file, c=one.label, **edges, **shares, **extent))
    path = root / "boxes.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("header", HEADERS)
def test_rows_of_a_picture_are_joined_whatever_the_columns_are_called(header: str, pictures: Path) -> None:
    boxes = [("1.png", EXPECTED[0][0]), ("1.png", EXPECTED[0][1]), ("2.png", EXPECTED[1][0])]
    dataset = load(written(pictures, header, HEADERS[header], boxes), TASK)
    rounded = [
        tuple(msgspec.structs.replace(box, right=round(box.right, 6)) for box in e.target) for e in dataset.examples
    ]
    assert EXPECTED == rounded
    assert [1, 3] == [example.row for example in dataset.examples]
    assert "3 boxes (" in dataset.reading_note
    assert "one a row, in 2 pictures, whose rows are joined" in dataset.reading_note
    assert ("as shares of the picture" in dataset.reading_note) == header.startswith("ImageID")


def test_rows_of_a_picture_may_stand_apart(pictures: Path) -> None:
    header = "file_name,xmin,ymin,xmax,ymax,label"
    boxes = [("1.png", EXPECTED[0][0]), ("2.png", EXPECTED[1][0]), ("1.png", EXPECTED[0][1])]
    dataset = load(written(pictures, header, HEADERS[header], boxes), TASK)
    assert {"1.png": EXPECTED[0], "2.png": EXPECTED[1]} == {Path(e.input).name: e.target for e in dataset.examples}
    assert "; the rows of 1 of these do not stand together" in dataset.reading_note


def test_a_fault_is_named_by_the_row_of_its_box_and_a_row_without_numbers_is_a_picture_without_boxes(
    pictures: Path,
) -> None:
    path = pictures / "boxes.csv"
    path.write_text(
        "file_name,xmin,ymin,xmax,ymax,label\n1.png,2,3,20,30,red\n1.png,2,3,20,30,red\n1.png,9,9,9,20,red\n"
        "2.png,,,,,\n3.png,1,x,5,6,red\n4.png,1,1,2,2,red\n"
    )
    dataset = load(path, TASK)
    assert [(EXPECTED[0][0],), (), ()] == [example.target for example in dataset.examples]
    assert [
        (1, "the box of row 2 (red) is the same as the box of row 1, and is left out"),
        (1, "the box of row 3 (red) has no area (9, 9 to 9, 20), and is left out"),
        (5, "the box of row 5 has 'x' for a number of pixels, and is left out"),
    ] == [(fault.row, fault.reason) for fault in dataset.faults]
    assert [6] == [row.row for row in dataset.rejected]


def test_json_lines_are_joined_too(pictures: Path) -> None:
    path = pictures / "boxes.jsonl"
    rows = [{"file_name": "1.png", "label": "red", "bbox": [2, 3, 18, 27]}, {"file_name": "2.png", "label": "red"}]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert [(EXPECTED[0][0],), ()] == [example.target for example in load(path, TASK).examples]


def test_rows_stay_rows_where_no_boxes_are_read(pictures: Path) -> None:
    header = "file_name,xmin,ymin,xmax,ymax,label"
    path = written(pictures, header, HEADERS[header], [("1.png", box) for box in EXPECTED[0]])
    table = Table(path)
    assert [1, 2] == [row.number for row in table.rows(("file_name", "label"))]
    dataset = load(path, get_task("image-classification"))
    assert ["red", "white"] == [example.target for example in dataset.examples]
    assert "joined" not in dataset.reading_note


def test_the_data_choose_detection(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = "file_name,xmin,ymin,xmax,ymax,label"
    path = written(pictures, header, HEADERS[header], [("1.png", EXPECTED[0][0]), ("2.png", EXPECTED[1][0])])
    assert ExitCode.OK == main(["data", "inspect", str(path)])
    assert (
        "2 boxes (xmin, ymin, xmax, ymax), one a row, in 2 pictures, whose rows are joined" in capsys.readouterr().out
    )
    assert inspect(path, TASK).train.rows == 2
