"""`zoo predict` draws answers on their pictures: into a folder, and in a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import zoo
from tests.plugin_site import new_site
from tests.plugin_site import zoo as command
from tests.spotting_task import draw_spot, install_spotting
from tests.terminal_output import command_output
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.errors import OptionInvalid
from zoo.rendering.colours import label_colour
from zoo.rendering.drawings import new_drawing_folder
from zoo.tasks import get_task

images = pytest.importorskip("PIL.Image")
HERE = ("--device", "cpu", "--precision", "fp32")
SPOT = label_colour("spot")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Path) -> Iterator[Path]:
    """The current folder: pictures of one name in two folders and two formats, and one that is damaged."""
    with new_site(tmp_path / "site", monkeypatch) as site:
        install_spotting(site)
        here = tmp_path / "here"
        for name in ("day/1.png", "night/1.png", "night/1.jpg", "night/2.bmp"):
            draw_spot(here / "photos" / name)
        (here / "photos" / "night" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        monkeypatch.chdir(here)
        yield here
    get_task.cache_clear()


def files_below(folder: str) -> list[str]:
    return sorted(str(path.relative_to(folder).as_posix()) for path in Path(folder).rglob("*") if path.is_file())


def pixel(path: str, place: tuple[int, int] = (10, 15)) -> tuple[int, ...]:
    with images.open(path) as image:
        return image.convert("RGB").getpixel(place)  # type: ignore[no-any-return]


def close(colour: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(abs(one - two) < 30 for one, two in zip(colour, other, strict=True))


@pytest.mark.parametrize("inputs", [("photos",), ("--file", "photos")])
def test_boxes_are_drawn_under_the_names_of_the_pictures(
    inputs: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    assert ExitCode.OK == main(["predict", "spotter", *inputs, "--draw", "out/new", *HERE])

    assert files_below("out/new") == ["day/1.png", "night/1.jpg", "night/1.png", "night/2.bmp.png"]
    assert pixel("out/new/night/1.png") == pixel("out/new/night/2.bmp.png") == SPOT
    assert close(pixel("photos/night/1.png"), (250, 240, 200))
    out, err = capfd.readouterr()
    assert "  spot   0.900    10    5     28      23\n" in out
    assert "4 pictures drawn into " in err


def test_pictures_from_elsewhere_and_typed_ones_keep_their_names_apart(here: Path) -> None:
    (here / "table").mkdir()
    (here / "table" / "all.csv").write_text("file_name\n../photos/day/1.png\n../photos/night/1.png\n")
    assert ExitCode.OK == main(["predict", "spotter", "--file", "table/all.csv", "--draw", "out", *HERE])
    names = files_below("out")
    assert (2, {"1-"}, {".png"}) == (len(names), {name[:2] for name in names}, {name[-4:] for name in names})

    assert ExitCode.OK == main(["predict", "spotter", "photos/day/1.png", "--draw", "one", *HERE])
    assert ["1.png"] == files_below("one")


def test_masks_are_overlays_and_palette_files_with_their_classes() -> None:
    assert ExitCode.OK == main(["predict", "spotter", "photos", "--as-mask", "--draw", "out", *HERE])

    assert [
        *("masks/classes.json", "masks/day/1.png", "masks/night/1.png", "masks/night/1.png.png", "masks/night/2.png"),
        *("overlays/day/1.png", "overlays/night/1.jpg", "overlays/night/1.png", "overlays/night/2.bmp.png"),
    ] == files_below("out")
    with images.open("out/masks/day/1.png") as mask:
        assert ("P", 0, 1) == (mask.mode, mask.getpixel((0, 0)), mask.getpixel((15, 15)))
        assert mask.getpalette()[3:6] == list(SPOT)
        assert json.loads(mask.text["Labels"]) == ["background", "spot"]
    assert json.loads(Path("out/masks/classes.json").read_text()) == {"0": "background", "1": "spot"}
    assert not close(pixel("out/overlays/day/1.png", (15, 15)), (250, 240, 200))


@pytest.mark.parametrize(
    ("folder", "reason"), [("photos", "photos is not empty"), ("photos/day/1.png/x", "1.png is a file, not a folder")]
)
def test_nothing_is_overwritten(folder: str, reason: str, capfd: pytest.CaptureFixture[str]) -> None:
    for more in (("photos/day",), ("--file", "photos", "--out", "answers.csv")):
        assert ExitCode.USAGE == main(["predict", "spotter", *more, "--draw", folder, *HERE])
        assert reason in capfd.readouterr().err


def test_answers_that_are_not_drawn_are_refused_at_once() -> None:
    with pytest.raises(OptionInvalid, match="answers of text-classification are not drawn on pictures"):
        new_drawing_folder("out", get_task("text-classification"))


@pytest.mark.slow
def test_a_run_draws_what_it_answers(here: Path) -> None:
    done = command("predict", "spotter", "--file", "photos", "--out", "answers.csv", "--draw", "out", *HERE)
    assert done.returncode == ExitCode.OK, done.stderr
    assert files_below("out") == ["day/1.png", "night/1.jpg", "night/1.png", "night/2.bmp.png"]
    assert 6 == len(Path("answers.csv").read_text().splitlines())

    run = zoo.predict_file("spotter", here / "photos" / "day", "again.jsonl", draw="again", device="cpu")
    run.wait(progress=False)
    assert ["1.png"] == files_below("again")


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")
def test_a_terminal_with_colours_gets_the_picture_of_a_single_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")

    def shown(*words: str, term: str = "xterm-256color") -> str:
        monkeypatch.setenv("TERM", term)
        return command_output(monkeypatch, "predict", "spotter", *words, *HERE)

    one = shown("photos/day/1.png")
    assert ["▀" in one, "38;2;{};{};{}m".format(*SPOT) in one, "■" in one] == [True] * 3
    assert "▀" not in shown("photos/day", "photos/night/2.bmp") + shown("photos/day/1.png", "--json")
    assert "\x1b" not in shown("photos/day/1.png", term="dumb")
