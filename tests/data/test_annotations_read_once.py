"""What stands beside images, a mask or the file of boxes, is read once in front, and a worker knows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from PIL import Image

import zoo
from tests.opened_files import reads_below
from zoo.data import inspect, load
from zoo.data.layout import parts_of
from zoo.file_cache import FileCache, read_once
from zoo.kinds import BOXES, MASK
from zoo.tasks import get_task
from zoo.tasks.task import Task

CLASSIFY = get_task("image-classification")
DETECT, SEGMENT = (msgspec.structs.replace(CLASSIFY, target=target) for target in (BOXES, MASK))
BOX = "<object><name>cell</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox></object>"
NAMES = ("1", "2", "3")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def draw(path: Path, colour: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8), colour).save(path)


def voc(root: Path) -> Task:
    write(root / "ImageSets/Main/train.txt", "\n".join(NAMES))
    for name in NAMES:
        draw(root / "JPEGImages" / f"{name}.png", int(name))
        size = "<size><width>8</width><height>8</height></size>"
        write(root / "Annotations" / f"{name}.xml", f"<annotation>{size}{BOX}</annotation>")
    return DETECT


def yolo(root: Path) -> Task:
    write(root / "data.yaml", "train: images/train\nval: images/val\nnames: [cell]\n")
    draw(root / "images/val/4.png", 4)
    for name in NAMES:
        draw(root / "images/train" / f"{name}.png", int(name))
        write(root / "labels/train" / f"{name}.txt", "0 0.5 0.5 0.5 0.5\n")
    return DETECT


def masks(root: Path) -> Task:
    for name in NAMES:
        draw(root / "images" / f"{name}.png", int(name))
        mask = Image.new("L", (8, 8), 0)
        mask.putpixel((1, 1), 255)
        (root / "masks").mkdir(exist_ok=True)
        mask.save(root / "masks" / f"{name}.png")
    return SEGMENT


@pytest.mark.parametrize("layout", [voc, yolo, masks])
def test_each_file_is_read_once_in_front_and_known_to_a_worker(layout: Callable[[Path], Task], tmp_path: Path) -> None:
    root = tmp_path / "data"
    task = layout(root)
    files = FileCache()
    with reads_below(root) as reads:
        with read_once(files):  # a preview
            inspect(root, task)
        with read_once(files):  # a request
            loaded = load(parts_of(root).train, task)
    opened = {name: count for name, count in reads.items() if Path(name).stem in NAMES}
    pictures = {example.input for example in loaded.examples}
    assert len(pictures) == len(NAMES)
    assert [count for name, count in opened.items() if name not in pictures] == [1] * len(NAMES)
    assert max(opened[name] for name in pictures) <= 2, "some must be known in size before they are decoded"
    with reads_below(root) as reads, read_once(FileCache(files.encode())):
        again = load(parts_of(root).train, task)
    assert (again.examples, again.sha256) == (loaded.examples, loaded.sha256)
    assert not [name for name in reads if Path(name).stem in NAMES]


@pytest.mark.parametrize("layout", [voc, yolo, masks])
def test_what_has_changed_since_the_request_is_told_by_its_name(layout: Callable[[Path], Task], tmp_path: Path) -> None:
    task = layout(tmp_path)
    with read_once() as files:
        load(parts_of(tmp_path).train, task)
    folders = ("Annotations", "labels/train", "masks")
    changed = next(path for folder in folders for path in (tmp_path / folder).glob("2.*"))
    if changed.suffix == ".png":
        draw(changed, 9)
    else:
        changed.write_text(changed.read_text("utf-8").replace("5", "4"), "utf-8")
    with (
        read_once(FileCache(files.encode())),
        pytest.raises(zoo.DatasetInvalid, match=f"{changed.name} has changed since the run was asked for"),
    ):
        load(parts_of(tmp_path).train, task)
