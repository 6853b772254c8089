"""Text from outside cannot move the cursor, colour, reorder or hide anything, and keeps all else."""

from __future__ import annotations

import pytest

from zoo.sanitize import one_line, plain, unbroken


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x1b[?25lcursor", "cursor"),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b(Btext", "text"),
        ("\x1bctext", "text"),
        ("\x1b", ""),
        ("end\x1b[", "end"),
        ("\x1b\x1b[31mred", "red"),
        ("bell\x07 back\x08 nul\x00 del\x7f", "bell back nul del"),
        ("user\u202egpj.exe\u202c", "usergpj.exe"),
        ("\u2066isolated\u2069 \u200emark \u061cmark", "isolated mark mark"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("half\ud800 \udce9", r"half\ud800 \xe9"),
        ("one\r\ntwo\rthree\tfour", "one\ntwo\nthree\tfour"),
        ("[bold]markup[/bold] & <b>", "[bold]markup[/bold] & <b>"),
        ("naïve 漢字 🦓 ½", "naïve 漢字 🦓 ½"),
        ("", ""),
    ],
)
def test_plain_keeps_the_words_and_nothing_that_acts(text: str, expected: str) -> None:
    assert plain(text) == expected


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0)])
def test_no_control_character_is_left(code: int) -> None:
    assert {ord(character) for character in plain(f"a{chr(code)} b")} <= {0x09, 0x0A, *map(ord, "a b")}


def test_what_is_plain_stays_so() -> None:
    once = plain("\x1b]unfinished \x1b[1;31mred\x1b \x9d0;x\x07 end")
    assert plain(once) == once
    assert "\x1b" not in once


def test_one_line_has_single_spaces() -> None:
    assert one_line("  several\n\n words\t and\r\nlines \x1b[0m ") == "several words and lines"
    assert one_line("\n") == ""


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x1b[0m\n", "\u2028", "\x85", "\x0b", "\x0c"])
def test_no_text_passes_for_a_line_of_its_own(end: str) -> None:
    text = unbroken(f"step   12{end}error: forged")
    assert 1 == len(text.splitlines())
    assert text.startswith("step   12")
