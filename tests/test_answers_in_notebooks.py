"""An answer about a picture is shown in a notebook with the picture, while its file is at hand."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import zoo
from tests.plugin_site import new_site
from tests.spotting_task import draw_spot, install_spotting
from zoo.rendering.colours import label_colour
from zoo.tasks import get_task

images = pytest.importorskip("PIL.Image")
CPU = {"device": "cpu", "precision": "fp32"}
CORNER, INSIDE = (10, 15), (20, 15)
"""Pixels at the edge of the box around the bright spot, and in the spot."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Path) -> Iterator[Path]:
    with new_site(tmp_path / "site", monkeypatch) as site:
        install_spotting(site)
        monkeypatch.chdir(tmp_path)
        draw_spot(Path("spot.png"))
        yield tmp_path
    get_task.cache_clear()


def picture_in(answer: zoo.Prediction) -> Any:
    """What a notebook shows, decoded."""
    (png,) = re.findall(r'<img [^>]*src="data:image/png;base64,([^"]+)"', answer._repr_html_())
    return images.open(io.BytesIO(base64.b64decode(png)))


@pytest.mark.parametrize("path", ["spot.png", Path("spot.png")])
def test_boxes_are_drawn_on_the_picture(path: str | Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = zoo.load("spotter", **CPU).predict(path)
    monkeypatch.chdir("/")

    drawn = picture_in(answer)
    assert (drawn.size, drawn.getpixel(CORNER)) == ((60, 40), label_colour("spot"))
    assert "0.900" in answer._repr_html_()


def test_a_mask_lies_over_the_picture() -> None:
    (answer,) = zoo.load("spotter", as_mask=True, **CPU).predict(["spot.png"])

    assert picture_in(answer).getpixel(INSIDE) != (250, 240, 200)


def test_a_picture_is_shown_above_its_labels() -> None:
    answer = zoo.Classification((zoo.Score("spot", 1.0),))
    answer.remember_picture(str(Path("spot.png").absolute()))

    assert picture_in(answer).getpixel(INSIDE) == (250, 240, 200)
    page = answer._repr_html_()
    assert page.index("<img") < page.index("100.0%")


def test_it_is_no_part_of_the_answer() -> None:
    model = zoo.load("spotter", **CPU)
    draw_spot(Path("same.png"))
    answer, same = model.predict(["spot.png", "same.png"])

    assert answer == same
    assert b"spot.png" not in msgspec.json.encode(answer)


def test_a_file_that_is_gone_leaves_the_list() -> None:
    answer = zoo.load("spotter", **CPU).predict("spot.png")
    Path("spot.png").unlink()

    page = answer._repr_html_()
    assert "<img" not in page
    assert "no picture: " in page
    assert "0.900" in page


def test_what_was_no_file_is_answered_as_before() -> None:
    page = zoo.load("spotter", **CPU).predict("nowhere.png")._repr_html_()

    assert "rejected: " in page
    assert "<img" not in page
