"""YOLO folders: a text file for each picture, names and parts in data.yaml."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from PIL import Image

from zoo.data import inspect, load
from zoo.data.layout import parts_of
from zoo.errors import DatasetInvalid
from zoo.kinds import BOXES, Box
from zoo.tasks import get_task

TASK = msgspec.structs.replace(get_task("image-multi-label-classification"), target=BOXES)
ULTRALYTICS = ("images/train", "labels/train", "train: images/train\nval: images/val\nnames: {0: cat, 1: dog}\n")
ROBOFLOW = ("train/images", "train/labels", "train: ../train/images\nval: ../valid/images\nnames: ['cat', 'dog']\n")


def written(root: Path, pictures: str, labels: str, yaml: str, **texts: str) -> Path:
    """A data set with a picture and perhaps a text for each name; the last is turned by its camera."""
    for folder in (pictures, labels, pictures.replace("train", "val"), pictures.replace("train", "valid")):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "data.yaml").write_text(yaml, encoding="utf-8")
    for name, text in texts.items():
        Image.new("RGB", (40, 20)).save(root / pictures / f"{name}.jpg")
        if text:
            (root / labels / f"{name}.txt").write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize("layout", [ULTRALYTICS, ROBOFLOW])
def test_shares_become_pixels_in_either_order_of_folders(tmp_path: Path, layout: tuple[str, str, str]) -> None:
    outline = "0 0.1 0.1 0.5 0.1 0.5 0.9 0.1 0.9"
    root = written(tmp_path, *layout, a="1 0.5 0.5 0.5 0.5\n", b="", c=f"{outline}\n")
    parts = parts_of(root)
    dataset = load(parts.train, TASK)

    assert parts.train == root / layout[0]
    assert parts.eval is not None
    assert [example.target for example in dataset.examples] == [
        (Box(10, 5, 30, 15, "dog"),),
        (),
        (Box(4, 2, 20, 18, "cat"),),
    ]
    assert dataset.labels == ("cat", "dog")


def test_one_part_alone_is_still_a_yolo_data_set(tmp_path: Path) -> None:
    pictures, labels, yaml = ROBOFLOW
    root = written(tmp_path, pictures, labels, yaml, a="1 0.5 0.5 0.5 0.5\n")
    (root / "valid/images").rmdir()
    (root / "valid").rmdir()
    assert parts_of(root) == (root / "train/images", None, None)
    assert load(root, TASK).examples[0].target == (Box(10, 5, 30, 15, "dog"),)


def test_a_picture_turned_by_its_camera_has_its_boxes_where_they_are_seen(tmp_path: Path) -> None:
    root = written(tmp_path, *ULTRALYTICS, a="0 0.5 0.5 1 1\n")
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (40, 20)).save(root / "images/train/a.jpg", exif=exif)
    assert load(root, TASK).examples[0].target == (Box(0, 0, 20, 40, "cat"),)


def test_lines_that_are_no_boxes_are_left_out_alone(tmp_path: Path) -> None:
    lines = "0 0.5 0.5 0.5 0.5\n7 0.5 0.5 0.5 0.5\ncat 1 2 3 4\n0 0.5 0.5\n0 120 40 30 20\n"
    (example,) = load(written(tmp_path, *ULTRALYTICS, a=lines), TASK).examples
    faults = load(tmp_path, TASK).faults

    assert example.target == (Box(10, 5, 30, 15, "cat"),)
    assert [fault.reason for fault in faults] == [
        "box 2 is of class 7, which data.yaml does not name, and is left out",
        "box 3 is written 'cat 1 2 3 4', which are not a class and numbers, and is left out",
        "box 4 has 2 numbers, not 4, nor the pairs of an outline, and is left out",
        "box 5 has 120 for a share of the picture: are these pixels?, and is left out",
    ]


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("train: images/train\n", "{file} names no classes: names is 'None'"),
        ("names: [a]\ntrain: nowhere\n", "{file} names no folder of pictures to train on: train is 'nowhere'"),
        ("names: [a\n", "{file} cannot be read: while parsing a flow sequence"),
        ("- 1\n", "{file} says nothing of a data set"),
    ],
)
def test_a_data_yaml_that_does_not_do_is_told(tmp_path: Path, yaml: str, message: str) -> None:
    root = written(tmp_path, *ULTRALYTICS[:2], yaml, a="")
    with pytest.raises(DatasetInvalid) as caught:
        load(parts_of(root).train, TASK)
    assert caught.value.message.startswith(message.format(file=root / "data.yaml"))


def test_faults_are_named_by_the_file(tmp_path: Path) -> None:
    root = written(tmp_path, *ULTRALYTICS, a="0 0.5 0.5 0.5 0.5\n9 0.5 0.5 0.5 0.5\n", b="0 0.5 0.5 0.5 0.5\n")
    (root / "images/train/c.jpg").write_bytes(b"no picture")
    dataset = load(root, TASK)
    (fault,), (row,) = dataset.faults, dataset.rejected
    assert (fault.file, fault.row, fault.name) == (str(root / "images/train/a.jpg"), 1, "a.jpg")
    assert fault.located_reason == "a.jpg: box 2 is of class 9, which data.yaml does not name, and is left out"
    assert fault.location == str(root / "images/train/a.jpg")
    assert (row.file, row.name) == (str(root / "images/train/c.jpg"), "c.jpg")
    assert row.located_reason.startswith("c.jpg: it is no image")
    messages = [finding.message for finding in inspect(root / "images/train", TASK).findings]
    assert any(f"the first is {fault.located_reason}" in message for message in messages)
    assert any("the first is c.jpg: it is no image" in message for message in messages)


@pytest.mark.parametrize(
    ("file", "label", "note"),
    [
        ("classes.txt", "dog", "whose classes classes.txt names"),
        ("obj.names", "dog", "whose classes obj.names names"),
        ("labels/classes.txt", "dog", "whose classes classes.txt names"),
        ("", "1", "its classes are called by their numbers"),
    ],
)
@pytest.mark.parametrize(
    "folders", [("images", "labels"), ("images/train", "labels/train"), ("train/images", "train/labels")]
)
def test_a_data_set_without_data_yaml_is_known_by_its_texts(
    tmp_path: Path, folders: tuple[str, str], file: str, label: str, note: str
) -> None:
    root = written(tmp_path, *folders, "", a="", b="1 0.5 0.5 0.5 0.5\n")
    (root / "data.yaml").unlink()
    (root / folders[1] / "b.txt").rename(root / folders[1] / "b.TXT")
    if file:
        (root / file).parent.mkdir(exist_ok=True)
        (root / file).write_text("cat\ndog\n\n")
    if file != "labels/classes.txt" or folders[1] != "train/labels":
        dataset = load(parts_of(root).train, TASK)
        assert [(), (Box(10, 5, 30, 15, label),)] == [example.target for example in dataset.examples]
        assert note in dataset.reading_note
