"""Pieces of photographs: those to judge by share no pixel with those to train on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.quickstart.photographs import SIDE, TEST, TRAIN, write_pieces


@pytest.fixture
def photographs(tmp_path: Path) -> dict[str, Path]:
    """Each pixel has a colour of its own; a corner of one is black, and there are pixels beyond the last square."""
    height, width = 8 * SIDE + 20, 9 * SIDE + 30
    pixels = np.arange(height * width, dtype=np.uint32).reshape(height, width)
    picture = np.stack([pixels >> 16, pixels >> 8 & 255, pixels & 255], axis=-1).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "numbers.png")
    picture[: 6 * SIDE, : 7 * SIDE] = 0
    Image.fromarray(picture).save(tmp_path / "cornered.png")
    return {"numbers": tmp_path / "numbers.png", "cornered": tmp_path / "cornered.png"}


def pixels_of(folder: Path) -> list[int]:
    pieces = [np.asarray(Image.open(path), dtype=np.uint32) for path in sorted(folder.glob("*.png"))]
    return [int(number) for piece in pieces for number in np.unique(piece @ np.array([1 << 16, 1 << 8, 1], np.uint32))]


def contents_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.png")}


def test_no_two_pieces_share_a_pixel(photographs: dict[str, Path], tmp_path: Path) -> None:
    write_pieces(photographs, tmp_path / "pieces")

    numbers = [pixels_of(tmp_path / "pieces" / part / "numbers") for part in ("train", "test")]
    assert [TRAIN * SIDE**2, TEST * SIDE**2] == [len(part) for part in numbers]
    assert len({*numbers[0], *numbers[1]}) == (TRAIN + TEST) * SIDE**2


def test_squares_that_show_nothing_are_left_out(photographs: dict[str, Path], tmp_path: Path) -> None:
    write_pieces(photographs, tmp_path / "pieces")

    assert 0 not in pixels_of(tmp_path / "pieces" / "test" / "cornered")


def test_the_same_pieces_are_written_again(photographs: dict[str, Path], tmp_path: Path) -> None:
    for folder in ("one", "other"):
        write_pieces(photographs, tmp_path / folder)

    one, other = (contents_of(tmp_path / folder) for folder in ("one", "other"))
    assert one == other


def test_without_a_package_index_the_part_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("zoo_torchvision")
    monkeypatch.setenv("UV_OFFLINE", "1")

    assert ExitCode.USAGE == main(["quickstart", "images"])
    message = "the part on images cannot be shown: its photographs are not here: scikit-image 0.26.0 from the package"
    assert message in capsys.readouterr().err
