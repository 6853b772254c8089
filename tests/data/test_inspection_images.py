"""An inspection of images decodes every one of them and names files, not rows."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from zoo.data import Inspection, inspect
from zoo.data.report import LabelCount
from zoo.kinds.facts import ModelLimits, Size
from zoo.tasks import get_task

CLASSIFY, LOOK = get_task("image-classification"), get_task("image-feature-extraction")


def draw(path: Path, colour: int, *, size: tuple[int, int] = (20, 10), mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, colour).convert(mode).save(path)
    return path


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Nine cats and nine dogs."""
    for number in range(9):
        draw(tmp_path / "pets" / "cat" / f"{number}.png", number)
        draw(tmp_path / "pets" / "dog" / f"{number}.jpg", 100 + 9 * number, size=(40, 30 + number), mode="L")
    return tmp_path / "pets"


def messages(inspection: Inspection) -> list[tuple[str, str]]:
    return [(finding.level, finding.message) for finding in inspection.findings]


def test_images_are_counted_and_measured(pets: Path) -> None:
    inspection = inspect(pets, CLASSIFY)
    facts = inspection.train.images

    assert messages(inspection) == []
    assert (inspection.train.unit, inspection.train.rows) == ("image", 18)
    assert inspection.labels == (LabelCount("cat", 9), LabelCount("dog", 9))
    assert facts is not None
    assert (facts.smallest, facts.median, facts.largest) == (Size(20, 10), Size(20, 10), Size(40, 38))
    assert facts.sizes == 10
    assert facts.modes == {"RGB": 9, "L": 9}
    assert facts.formats == {"PNG": 9, "JPEG": 9}
    assert msgspec.json.decode(msgspec.json.encode(inspection), type=Inspection) == inspection


def test_broken_files_are_named_with_their_reasons(pets: Path) -> None:
    (pets / "cat" / "zero.png").touch()
    whole = (pets / "dog" / "1.jpg").read_bytes()
    (pets / "dog" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (pets / "dog" / "page.jpg").write_text("<html>")
    inspection = inspect(pets, CLASSIFY)

    first, second, _ = (row.reason for row in inspection.train.rejected)
    assert first == "cat/zero.png: it is empty (0 bytes)"
    assert second.startswith("dog/cut.jpg: ")
    ((level, message),) = messages(inspection)
    assert level == "error"
    assert message.startswith(
        f"{pets}: 3 images cannot be used, more than the 10% a run accepts; the first is cat/zero"
    )


def test_copies_and_contradictions_are_named_by_file(pets: Path) -> None:
    shutil.copy(pets / "cat" / "1.png", pets / "cat" / "again.png")
    shutil.copy(pets / "cat" / "2.png", pets / "dog" / "what.png")
    assert messages(inspect(pets, CLASSIFY)) == [
        ("warning", f"{pets}: 1 image repeats an earlier image under another label (cat/2.png and dog/what.png)"),
        (
            "info",
            f"{pets}: 2 images repeat an earlier image (cat/1.png and cat/again.png, cat/2.png and dog/what.png)",
        ),
    ]


def test_a_divided_folder_is_looked_at_in_both_parts(pets: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(pets, whole / "train")
    draw(whole / "val" / "dog" / "new.png", 7, size=(9, 9))
    shutil.copy(pets / "cat" / "3.png", whole / "val" / "dog" / "seen.png")
    inspection = inspect(whole, CLASSIFY)

    assert inspection.eval is not None
    assert (Path(inspection.train.path).name, Path(inspection.eval.path).name) == ("train", "val")
    assert inspection.labels == (LabelCount("cat", 9, 0), LabelCount("dog", 9, 2))
    assert messages(inspection) == [
        (
            "warning",
            "1 image of the evaluation data also found in the training data, which flatters every figure "
            "(training and evaluation cat/3.png and dog/seen.png)",
        ),
        ("warning", "labels without evaluation data, which are not judged: cat"),
    ]


def test_what_the_model_sees_and_what_is_left_out_is_told(pets: Path) -> None:
    (pets / "cat" / "notes.txt").write_text("x")
    (pets / "README").write_text("x")
    assert messages(inspect(pets, CLASSIFY, limits=ModelLimits(shorter_side=32))) == [
        (
            "info",
            f"{pets}: 11 images of less than the 32 pixels the model sees; enlarging adds no detail",
        ),
        ("info", f"{pets}: files that are no images by their names are left out (1 .txt, 1 no extension)"),
    ]


def test_a_folder_without_classes_serves_to_pretrain(pets: Path) -> None:
    assert messages(inspect(pets / "cat", CLASSIFY)) == [
        ("warning", f"{pets / 'cat'} has no class folders: it serves to pretrain and predict only")
    ]
    assert messages(inspect(pets / "cat", LOOK)) == []


def test_a_folder_around_the_data_is_told_with_the_folder_to_use(pets: Path) -> None:
    shutil.move(pets, pets.parent / "download" / "pets")

    message = messages(inspect(pets.parent / "download", CLASSIFY))[-1][1]

    assert message.endswith(f"if the classes are the folders in it, use {pets.parent / 'download' / 'pets'}")


def test_tables_of_images_name_rows_and_files(pets: Path) -> None:
    table = pets / "table.csv"
    rows = [f"cat/{n}.png,cat" for n in range(9)] + [f"dog/{n}.jpg,dog" for n in range(9)]
    table.write_text("\n".join(["file_name,label", *rows, "cat/none.png,cat"]) + "\n")
    inspection = inspect(table, CLASSIFY)
    assert (inspection.train.unit, inspection.train.rows) == ("row", 19)
    ((level, message),) = messages(inspection)
    assert level == "warning"
    assert "the first is row 19: cat/none.png: there is no such file below" in message


def test_progress_is_told_image_by_image(pets: Path) -> None:
    reports: list[tuple[str, int]] = []
    inspect(pets, CLASSIFY, on_rows=lambda path, rows: reports.append((path, rows)))
    assert reports == [(str(pets), number) for number in range(1, 19)]
