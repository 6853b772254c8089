"""A notebook shows answers, blocks and runs as HTML; what they hold is shown, never obeyed."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

import zoo
from zoo.blocks import Report
from zoo.metrics import report_of_confusion

HOSTILE = "<script>alert(1)</script> & \x1b[2J 'quoted'"


class Words(HTMLParser):
    """Collects text and the names of elements; complains of elements that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.elements: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag == self._open.pop()

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(html: str) -> Words:
    words = Words()
    words.feed(html)
    words.close()
    return words


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (zoo.Classification((zoo.Score(HOSTILE, 0.75), zoo.Score("b", 0.25))), ["75.0%", "b", "25.0%"]),
        (zoo.Classification((zoo.Score("a", 1.0),), truncated_at=64), ["only the first 64 tokens were read", "a"]),
        (zoo.FilledMask(HOSTILE, (zoo.Score("capital", 1.0),)), ["capital", "100.0%"]),
        (zoo.Embedding((0.0, 1.0, -1.0)), ["3 numbers from -1.000 to 1.000", "▅█▁"]),
        (zoo.Rejected(HOSTILE), ["rejected: <script>alert(1)</script> & 'quoted'"]),
    ],
)
def test_answers_are_shown_by_their_blocks(answer: zoo.Prediction, expected: list[str]) -> None:
    html = answer._repr_html_()
    words = read(html)

    assert [text for text in expected if text not in words.text] == []
    assert "script" not in words.elements
    assert "\x1b" not in html


def test_a_report_is_shown_block_by_block() -> None:
    report: Report = report_of_confusion(("cat", "dog"), ((3, 1), (0, 2)))
    table, matrix = (read(block._repr_html_()).text for block in report)

    assert ["Classes", "class", "precision", "recall", "f1", "rows", "cat", "1.000", "0.750", "0.857", "4"] == table[
        :11
    ]
    assert ["Confusion", "rows: what it is; columns: what the model said", "cat", "dog", "cat", "3", "1"] == matrix[:7]
