"""The legend of curves laid over one another: a run and its marker stand on one line."""

from __future__ import annotations

import pytest

from zoo.tui.widgets.overlaid_curves import legend

NAMES = ("sound", "cut", "memory", "fast")
NOTES = (("running, micro_f1 0.9641", ""), ("finished, accuracy 0.1667", ""), ("failed", ""), ("finished", ""))


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (
            200,
            ["● sound running, micro_f1 0.9641   ■ cut finished, accuracy 0.1667   ▲ memory failed   ◆ fast finished"],
        ),
        (
            80,
            ["● sound running, micro_f1 0.9641   ■ cut finished, accuracy 0.1667", "▲ memory failed   ◆ fast finished"],
        ),
        (36, ["● sound    ■ cut    ▲ memory", "◆ fast"]),
    ],
)
def test_no_run_is_broken_over_two_lines(width: int, lines: list[str]) -> None:
    assert [line.strip() for line in legend(NAMES, NOTES, width).plain.splitlines()] == lines
