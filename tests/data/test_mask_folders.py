"""Folders of pictures and masks: pairs by name, parts, classes, and what cannot be used, named."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.data import inspect, likely_task, load
from zoo.data.in_memory import write
from zoo.data.layout import parts_of
from zoo.data.splitting import split
from zoo.errors import DatasetInvalid
from zoo.kinds import MASK
from zoo.tasks.image_classification import TASK

np = pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")

SEGMENTATION = msgspec.structs.replace(TASK, target=MASK)
SIZE = (8, 6)


def picture(path: Path, size: tuple[int, int] = SIZE, seed: int = 0) -> Path:
    """A picture that no other one is equal to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng([seed, *path.name.encode()]).integers(0, 255, (*size[::-1], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def mask(path: Path, *values: int, size: tuple[int, int] = SIZE) -> Path:
    """A mask of columns of these values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    row = np.resize(np.array(values, dtype=np.uint8), size[0])
    Image.fromarray(np.stack([row] * size[1])).save(path)
    return path


def cells(root: Path, *, images: str = "images", masks: str = "masks", values: tuple[int, ...] = (0, 255)) -> Path:
    """Four pictures with their masks."""
    for number in range(4):
        picture(root / images / f"{number}.jpg", seed=len(images))
        mask(root / masks / f"{number}.png", *values)
    return root


def messages(path: Path) -> list[str]:
    return [finding.message for finding in inspect(path, SEGMENTATION).findings]


@pytest.mark.parametrize(
    ("images", "masks"),
    [("images", "masks"), ("Images", "Masks"), ("img_dir", "ann_dir"), ("image", "label"), ("JPEGImages", "GT")],
)
def test_pictures_have_the_masks_of_their_names(tmp_path: Path, images: str, masks: str) -> None:
    dataset = load(cells(tmp_path, images=images, masks=masks), SEGMENTATION)
    names = [(Path(one.input).name, Path(one.target.path).name) for one in dataset.examples]
    assert names == [(f"{number}.jpg", f"{number}.png") for number in range(4)]
    assert (dataset.labels, dataset.rejected) == (("background", "foreground"), ())


def test_pictures_without_a_mask_can_be_kept_apart(tmp_path: Path) -> None:
    picture(cells(tmp_path) / "images" / "more.jpg")
    whole, kept = (load(tmp_path, SEGMENTATION, keep_untargeted=keep) for keep in (False, True))
    assert [one.reason for one in whole.rejected] == ["images/more.jpg has no mask of its name in masks"]
    assert (len(kept.examples), kept.rejected) == (4, ())
    assert [(Path(one.input).name, one.target) for one in kept.untargeted] == [("more.jpg", None)]
    assert kept.sha256 != whole.sha256


@pytest.mark.parametrize("name", ["a_mask.png", "a-seg.tif", "mask_a.png", "a.png", "a_gtFine_labelIds.png"])
def test_marks_around_the_name_of_a_mask_are_passed_over(tmp_path: Path, name: str) -> None:
    cells(tmp_path)
    picture(tmp_path / "images" / "sub" / "a.jpg")
    mask(tmp_path / "masks" / "sub" / name, 0, 255)
    assert len(load(tmp_path, SEGMENTATION).examples) == 5


@pytest.mark.parametrize(
    ("train", "validation"),
    [
        (("train/images", "train/masks"), ("val/images", "val/masks")),
        (("images/train", "masks/train"), ("images/val", "masks/val")),
    ],
)
def test_parts_lie_above_or_below(tmp_path: Path, train: tuple[str, str], validation: tuple[str, str]) -> None:
    for images, masks in (train, validation):
        cells(tmp_path, images=images, masks=masks)
    (tmp_path / "classes.json").write_text('{"0": "outside", "255": "cell"}', encoding="utf-8")
    parts = parts_of(tmp_path)
    assert parts.eval is not None
    for part in (parts.train, parts.eval):
        dataset = load(part, SEGMENTATION)
        assert (len(dataset.examples), dataset.labels) == (4, ("cell", "outside"))
    inspection = inspect(tmp_path, SEGMENTATION)
    assert inspection.eval is not None
    assert [(count.label, count.rows, count.eval_rows) for count in inspection.labels] == [
        ("cell", 4, 4),
        ("outside", 4, 4),
    ]


def test_what_is_no_pair_is_named(tmp_path: Path) -> None:
    cells(tmp_path)
    picture(tmp_path / "images" / "alone.jpg")
    mask(tmp_path / "masks" / "lost.png", 0)
    picture(tmp_path / "images" / "twice.jpg")
    mask(tmp_path / "masks" / "twice.png", 0)
    mask(tmp_path / "masks" / "twice.gif", 0)
    assert [row.reason for row in load(tmp_path, SEGMENTATION).rejected] == [
        "images/alone.jpg has no mask of its name in masks",
        "images/twice.jpg has several masks: masks/twice.gif, masks/twice.png",
        "masks/lost.png has no picture of its name in images",
    ]
    unlabelled = load(tmp_path, msgspec.structs.replace(TASK, target=None))
    assert len(unlabelled.examples) == 6


def test_what_is_wrong_with_a_mask_is_named_with_its_file(tmp_path: Path) -> None:
    (cells(tmp_path, values=(0, 1)) / "classes.json").write_text('["outside", "cell"]', encoding="utf-8")
    (tmp_path / "masks" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    mask(tmp_path / "masks" / "1.png", 0, 7)
    mask(tmp_path / "masks" / "2.png", 0, 1, size=(4, 3))
    reasons = [row.reason for row in load(tmp_path, SEGMENTATION).rejected]
    assert reasons[0].startswith("masks/0.png: it ")
    assert reasons[1:] == [
        "masks/1.png: values that are no class, and their pixels: 7 (24); classes are 0 outside, 1 cell",
        "2.png has 4 x 3 pixels, and its picture 2.jpg 8 x 6; resize the mask by the nearest pixel, else values "
        "appear that are no class",
    ]
    assert any("3 images cannot be used" in message for message in messages(tmp_path))


def test_what_a_file_of_classes_that_is_named_lacks_is_named_with_the_mask(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cells(tmp_path / "cells", values=(0, 1))
    mask(tmp_path / "cells" / "masks" / "1.png", 0, 7)
    own = tmp_path / "own.json"
    own.write_text('["outside", "cell"]', encoding="utf-8")
    inspected = ["data", "inspect", str(tmp_path / "cells"), "--classes", str(own)]
    assert main(inspected) == ExitCode.DATA
    out = " ".join(capsys.readouterr().out.split())
    assert "classes by own.json: 0 outside, 1 cell" in out
    assert "masks/1.png: values that are no class, and their pixels: 7 (24)" in out
    assert main([*inspected[:-1], str(tmp_path / "none.json")]) == ExitCode.DATA
    assert "none.json does not say which class each value of a mask is" in capsys.readouterr().err
    assert main([*inspected, "--task", "object-detection"]) != ExitCode.OK
    assert f"--classes {own} names values of classes, and the target is one" in capsys.readouterr().err


def test_an_inspection_says_what_there_is(tmp_path: Path) -> None:
    cells(tmp_path, values=(0, 0, 0, 1))
    mask(tmp_path / "masks" / "3.png", 0, 255, 255, 255)
    inspection = inspect(tmp_path, SEGMENTATION)
    lines = dict(MASK.facts(inspection.train))
    assert lines["pixels"] == "0 62.5% (4 pictures), 1 18.8% (3 pictures), ignored 18.8%"
    assert lines["masks"] == "modes 4 L"
    assert (
        f"{tmp_path}: read as pictures with masks; the masks hold the values 0, 1, 255, taken as classes of "
        "these names, 255 ignored; a file classes.json beside or above them names them: "
        '{"0": "0", "1": "1"}; null is ignored' in messages(tmp_path)
    )


def test_a_single_class_teaches_nothing(tmp_path: Path) -> None:
    cells(tmp_path, values=(0,))
    with pytest.raises(DatasetInvalid, match="every pixel of every mask is background"):
        load(tmp_path, SEGMENTATION)
    assert f"every pixel of every mask of {tmp_path} is background" in messages(tmp_path)


def test_the_digest_covers_the_masks(tmp_path: Path) -> None:
    before = load(cells(tmp_path), SEGMENTATION).sha256
    assert load(tmp_path, SEGMENTATION).sha256 == before
    mask(tmp_path / "masks" / "2.png", 255, 0)
    assert load(tmp_path, SEGMENTATION).sha256 != before


def test_pictures_are_held_out_of_every_class(tmp_path: Path) -> None:
    for number in range(20):
        picture(tmp_path / "images" / f"{number}.jpg")
        mask(tmp_path / "masks" / f"{number}.png", 0, 1, *([2] if number < 2 else []))
    dataset = load(tmp_path, SEGMENTATION)
    for part in split(dataset, 0.2, 1, target=dataset.target):
        assert {label for one in part for label in MASK.labels_of(one.target)} == {"0", "1", "2"}


def test_a_table_names_masks(tmp_path: Path) -> None:
    cells(tmp_path, images="a", masks="b")
    rows = [{"file_name": f"a/{number}.jpg", "mask": f"b/{number}.png"} for number in range(4)]
    table = tmp_path / "cells.jsonl"
    table.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert load(table, SEGMENTATION).labels == ("background", "foreground")


def test_coco_documents_have_masks_beside_boxes(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "1.jpg")
    picture(tmp_path / "images" / "2.jpg")
    document = {
        "images": [{"id": n, "file_name": f"{n}.jpg", "width": 8, "height": 6} for n in (1, 2)],
        "annotations": [
            {
                "image_id": 1,
                "category_id": 7,
                "bbox": [1, 1, 3, 3],
                "segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]],
            },
            {
                "image_id": 1,
                "category_id": 7,
                "bbox": [6, 0, 2, 6],
                "segmentation": {"size": [6, 8], "counts": [36, 12]},
                "iscrowd": 1,
            },
        ],
        "categories": [{"id": 7, "name": "cell"}],
    }
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    dataset = load(path, SEGMENTATION)
    first, second = dataset.examples
    indexes = first.target.indexes(dataset.labels)
    assert dataset.labels == ("background", "cell")
    assert indexes[1:4, 1:4].tolist() == [[1] * 3] * 3
    assert (indexes == 1).sum() == 9
    assert (indexes == 255).sum() == 12
    assert MASK.labels_of(second.target) == ("background",)


def test_evaluation_data_are_read_as_the_training_data_are(tmp_path: Path) -> None:
    cells(tmp_path / "train", values=(0, 1, 255))
    cells(tmp_path / "val", images="images", masks="masks", values=(0, 255))
    inspection = inspect(tmp_path, SEGMENTATION)
    assert [(count.label, count.rows, count.eval_rows) for count in inspection.labels] == [("0", 4, 4), ("1", 4, 0)]
    (tmp_path / "val" / "classes.json").write_text('{"0": "0", "255": "1"}', encoding="utf-8")
    inspection = inspect(tmp_path, SEGMENTATION)
    assert [(count.label, count.rows, count.eval_rows) for count in inspection.labels] == [("0", 4, 4), ("1", 4, 4)]


def test_masks_of_other_names_are_still_masks(tmp_path: Path) -> None:
    cells(tmp_path)
    for path in (tmp_path / "masks").iterdir():
        path.rename(path.with_name(f"frame{path.name}"))
    assert likely_task(tmp_path).target is likely_task(cells(tmp_path / "others")).target
    assert load_reasons(tmp_path)[0] == "images/0.jpg has no mask of its name in masks"


def load_reasons(path: Path) -> list[str]:
    """Why pictures and masks cannot be used, of which none can."""
    with pytest.raises(DatasetInvalid, match="has no usable row"):
        load(path, SEGMENTATION)
    return [row.reason for row in inspect(path, SEGMENTATION).train.rejected]


def test_a_folder_of_masks_without_pictures_of_them_is_said(tmp_path: Path) -> None:
    for path in (cells(tmp_path) / "masks").iterdir():
        path.rename(path.with_suffix(".npy"))
    assert load_reasons(tmp_path)[0] == "images/0.jpg has no mask of its name in masks"


def test_rows_of_python_name_masks_from_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(cells(tmp_path, images="a", masks="b"))
    rows = [{"file_name": f"a/{number}.jpg", "mask": f"b/{number}.png"} for number in range(4)]
    rows.append({"file_name": picture(tmp_path / "a" / "[5].jpg").relative_to(tmp_path), "mask": "b/1.png"})
    (tmp_path / "run").mkdir()
    written = write(rows, tmp_path / "run", "train", SEGMENTATION)
    dataset = load(written, SEGMENTATION)
    assert (len(dataset.examples), dataset.labels) == (5, ("background", "foreground"))
