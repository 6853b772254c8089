"""COCO documents: which file is one, where its pictures are, and what is wrong with its boxes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from zoo.data import load
from zoo.data.guessing import likely_task
from zoo.data.layout import parts_of
from zoo.errors import DatasetInvalid
from zoo.kinds import BOXES, Box
from zoo.tasks import get_task

TASK = msgspec.structs.replace(get_task("image-multi-label-classification"), target=BOXES)
DOCUMENT: dict[str, Any] = {
    "info": {"year": 2026},
    "images": [
        {"id": 7, "file_name": "a.png", "width": 40, "height": 30},
        {"id": 9, "file_name": "b.png", "width": 40, "height": 30},
    ],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 3, "bbox": [2, 3, 10, 20], "area": 200, "iscrowd": 0},
        {"id": 2, "image_id": 7, "category_id": 5, "bbox": [2, 3, 10, 20], "area": 200, "iscrowd": 0},
        {"id": 3, "image_id": 7, "category_id": 3, "bbox": [0, 0, 40, 30], "area": 1200, "iscrowd": 1},
    ],
    "categories": [{"id": 3, "name": "cat", "supercategory": "animal"}],
}


def written(folder: Path, name: str, pictures: str, document: dict[str, Any] = DOCUMENT) -> Path:
    """A document, and its pictures in a folder from the same root on."""
    (folder / pictures).mkdir(parents=True, exist_ok=True)
    for picture in ("a.png", "b.png"):
        Image.new("RGB", (40, 30)).save(folder / pictures / picture)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "pictures"),
    [
        ("train.json", "."),
        ("train.json", "images"),
        ("annotations/instances_train2017.json", "train2017"),
        ("annotations/instances_val.json", "images/val"),
        ("train/_annotations.coco.json", "train"),
    ],
)
def test_pictures_are_found_where_they_usually_stand(tmp_path: Path, name: str, pictures: str) -> None:
    dataset = load(written(tmp_path, name, pictures), TASK)

    assert [example.input for example in dataset.examples] == [
        str(tmp_path / pictures / picture) for picture in ("a.png", "b.png")
    ]
    assert [example.target for example in dataset.examples] == [(Box(2, 3, 12, 23, "cat"),), ()]
    assert [fault.reason for fault in dataset.faults] == [
        "box 2 is of category 5, which the document does not name, and is left out"
    ]


def test_a_folder_with_roboflows_document_is_that_document(tmp_path: Path) -> None:
    written(tmp_path, "train/_annotations.coco.json", "train")
    assert len(load(tmp_path / "train", TASK).examples) == 2


@pytest.mark.parametrize(
    ("train", "val", "pictures"),
    [
        ("train.json", "val.json", "images"),
        ("annotations/instances_train2017.json", "annotations/instances_val2017.json", "{part}2017"),
        ("train_annotations.json", "val_annotations.json", "images/{part}"),
    ],
)
def test_a_folder_with_documents_is_divided_as_they_are(tmp_path: Path, train: str, val: str, pictures: str) -> None:
    for part, name in (("train", train), ("val", val)):
        written(tmp_path, name, pictures.format(part=part))
    captions = {"images": [], "annotations": [{"image_id": 7, "caption": "a cat"}]}
    (tmp_path / train).with_name("captions_train2017.json").write_text(json.dumps(captions), encoding="utf-8")

    assert parts_of(tmp_path) == (tmp_path / train, tmp_path / val, None)
    assert len(load(tmp_path, get_task("object-detection")).examples) == 2


def test_a_folder_with_one_document_is_that_document(tmp_path: Path) -> None:
    path = written(tmp_path, "labels.json", "images")
    assert parts_of(tmp_path) == (path, None, None)


def test_a_document_without_any_usable_box_is_still_one_of_boxes(tmp_path: Path) -> None:
    path = written(tmp_path, "train.json", "images", DOCUMENT | {"categories": []})
    assert likely_task(path).name == "object-detection"


def test_an_object_of_rows_is_still_a_table(tmp_path: Path) -> None:
    written(tmp_path, "x.json", ".")
    path = tmp_path / "rows.json"
    rows = [{"file_name": "a.png", "boxes": [{"label": "cat", "bbox": [2, 3, 10, 20]}]}]
    path.write_text(json.dumps({"info": "x", "data": rows}), encoding="utf-8")
    assert [example.target for example in load(path, TASK).examples] == [(Box(2, 3, 12, 23, "cat"),)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"images": [{"id": 1}], "annotations": []}', "Object missing required field `file_name`"),
        ('{"images": [], "annotations": [', "Input data was truncated"),
    ],
)
def test_a_broken_document_is_told_as_what_it_begins_as(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "train.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DatasetInvalid) as caught:
        load(path, TASK)
    assert caught.value.message.startswith(f"{path} begins as a COCO document and is none: {message}")


def test_numbers_that_python_and_data_frames_write_are_read(tmp_path: Path) -> None:
    annotations = [
        {"image_id": 7.0, "category_id": 3.0, "bbox": [2, 3, 10, 20]},
        {"image_id": 7, "category_id": 3, "bbox": [float("nan"), 3, 10, 20]},
    ]
    dataset = load(written(tmp_path, "train.json", ".", DOCUMENT | {"annotations": annotations}), TASK)
    assert dataset.examples[0].target == (Box(2, 3, 12, 23, "cat"),)
    assert [fault.reason for fault in dataset.faults] == ["box 2 has nan for a number of pixels, and is left out"]


def test_a_document_without_annotations_says_so(tmp_path: Path) -> None:
    path = tmp_path / "images.json"
    path.write_text('{"images": [{"id": 1, "file_name": "1.jpg"}], "categories": [{"id": 1, "name": "cat"}]}')
    with pytest.raises(DatasetInvalid) as caught:
        load(path, TASK)
    assert f"{path} (read as a COCO document without annotations) has no column that is usually the box" in str(
        caught.value
    )
    path.write_text('{"images": [], "annotations": [], "categories": []}')
    with pytest.raises(DatasetInvalid, match=r"images\.json has no rows"):
        load(path, TASK)


def test_annotations_of_images_that_are_not_listed_are_reported(tmp_path: Path) -> None:
    Image.new("RGB", (48, 32)).save(tmp_path / "1.jpg")
    boxes = [{"image_id": number, "category_id": 1, "bbox": [1, 1, 9, 9]} for number in (1, 7, 8)]
    document = {
        "images": [{"id": 1, "file_name": "1.jpg"}],
        "annotations": boxes,
        "categories": [{"id": 1, "name": "a"}],
    }
    (tmp_path / "all.json").write_text(json.dumps(document))
    note = load(tmp_path / "all.json", TASK).reading_note
    assert note == "read as a COCO document without 2 annotations of images that it does not list, such as 7"
