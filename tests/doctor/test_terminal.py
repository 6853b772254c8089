"""What is said of the terminal."""

from __future__ import annotations

import io
import sys

import pytest

from tests.doctor.findings import bad, marks


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding)

    def isatty(self) -> bool:
        return True


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A usual terminal of a usual size."""
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40", "ZOO_GRAPHICS": "blocks"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return monkeypatch


def test_a_usual_one_is_well(environment: pytest.MonkeyPatch) -> None:
    environment.setattr(sys, "stdout", Terminal())

    assert dict.fromkeys(("Unicode", "colours", "size", "pictures"), "ok") == marks("terminal")


def test_of_a_file_only_the_letters_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "utf-8"))

    assert {"Unicode": "ok", "terminal": "ok"} == marks("terminal")


@pytest.mark.parametrize(
    ("variable", "value", "about", "mark", "mend"),
    [
        ("TERM", "dumb", "colours", "warning", "export TERM=xterm-256color"),
        ("COLUMNS", "40", "size", "warning", "make the window larger, or its letters smaller"),
        ("ZOO_GRAPHICS", "sixel", "pictures", "fault", "unset ZOO_GRAPHICS"),
    ],
)
def test_what_it_lacks_is_told(
    variable: str, value: str, about: str, mark: str, mend: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setattr(sys, "stdout", Terminal())
    environment.setenv(variable, value)

    (one,) = bad("terminal")
    assert (about, mark, mend) == (one.about, one.mark, one.mend)


def test_letters_that_cannot_be_written_are_told(environment: pytest.MonkeyPatch) -> None:
    environment.setattr(sys, "stdout", Terminal("ascii"))

    (letters,) = bad("terminal")
    assert letters.about == "Unicode"
    assert letters.mend == "export PYTHONUTF8=1, or LC_ALL=C.UTF-8"


def test_no_colours_by_request_is_well(environment: pytest.MonkeyPatch) -> None:
    environment.setattr(sys, "stdout", Terminal())
    environment.setenv("NO_COLOR", "1")

    assert bad("terminal") == []
