"""A text with its spans is drawn in each view: on the colours of the labels, or with the labels beside them."""

from __future__ import annotations

import sys

import pytest

import zoo
from tests.terminal_output import terminal_output
from zoo.blocks import Block
from zoo.cli.render import render, show_answer
from zoo.rendering.colours import hex_colour, ink_on, label_colour
from zoo.rendering.html import html
from zoo.rendering.markdown import markdown
from zoo.rendering.spans import SHOWN_SPANS
from zoo.tui.widgets.blocks import draw

TEXT = "Ada Lovelace was born\n in London."
ADA, LONDON = zoo.SpanMark(0, 12, "person", 0.987), zoo.SpanMark(26, 32, "location", 0.5)
BLOCK = zoo.Spans(text=TEXT, spans=(ADA, LONDON))
HOSTILE = "<b>\x1b[2J\u202ex"


def texts(block: Block) -> list[str]:
    """The block as each view draws it."""
    return ["\n".join(line.text for line in render([block])), html([block]), markdown([block]), draw([block], 60).plain]


def test_the_text_stands_above_the_list_of_its_spans() -> None:
    cli, page, readme, tui = texts(BLOCK)
    assert cli.splitlines() == [
        "[Ada Lovelace](person) was born in [London](location).",
        "  label     score  text          start  end",
        "  person    0.987  Ada Lovelace      0   12",
        "  location  0.500  London           26   32",
    ]
    assert tui.splitlines()[0] == "Ada Lovelace · person was born in London · location."
    assert "■ person" in tui
    assert "**Ada Lovelace** (person) was born in **London** (location)." in readme
    assert "| person | 0.987 | Ada Lovelace | 0 | 12 |" in readme
    assert f"background: {hex_colour(label_colour('person'))}" in page
    assert ">Ada Lovelace · person</mark> was born in <mark" in page


def test_the_terminal_ui_lays_each_span_on_the_colour_of_its_label() -> None:
    content = draw([BLOCK], 60)
    styles = {content.plain[span.start : span.end]: str(span.style) for span in content.spans}
    ground = label_colour("location")
    assert styles["London · location"] == f"{hex_colour(ink_on(ground))} on {hex_colour(ground)}"


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")
def test_a_terminal_gets_colours_and_a_file_gets_brackets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = zoo.TaggedSpans("in London", (zoo.TaggedSpan(3, 9, "location", "London", 0.5),))
    show_answer("in London", answer)
    assert capsys.readouterr().out.splitlines()[0] == "in [London](location)"

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    first = terminal_output(monkeypatch, lambda: show_answer("in London", answer)).splitlines()[0]
    red, green, blue = label_colour("location")
    assert first.startswith("in \x1b[")
    assert f"48;2;{red};{green};{blue}mLondon · location" in first


def test_texts_and_labels_from_outside_are_shown_and_never_obeyed() -> None:
    text = f"{HOSTILE} | {HOSTILE}\nmodel: forged"
    for block in (
        zoo.Spans(text=text, spans=(zoo.SpanMark(0, len(HOSTILE), HOSTILE),)),
        zoo.Spans(text=text, spans=(zoo.SpanMark(4, 6, "cut sequence"),)),
    ):
        cli, page, readme, tui = texts(block)
        assert not any(character in view for view in (cli, page, readme, tui) for character in "\x1b\u202e")
        assert "<b>" not in page
        assert not any(line.startswith("model:") for line in cli.splitlines())


def test_what_a_text_says_of_its_marks_itself_is_not_said_again() -> None:
    block = zoo.Spans(text="on the cat→bat mat", spans=(zoo.SpanMark(7, 14, "substitution"),), labelled=False)
    colour = label_colour("substitution")

    cli, page, readme, tui = texts(block)

    assert ("on the [cat→bat] mat", "on the **cat→bat** mat", "on the cat→bat mat") == (cli, readme, tui)
    assert f'<mark style="background: {hex_colour(colour)}; ' in page
    assert ">cat→bat</mark> mat</p></div>" in page
    (span,) = draw([block], 60).spans
    assert f"{hex_colour(ink_on(colour))} on {hex_colour(colour)}" == str(span.style)


def test_overlapping_spans_are_listed_and_the_outer_one_is_drawn() -> None:
    block = zoo.Spans(text="New York City", spans=(zoo.SpanMark(4, 13, "inner"), zoo.SpanMark(0, 8, "outer")))
    first, *listed = texts(block)[0].splitlines()
    assert first == "[New York](outer) City"
    assert [line.split()[0] for line in listed] == ["label", "inner", "outer"]


def test_a_text_without_spans_and_one_with_very_many() -> None:
    assert texts(zoo.Spans(text="nothing", spans=()))[0].splitlines() == ["nothing", "  no spans"]
    assert "no spans" in texts(zoo.Spans(text="", spans=()))[3]
    many = SHOWN_SPANS + 20
    block = zoo.Spans(text="x " * many, spans=tuple(zoo.SpanMark(2 * i, 2 * i + 1, "x") for i in range(many)))
    for view in texts(block):
        assert "and 20 more" in view


def test_a_span_lies_within_its_text() -> None:
    for start, end in ((0, 0), (-1, 2), (0, 4)):
        with pytest.raises(ValueError, match="of the 3 characters"):
            zoo.Spans(text="abc", spans=(zoo.SpanMark(start, end, "x"),))
