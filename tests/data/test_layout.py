"""Which folder of a data set holds its classes, and which are its parts: by how they are named and what they hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from zoo.data import Inspection, digest, inspect, load, match_labels
from zoo.data.layout import parts_of
from zoo.errors import DatasetInvalid
from zoo.tasks import get_task

CLASSIFY = get_task("image-classification")


def draw(root: Path, *names: str) -> Path:
    """Small images, no two the same."""
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), number).save(path, "PNG")
    return root


def warnings(inspection: Inspection) -> str:
    return "\n".join(finding.message for finding in inspection.findings if finding.level == "warning")


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (("train", "val"), ("train", "val", None)),
        (("Train", "VALID"), ("Train", "VALID", None)),
        (("training", "validation", "test"), ("training", "validation", "test")),
        (("train", "test"), ("train", None, "test")),
        (("training_set", "test_set"), ("training_set", None, "test_set")),
        (("trainset", "testset"), ("trainset", None, "testset")),
        (("Training Data", "Validation-Data"), ("Training Data", "Validation-Data", None)),
        (("train_images", "eval_images"), ("train_images", "eval_images", None)),
        (("train2017", "val2017"), ("train2017", "val2017", None)),
        (("seg_pred", "seg_test", "seg_train"), ("seg_train", None, "seg_test")),
        (("train", "train_old", "val"), ("train", "val", None)),
        (("train", "val", "@eaDir", "$RECYCLE.BIN"), ("train", "val", None)),
        (("train", "cat"), None),
        (("val", "test"), None),
        (("cat", "dog"), None),
        (("train_station", "test_tube"), None),
        (("steam train", "test pattern"), None),
    ],
)
def test_parts_are_recognised_by_their_usual_names(
    folders: tuple[str, ...], expected: tuple[str | None, ...] | None, tmp_path: Path
) -> None:
    for name in folders:
        draw(tmp_path, f"{name}/cat/1.png")
    parts = parts_of(tmp_path)
    if expected is None:
        assert parts == (tmp_path, None, None)
        return
    assert [None if part is None else part.name for part in parts] == list(expected)
    with pytest.raises(DatasetInvalid, match="is divided into") as caught:
        load(tmp_path, CLASSIFY)
    assert caught.value.hint == f"name the part: {' or '.join(str(tmp_path / name) for name in expected if name)}"


@pytest.mark.parametrize("above", ["train", "training_set", "test", "images", "dataset", "pets", "dataset/train"])
def test_levels_that_hold_nothing_but_the_next_are_passed_through(above: str, tmp_path: Path) -> None:
    pets = draw(tmp_path / "pets", f"{above}/cat/1.png", f"{above}/dog/2.png", "@eaDir/thumb.png", ".cache/x.png")
    assert load(pets, CLASSIFY).labels == ("cat", "dog")
    assert parts_of(pets).train == pets / above
    assert digest(pets) == digest(pets / above)
    assert [os.path.relpath(e.input, pets / above) for e in load(pets, CLASSIFY).examples] == ["cat/1.png", "dog/2.png"]


def test_parts_are_found_on_the_level_below(tmp_path: Path) -> None:
    draw(tmp_path, "data/training_set/training_set/cat/1.png", "data/test_set/test_set/cat/2.png")
    assert parts_of(tmp_path) == (tmp_path / "data" / "training_set", None, tmp_path / "data" / "test_set")
    assert [
        example.label for example in load(tmp_path / "data" / "training_set", CLASSIFY, min_classes=1).examples
    ] == ["cat"]


def test_a_folder_that_leads_into_itself_ends(tmp_path: Path) -> None:
    draw(tmp_path / "pets", "train/dog/1.png")
    (tmp_path / "pets" / "train" / "cat").symlink_to(tmp_path / "pets")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "images").symlink_to(tmp_path / "data")
    assert parts_of(tmp_path / "pets").train.name == "train"
    with pytest.raises(DatasetInvalid, match="without images"):
        load(tmp_path / "data", CLASSIFY)


@pytest.mark.parametrize("name", ["metadata.csv", "loose.png"])
def test_a_folder_with_more_than_one_folder_in_it_stays(name: str, tmp_path: Path) -> None:
    draw(tmp_path, "images/cat/1.png", "images/dog/2.png")
    if name == "metadata.csv":
        (tmp_path / name).write_text("file_name,label\nimages/cat/1.png,tom\nimages/dog/2.png,rex\n")
        assert load(tmp_path, CLASSIFY).labels == ("rex", "tom")
    else:
        draw(tmp_path, name)
        assert parts_of(tmp_path).train == tmp_path


def test_one_class_that_holds_classes_points_to_them(tmp_path: Path) -> None:
    draw(tmp_path, "animals/cat/1.png", "animals/dog/2.png")
    with pytest.raises(DatasetInvalid) as caught:
        load(tmp_path, CLASSIFY)
    assert caught.value.message == f"{tmp_path} has one class only: every image stands in {tmp_path}/animals"
    assert caught.value.hint == f"if the classes are the folders in it, use {tmp_path}/animals"
    assert load(tmp_path, CLASSIFY, min_classes=1).labels == ("animals",)


def test_classes_several_levels_down_are_pointed_to(tmp_path: Path) -> None:
    draw(tmp_path, "archive/PetImages/cat/1.png", "archive/PetImages/dog/2.png")
    with pytest.raises(DatasetInvalid) as caught:
        load(tmp_path, CLASSIFY)
    assert caught.value.hint == f"if the classes are the folders in it, use {tmp_path}/archive/PetImages"
    assert [finding.message for finding in inspect(tmp_path, CLASSIFY).findings] == [
        f"{tmp_path} has one class only: every image is 'archive'",
        f"{tmp_path}: every image stands in {tmp_path}/archive/PetImages; if the classes are the folders in it, "
        f"use {tmp_path}/archive/PetImages",
    ]


def test_a_folder_has_no_column_to_name(tmp_path: Path) -> None:
    draw(tmp_path, "cat/1.png", "dog/2.png")
    with pytest.raises(DatasetInvalid) as caught:
        load(tmp_path, CLASSIFY, columns={"label": "breed"})
    assert "is a folder of images, which has no columns" in caught.value.message
    assert caught.value.hint == "leave --label out, or name a table that lists the images"


def test_an_image_of_an_unknown_class_is_named_by_its_path(tmp_path: Path) -> None:
    draw(tmp_path, "cat/1.png", "fox/2.png", "fox/3.png")
    with pytest.raises(DatasetInvalid) as caught:
        match_labels(load(tmp_path, CLASSIFY), ("cat", "dog"))
    assert (
        caught.value.message == f"{tmp_path}/fox/2.png: label 'fox' is none of those trained on, and 1 more such image"
    )


def test_one_class_alone_says_how_others_are_made(tmp_path: Path) -> None:
    draw(tmp_path, "cat/1.png", "cat/old/2.png")
    with pytest.raises(DatasetInvalid) as caught:
        load(tmp_path, CLASSIFY)
    assert "--label" not in caught.value.hint
    assert caught.value.hint.endswith(f"put the images of each class in a folder of its own below {tmp_path}")


def test_what_systems_leave_is_no_class_and_no_file(tmp_path: Path) -> None:
    draw(tmp_path, "cat/1.png", "dog/2.png")
    for name in ("@eaDir", "__MACOSX", ".ipynb_checkpoints", "$RECYCLE.BIN", "System Volume Information", "#recycle"):
        draw(tmp_path, f"{name}/thumb.png", f"cat/{name}/thumb.png")
        (tmp_path / name / "notes.dat").touch()
    for name in ("Thumbs.db", "desktop.ini", "cat/Thumbs.db"):
        (tmp_path / name).touch()
    (tmp_path / "cat" / "notes.txt").touch()
    inspection = inspect(tmp_path, CLASSIFY)
    assert [(count.label, count.rows) for count in inspection.labels] == [("cat", 1), ("dog", 1)]
    assert inspection.train.images is not None
    assert inspection.train.images.other_files == {".txt": 1}


def test_class_folders_without_images_are_told(tmp_path: Path) -> None:
    draw(tmp_path, "train/cat/1.png", "train/dog/2.png", "train/emu/3.png", "val/cat/4.png", "val/dog/5.png")
    (tmp_path / "train" / "bird").mkdir()
    (tmp_path / "val" / "emu").mkdir()
    text = warnings(inspect(tmp_path, CLASSIFY))
    assert f"{tmp_path}/train: class folders without images, which are left out: bird" in text
    assert f"{tmp_path}/val: class folders without images, which are left out: emu" in text
    assert "labels without evaluation data, which are not judged: emu" in text


def test_the_same_folders_in_every_class_are_told(tmp_path: Path) -> None:
    """No name tells that `monday` and `tuesday` are no classes."""
    draw(tmp_path, *(f"{day}/{label}/{day}.png" for day in ("monday", "tuesday") for label in ("cat", "dog")))
    assert f"{tmp_path}: every class folder holds the folders cat, dog" in warnings(inspect(tmp_path, CLASSIFY))


def test_a_folder_without_images_says_what_it_holds(tmp_path: Path) -> None:
    for name in ("cat/1.heic", "cat/2.heic", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(DatasetInvalid, match=r"holds files of other kinds \(2 \.heic, 1 \.txt\)"):
        load(tmp_path, CLASSIFY)
