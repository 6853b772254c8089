"""`zoo predict` draws a single recording above its transcript, in colours and without."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hearing_plugin import HEARD, install_hearer, write_tone
from tests.plugin_site import new_site
from tests.terminal_output import command_output
from zoo.cli.exit_codes import ExitCode
from zoo.rendering.sounds import MIDDLE

pytest.importorskip("soundfile")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")
COLUMNS = 60


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Path) -> Iterator[None]:
    """A folder of two recordings, and a recogniser."""
    with new_site(tmp_path / "site", monkeypatch) as site:
        install_hearer(site)
        for name in ("one.wav", "other.wav"):
            write_tone(tmp_path / name)
        (tmp_path / "broken.wav").write_bytes(b"RIFF")
        monkeypatch.chdir(tmp_path)
        for name, value in {"TERM": "xterm-256color", "COLUMNS": f"{COLUMNS}", "LINES": "40"}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("NO_COLOR", raising=False)
        yield


def shown(monkeypatch: pytest.MonkeyPatch, *words: str, code: ExitCode = ExitCode.OK) -> str:
    """What a terminal gets."""
    return command_output(monkeypatch, "predict", "hearer", *words, code=code)


def test_a_recording_is_drawn_between_its_name_and_what_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    name, *drawing, heard = shown(monkeypatch, "one.wav").splitlines()

    assert ("one.wav", f"  {HEARD}") == (name, heard)
    assert 15 == len(drawing)
    assert MIDDLE * 29 + "█" * 29 == drawing[2][:29] + drawing[2][-29:]
    assert max(map(len, drawing)) == COLUMNS - 1
    assert "\x1b" not in "".join(drawing)


def test_colours_are_those_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")

    output = shown(monkeypatch, "one.wav")

    assert "\x1b[38;2;0;0;4;48;2;0;0;4m" in output
    assert output.endswith(f"  {HEARD}\n")


def test_several_are_not_drawn_nor_are_those_for_other_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (("one.wav", "other.wav"), ("one.wav", "--json"), ("one.wav", "--format", "text")):
        output = shown(monkeypatch, *words)
        assert "█" not in output
        assert HEARD in output


def test_what_grows_has_the_times_that_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    Path("one.wav").rename("timed.wav")

    lines = shown(monkeypatch, "timed.wav").splitlines()[-4:]

    assert lines == ["  00:00:00  where", "  00:00:00  is", "  00:00:01  my", "  00:00:01  parcel"]


def test_a_broken_one_says_once_why(monkeypatch: pytest.MonkeyPatch) -> None:
    _, reason = shown(monkeypatch, "broken.wav", code=ExitCode.DATA).splitlines()

    assert "rejected: it is no recording" in reason
