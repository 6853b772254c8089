"""Folders of images are data sets: what stands where decides the class and the part."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from zoo.data import Dataset, digest, likely_task, load, split
from zoo.errors import DatasetInvalid
from zoo.tasks import get_task

CLASSIFY, LOOK = get_task("image-classification"), get_task("image-feature-extraction")


def draw(root: Path, *names: str) -> Path:
    """Small images, no two the same."""
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), number).save(path, "PNG")
    return root


def files_and_labels(dataset: Dataset, root: Path) -> list[tuple[str, str | None]]:
    return [(os.path.relpath(example.input, root), example.label) for example in dataset.examples]


def test_the_first_folder_names_the_class(tmp_path: Path) -> None:
    draw(tmp_path, "dog/b.png", "cat/2.JPG", "cat/1.png", "dog/old/a.jpeg", "cat/.hidden.png", "__MACOSX/cat/1.png")
    (tmp_path / "cat" / "notes.txt").write_text("nothing to see")
    dataset = load(tmp_path, CLASSIFY)

    assert files_and_labels(dataset, tmp_path) == [
        ("cat/1.png", "cat"),
        ("cat/2.JPG", "cat"),
        ("dog/b.png", "dog"),
        ("dog/old/a.jpeg", "dog"),
    ]
    assert dataset.labels == ("cat", "dog")
    assert dataset.rejected == ()
    assert all(Path(example.input).is_absolute() for example in dataset.examples)


def test_class_names_that_are_numbers_are_in_their_order(tmp_path: Path) -> None:
    draw(tmp_path, "10/a.png", "9/a.png", "1/a.png")
    assert load(tmp_path, CLASSIFY).labels == ("1", "9", "10")


def test_without_labels_every_image_below_counts(tmp_path: Path) -> None:
    draw(tmp_path, "a.png", "deep/er/b.png", "cat/c.png")
    assert files_and_labels(load(tmp_path, LOOK), tmp_path) == [
        ("a.png", None),
        ("cat/c.png", None),
        ("deep/er/b.png", None),
    ]


def test_images_beside_the_class_folders_are_set_aside(tmp_path: Path) -> None:
    draw(tmp_path, "cat/1.png", "dog/1.png", "loose.png")
    rejected = load(tmp_path, CLASSIFY).rejected
    assert ["it stands beside the class folders, not in one, so it has no label"] == [row.reason for row in rejected]


def test_a_folder_without_class_folders_says_how_they_are_made(tmp_path: Path) -> None:
    draw(tmp_path, "a.png", "b.png")
    with pytest.raises(DatasetInvalid) as caught:
        load(tmp_path, CLASSIFY)
    assert "has images, but no class folders" in caught.value.message
    assert f"such as {tmp_path}/cat/1.jpg" in caught.value.hint


def test_one_class_and_no_images_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetInvalid, match="is a folder without images"):
        load(tmp_path, CLASSIFY)
    draw(tmp_path, "cat/1.png", "cat/2.png")
    with pytest.raises(DatasetInvalid, match="has one class only"):
        load(tmp_path, CLASSIFY)


def test_links_are_followed_and_circles_end(tmp_path: Path) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    draw(data, "cat/1.png")
    draw(elsewhere, "2.png")
    (data / "dog").symlink_to(elsewhere)
    (data / "cat" / "round").symlink_to(data)
    (data / "cat" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    dataset = load(data, CLASSIFY)

    names = [os.path.relpath(example.input, data) for example in dataset.examples]
    assert names[0] == "cat/1.png"
    assert names[-1] == "dog/2.png"
    assert any("cat/gone.png" in row.reason for row in dataset.rejected)


def test_names_that_are_no_text_are_set_aside(tmp_path: Path) -> None:
    draw(tmp_path, "cat/1.png", "dog/1.png")
    odd = os.fsencode(tmp_path) + b"/cat/\xff.png"
    shutil.copyfile(tmp_path / "cat" / "1.png", odd)
    dataset = load(tmp_path, CLASSIFY)
    assert len(dataset.examples) == 2
    assert "its name is not UTF-8; rename the file" in dataset.rejected[0].reason


TABLE = "file_name,label\na.png,one\nsub/b.png,two\n"


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl", "labels.csv"])
def test_a_table_names_images_beside_itself(name: str, tmp_path: Path) -> None:
    draw(tmp_path, "a.png", "sub/b.png")
    lines = '{"file_name": "a.png", "label": "one"}\n{"file_name": "sub/b.png", "label": "two"}\n'
    (tmp_path / name).write_text(lines if name.endswith("jsonl") else TABLE)
    path = tmp_path if name.startswith("metadata") else tmp_path / name

    assert files_and_labels(load(path, CLASSIFY), tmp_path) == [("a.png", "one"), ("sub/b.png", "two")]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("none.png", "none.png: there is no such file below"),
        ("", "column file_name is empty"),
        ("sub", "sub: it is no ordinary file"),
        ("zero.png", "zero.png: it is empty (0 bytes)"),
        ("https://example.org/a.png", "it is an address, not a file on this machine"),
    ],
)
def test_rows_that_lead_to_no_file_are_set_aside(cell: str, reason: str, tmp_path: Path) -> None:
    draw(tmp_path, "a.png", "sub/b.png")
    (tmp_path / "zero.png").touch()
    table = tmp_path / "table.csv"
    table.write_text(TABLE + f"{cell},one\n")
    (row,) = load(table, CLASSIFY).rejected
    assert row.row == 3
    assert reason in row.reason


def test_absolute_paths_and_ones_that_lead_up_are_taken(tmp_path: Path) -> None:
    draw(tmp_path, "a.png", "tables/b.png")
    table = tmp_path / "tables" / "t.csv"
    table.write_text(f"image,label\n../a.png,one\n{tmp_path}/tables/b.png,two\n")
    assert files_and_labels(load(table, CLASSIFY), tmp_path) == [("a.png", "one"), ("tables/b.png", "two")]


def test_the_same_images_are_the_same_data_wherever_they_stand(tmp_path: Path) -> None:
    draw(tmp_path / "a", *(f"{label}/{n}.png" for label in ("cat", "dog") for n in range(6)))
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    here, there = load(tmp_path / "a", CLASSIFY), load(tmp_path / "b", CLASSIFY)

    assert here.sha256 == there.sha256
    for mine, others in zip(split(here, 0.3, 1), split(there, 0.3, 1), strict=True):
        assert [os.path.relpath(e.input, tmp_path / "a") for e in mine] == [
            os.path.relpath(e.input, tmp_path / "b") for e in others
        ]
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    Image.new("L", (4, 4), 99).save(tmp_path / "b" / "cat" / "0.png")
    assert load(tmp_path / "b", CLASSIFY).sha256 != here.sha256


def test_copies_of_an_image_stay_on_one_side(tmp_path: Path) -> None:
    draw(tmp_path, *(f"{label}/{n}.png" for label in ("cat", "dog") for n in range(10)))
    for n in range(10):
        shutil.copy(tmp_path / "cat" / f"{n}.png", tmp_path / "cat" / f"copy of {n}.png")
    for seed in range(5):
        train, held_out = split(load(tmp_path, CLASSIFY), 0.3, seed)
        assert held_out
        assert not {example.digest for example in train} & {example.digest for example in held_out}


@pytest.mark.parametrize(
    ("header", "column", "task"),
    [
        ("file_name,label", "", "image-classification"),
        ("Image,label", "", "image-classification"),
        ("text,label", "", "text-classification"),
        ("path,text,label", "", "text-classification"),
        ("path,text,label", "path", "image-classification"),
        ("odd,columns", "", "text-classification"),
    ],
)
def test_what_data_is_for_shows_in_its_columns(header: str, column: str, task: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\na,b,c\n")
    assert likely_task(path, {"input": column} if column else {}).name == task


def test_a_folder_holds_images_of_classes(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_bytes(b"not looked at")
    assert likely_task(tmp_path).name == "image-classification"
