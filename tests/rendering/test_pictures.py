"""Pictures with boxes and masks: every view draws them, and says in a line why it cannot."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import msgspec
import pytest

import zoo
from zoo.answers import Rejected
from zoo.blocks import Block, PictureBlock
from zoo.cli.render import render
from zoo.rendering.colours import label_colour
from zoo.rendering.half_blocks import half_blocks
from zoo.rendering.html import PICTURE_BYTES, html
from zoo.rendering.markdown import markdown
from zoo.rendering.pictures import draw_picture
from zoo.tui.widgets.blocks import draw

images = pytest.importorskip("PIL.Image")
HOSTILE = "<b>cat\x1b[2J|\n"
GREY = (90, 90, 90)


@pytest.fixture
def picture(tmp_path: Path) -> str:
    path = tmp_path / "grey.png"
    images.new("RGB", (80, 60), GREY).save(path)
    return str(path)


def boxes(image: str, *marks: zoo.BoxMark) -> zoo.Boxes:
    return zoo.Boxes(image=image, width=80, height=60, boxes=marks)


def mask(image: str, labels: tuple[str, ...] = ("background", "cell"), *, mode: str = "P") -> zoo.Mask:
    """The right half is of the second label, its lowest row of none."""
    indexes = images.new("L", (80, 60), 0)
    indexes.paste(1, (40, 0, 80, 60))
    indexes.paste(255, (0, 59, 80, 60))
    if mode == "P":
        indexes = images.frombytes("P", indexes.size, indexes.tobytes())
        indexes.putpalette([0] * 768)
    file = io.BytesIO()
    indexes.convert(mode).save(file, "PNG")
    return zoo.Mask(image=image, width=80, height=60, labels=labels, mask=file.getvalue())


def texts(block: Block) -> list[str]:
    """The block as each view draws it."""
    return ["\n".join(line.text for line in render([block])), html([block]), markdown([block]), draw([block], 60).plain]


CAT, DOG = zoo.BoxMark(10, 10, 50, 40, "cat", 0.987), zoo.BoxMark(30, 20, 79, 59, "dog", 0.5)


def test_boxes_are_a_list_and_a_picture(picture: str) -> None:
    block = boxes(picture, CAT, DOG)
    cli, page, readme, tui = texts(block)

    assert [
        "  label  score  left  top  right  bottom",
        "  cat    0.987    10   10     50      40",
        "  dog    0.500    30   20     79      59",
    ] == cli.splitlines()
    assert "| cat | 0.987 | 10 | 10 | 50 | 40 |" in readme.splitlines()
    assert "■ cat    0.987" in tui
    assert ["data:image/png;base64,", "cat", "0.987"] == [
        word for word in ("data:image/png;base64,", "cat", "0.987") if word in page
    ]
    drawn = draw_picture(block, texts=False)
    assert not isinstance(drawn, Rejected)
    assert [label_colour("cat"), GREY, label_colour("dog")] == [
        drawn.getpixel(place) for place in ((10, 25), (20, 25), (60, 59))
    ]


def test_a_label_stands_in_the_terminal_where_it_fits(picture: str) -> None:
    small = zoo.BoxMark(0, 30, 1, 40, "dog", 0.5)
    cells = half_blocks(boxes(picture, CAT, small), 80, 30)
    assert not isinstance(cells, Rejected)
    lines = ["".join(cell.text for cell in row) for row in cells]

    assert (30, {80}) == (len(lines), set(map(len, lines)))
    assert lines[5][10:17] == "cat 99%"
    assert "dog" not in "".join(lines)
    assert cells[5][10].ground == label_colour("cat")
    wide = half_blocks(boxes(picture, zoo.BoxMark(0, 0, 79, 59, "猫e\u0301")), 40, 30)
    assert not isinstance(wide, Rejected)
    assert ["猫", "", "e\u0301", "▀"] == [cell.text for cell in wide[0][:4]]


@pytest.mark.parametrize("mode", ["P", "L"])
def test_a_mask_is_its_shares_and_an_overlay_that_leaves_the_background(picture: str, mode: str) -> None:
    block = mask(picture, mode=mode)
    cli, page, readme, tui = texts(block)

    assert ["  label       share", "  background  49.2%", "  cell        49.2%"] == cli.splitlines()
    assert ["| cell | 49.2% |" in readme, "■ cell" in tui, "data:image/png" in page] == [True] * 3
    drawn = draw_picture(block)
    assert not isinstance(drawn, Rejected)
    left, right, lowest = (drawn.getpixel(place) for place in ((0, 0), (79, 0), (79, 59)))
    middle = tuple((ground + colour) // 2 for ground, colour in zip(GREY, label_colour("cell"), strict=True))
    assert (GREY, GREY) == (left, lowest)
    assert all(abs(channel - expected) <= 1 for channel, expected in zip(right, middle, strict=True))


@pytest.mark.parametrize("block", [zoo.Picture(image="/nowhere.png"), boxes("/nowhere.png", CAT), boxes("", CAT)])
def test_a_picture_that_is_missing_is_a_line_and_its_list_stays(block: PictureBlock) -> None:
    cli, page, readme, tui = texts(block)

    assert "no picture: " in page
    assert "<img" not in page
    assert isinstance(half_blocks(block, 40, 20), Rejected)
    if isinstance(block, zoo.Boxes):
        assert [True] * 4 == ["cat" in text for text in (cli, page, readme, tui)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mask": b"no picture"}, "the mask cannot be read: it is no image that can be read here"),
        ({"mask": b""}, "the mask cannot be read"),
        ({"width": 79}, "the mask has 80 x 60 pixels, not 79 x 60"),
    ],
)
def test_a_mask_that_is_broken_is_a_line(picture: str, change: dict[str, object], reason: str) -> None:
    for text in texts(msgspec.structs.replace(mask(picture), **change)):
        assert reason in text
        assert "<img" not in text
    assert "the mode RGB, not P or L" in texts(mask(picture, mode="RGB"))[0]


def test_labels_from_outside_are_shown_and_never_obeyed(picture: str) -> None:
    for block in (boxes(picture, zoo.BoxMark(0, 0, 79, 59, HOSTILE)), mask(picture, ("a", HOSTILE))):
        cli, page, readme, tui = texts(block)
        assert not any("\x1b" in text for text in (cli, page, readme, tui))
        assert ["<b>" in page, "&lt;b&gt;cat|" in page, "cat\\|" in readme] == [False, True, True]
        cells = half_blocks(block, 40, 20)
        assert not isinstance(cells, Rejected)
        assert not any(character < " " for row in cells for cell in row for character in cell.text)


def test_any_numbers_are_drawn_within_the_picture(picture: str) -> None:
    nowhere, everywhere = float("nan"), float("inf")
    block = boxes(
        picture,
        zoo.BoxMark(-5, -5, 500, 500, "cat"),
        zoo.BoxMark(50, 40, 10, 10, "turned"),
        zoo.BoxMark(nowhere, -everywhere, everywhere, nowhere, "none"),
        zoo.BoxMark(79.9, 59.9, 80, 60, "corner" * 20),
    )
    assert not isinstance(draw_picture(block), Rejected)
    assert not isinstance(half_blocks(block, 1, 1), Rejected)
    assert not isinstance(half_blocks(block, 40, 20), Rejected)
    assert len(texts(block)) == 4


def test_a_page_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "noise.png"
    images.effect_noise((1500, 1200), 200).convert("RGB").save(path)
    block = zoo.Boxes(image=str(path), width=1500, height=1200, boxes=(zoo.BoxMark(0, 0, 700, 700, "cat"),) * 1000)
    page = html([block])
    (encoded,) = re.findall(r'base64,([^"]*)"', page)

    assert len(base64.b64decode(encoded)) <= PICTURE_BYTES
    assert page.count("<tr>") == 101
    assert "and 900 more" in page


def test_blocks_survive_json(picture: str) -> None:
    report: tuple[Block, ...] = (zoo.Picture(image=picture, title="seen"), boxes(picture, CAT), mask(picture))

    assert report == msgspec.json.decode(msgspec.json.encode(report), type=tuple[Block, ...])
    with pytest.raises(ValueError, match="0 x 60 pixels"):
        zoo.Boxes(image="", width=0, height=60, boxes=())


def test_a_label_has_one_colour_that_can_be_read_on_light_and_dark() -> None:
    def luminance(colour: tuple[int, int, int]) -> float:
        """WCAG 2.2, relative luminance."""
        light = [c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
        return sum(weight * channel for weight, channel in zip((0.2126, 0.7152, 0.0722), light, strict=True))

    colours = [label_colour(f"label {number}") for number in range(500)]
    levels = [luminance(colour) for colour in colours]

    assert colours == [label_colour(f"label {number}") for number in range(500)]
    assert len(set(colours)) > 400
    assert min((level + 0.05) / 0.05 for level in levels) > 3  # against black
    assert min(1.05 / (level + 0.05) for level in levels) > 1.7  # against white
