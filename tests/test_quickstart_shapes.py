"""Shapes that are drawn for the quickstart have the boxes that their rows say."""

from __future__ import annotations

import json
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.kinds.drawn_shapes import CORNERS
from zoo.quickstart.shapes import HEIGHT, TEST, TRAIN, WIDTH, write_shapes

Row = dict[str, list[dict[str, int]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shapes")
    write_shapes(folder)
    return folder


def rows(folder: Path, part: str) -> list[Row]:
    return [json.loads(line) for line in (folder / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()]


def test_there_are_shapes_of_each_sort_and_pictures_without(folder: Path) -> None:
    for part, count in (("train", TRAIN), ("test", TEST)):
        boxes = [row["boxes"] for row in rows(folder, part)]
        assert (count, count // 10) == (len(boxes), boxes.count([]))
        assert CORNERS.keys() == {str(box["label"]) for one in boxes for box in one}


def test_each_box_lies_around_its_shape_and_beside_the_others(folder: Path) -> None:
    for row in rows(folder, "test"):
        picture = np.asarray(Image.open(folder / str(row["file_name"])), dtype=np.int64) @ (1 << 16, 1 << 8, 1)
        for box in row["boxes"]:
            assert 0 <= box["left"] < box["right"] <= WIDTH
            assert 0 <= box["top"] < box["bottom"] <= HEIGHT
            within = picture[box["top"] : box["bottom"] + 1, box["left"] : box["right"] + 1]
            ((colour, _),) = Counter(within.ravel().tolist()).most_common(1)
            height, width = (np.ptp(places) + 1 for places in np.nonzero(within == colour))
            assert abs(height - within.shape[0]) <= 1
            assert abs(width - within.shape[1]) <= 1
        for one, other in combinations(row["boxes"], 2):
            across = min(one["right"], other["right"]) - max(one["left"], other["left"])
            down = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
            assert min(across, down) <= 0


def test_the_same_pictures_are_drawn_again(folder: Path, tmp_path: Path) -> None:
    write_shapes(tmp_path)

    for path in folder.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / path.relative_to(folder)).read_bytes()
