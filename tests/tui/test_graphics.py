"""Images by the terminal's own protocol: asked for where it may be there, sent whole, covered by cells, freed."""

from __future__ import annotations

import base64
import io
import re
import sys
from pathlib import Path

import pytest

from tests.plugin_site import Site
from tests.tui.terminal import Terminal
from zoo.errors import OptionInvalid
from zoo.tui.graphics import CHUNK, PLACEHOLDER, ROWS, settle

Image = pytest.importorskip("PIL.Image")
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals of this kind")
QUERY = b"\x1b_Gi=31"
SHOWS = """
import os, sys
from pathlib import Path
from textual.app import App
from zoo import blocks
from zoo.tui.widgets.picture import Picture, fit_picture

class Shows(App):
    BINDINGS = [("n", "next", "next"), ("q", "quit", "quit")]
    def compose(self):
        yield Picture()
    def action_next(self):
        self.query_one(Picture).show(fit_picture(blocks.Picture(image=os.environ["IMAGE"]), 40, 10, "kitty"))

Shows().run()
"""


@pytest.mark.parametrize(
    ("environment", "answers", "expected"),
    [
        ({"TERM": "xterm-kitty"}, True, "kitty"),
        ({"TERM": "xterm-kitty"}, False, "blocks"),
        ({"TERM": "xterm-ghostty"}, True, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, True, "kitty"),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux-0/default,1,0"}, True, "blocks"),
        ({"TERM": "xterm-kitty", "NO_COLOR": "1"}, True, "blocks"),
        ({"TERM": "xterm-kitty", "ZOO_GRAPHICS": "blocks"}, True, "blocks"),
        ({"TERM": "dumb", "ZOO_GRAPHICS": "kitty"}, False, "kitty"),
        ({"TERM": "xterm-kitty", "ZOO_GRAPHICS": "auto"}, True, "kitty"),
        ({}, True, "blocks"),
    ],
)
def test_how_images_are_drawn(environment: dict[str, str], answers: bool, expected: str) -> None:
    assert settle(environment, lambda: answers) == expected


def test_a_terminal_without_the_protocol_is_not_asked() -> None:
    def ask() -> bool:
        raise AssertionError

    assert settle({"TERM": "xterm-256color"}, ask) == "blocks"


def test_another_value_is_told() -> None:
    with pytest.raises(OptionInvalid, match="ZOO_GRAPHICS is 'sixel', but takes auto, kitty, blocks"):
        settle({"ZOO_GRAPHICS": "sixel"}, lambda: True)


@posix
def test_another_value_is_told_by_the_command(models: Site) -> None:
    terminal = Terminal("import sys; from zoo.cli import main; sys.exit(main([]))", ZOO_GRAPHICS="sixel")
    terminal.read_until(b"hint: unset ZOO_GRAPHICS")
    assert terminal.end() == 2


@pytest.mark.slow
@posix
@pytest.mark.parametrize("answer", [b"\x1b_Gi=31;OK\x1b\\\x1b[?62;c", b"\x1b[?62;c", b""])
def test_it_opens_whatever_the_terminal_answers(models: Site, answer: bytes) -> None:
    terminal = Terminal(TERM="xterm-kitty")
    terminal.read_until(QUERY)
    terminal.write(answer)
    terminal.read_until(b"alpha")
    terminal.write(b"q")
    assert terminal.end() == 0


@posix
def test_an_image_is_sent_whole_covered_by_cells_and_freed(tmp_path: Path) -> None:
    draw = Image.effect_noise((400, 200), 80).convert("RGB")
    draw.save(tmp_path / "noise.png")
    terminal = Terminal(SHOWS, IMAGE=str(tmp_path / "noise.png"), COLORTERM="truecolor")
    terminal.read_until(b"\x1b[?1049h")
    terminal.write(b"n")
    rows, columns = 10, 40
    output = terminal.read_until(ROWS[rows - 1].encode()).decode(errors="ignore")

    messages = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", output)
    keys = dict(pair.split("=") for pair in messages[0][0].split(","))
    sent = Image.open(io.BytesIO(base64.b64decode("".join(chunk for _, chunk in messages))))
    assert (keys["c"], keys["r"], keys["U"]) == (str(columns), str(rows), "1")
    assert all(len(chunk) <= CHUNK for _, chunk in messages)
    assert [keys[-3:] for keys, _ in messages] == ["m=1"] * (len(messages) - 1) + ["m=0"]
    assert sent.size == (400, 200)
    assert sent.tobytes() == draw.tobytes()
    assert output.count(PLACEHOLDER) >= rows * columns  # some may be painted twice
    number = int(keys["i"])
    assert f"38;2;{number >> 16};{number >> 8 & 255};{number & 255}" in output

    terminal.write(b"n")
    terminal.read_until(f"\x1b_Ga=d,d=I,i={number},".encode())
    second = int(re.findall(r"i=(\d+),c=", terminal.read_until(b"i=").decode(errors="ignore"))[-1])
    terminal.write(b"q")
    terminal.read_until(f"\x1b_Ga=d,d=I,i={second},".encode())
    assert terminal.end() == 0
