"""The only writer of stdout: answers."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from zoo import terminal
from zoo.blocks import Tone
from zoo.encoding import encode_json
from zoo.sanitize import one_line, plain, unbroken
from zoo.text_table import render_table

if TYPE_CHECKING:
    from zoo.rendering.cells import PictureCell
    from zoo.rendering.colours import Colour
    from zoo.rendering.spans import MarkedPart

# What a terminal may act on and JSON allows as it is; it occurs in strings only, where an escape means the same.
_ACTIVE = re.compile(r"[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")

_CONTROL = re.compile(rf"[\x00-\x08\x0b-\x1f]|{_ACTIVE.pattern}")


class AnswerLost(OSError):
    """stdout takes no more, as on a full disk."""


_STYLES: dict[Tone, str] = {"strong": "\x1b[1m", "error": "\x1b[31m"}
_PLAIN = "\x1b[0m"
_INDENT = "  "
LEAST_LINES, LINES_BELOW = 10, 8
"""Of a picture, and of the text that shall be in sight below it."""


def line(text: str = "", tone: Tone = "plain", swatch: Colour | None = None, parts: Sequence[MarkedPart] = ()) -> None:
    """One line of an answer; text from outside is made safe for the terminal.

    Args:
        text: without a line end.
        tone: shown by bold type or a colour where stdout is a terminal, unless NO_COLOR is set.
        swatch: of the colour that belongs to it, likewise, in the place of the blanks it begins with.
        parts: likewise in the place of the text, on the colours of their labels.
    """
    text = unbroken(text)
    if parts and terminal.colours(sys.stdout):
        _write("".join(map(_on_colour, parts)) + "\n")
    elif swatch and terminal.colours(sys.stdout):
        from zoo.cli.colours import coloured
        from zoo.rendering.cells import PictureCell

        _write(coloured([PictureCell("■", swatch)], sys.stdout) + text[1:] + "\n")
    else:
        _write(_styled(text, tone) + "\n")


def _on_colour(part: MarkedPart) -> str:
    from zoo.cli.colours import coloured
    from zoo.rendering.cells import PictureCell
    from zoo.rendering.colours import ink_on, label_colour

    if not part.label:
        return part.text
    ground = label_colour(part.label)
    return coloured([PictureCell(part.with_label, ink_on(ground), ground)], sys.stdout)


def piece(text: str, *, first: bool) -> None:
    """The next piece of an answer that grows, at once; its lines are indented as those of other answers.

    Args:
        text: may hold line ends.
        first: whether the answer begins with it.
    """
    indented = plain(text).replace("\n", f"\n{_INDENT}")
    _write(_INDENT + indented if first else indented)
    flush()


def prompt(text: str) -> None:
    """What stands before what a person types, at a terminal."""
    _write(text)
    flush()


def picture_room(*, colours: bool = True) -> tuple[int, int] | None:
    """Columns and lines that a picture may take; None where stdout is no terminal.

    Args:
        colours: whether the terminal must show colours.
    """
    if not (terminal.colours(sys.stdout) if colours else sys.stdout.isatty()):
        return None
    return terminal.columns(sys.stdout) - 1, max(LEAST_LINES, terminal.lines(sys.stdout) - LINES_BELOW)


def shows_colours() -> bool:
    """Whether stdout is a terminal that does."""
    return terminal.colours(sys.stdout)


def picture(cells: Sequence[Sequence[PictureCell]]) -> None:
    """A picture in characters; without its colours where the terminal shows none."""
    if not terminal.colours(sys.stdout):
        _write("".join("".join(cell.text for cell in row).rstrip() + "\n" for row in cells))
        return
    from zoo.cli.colours import coloured

    _write("".join(f"{coloured(row, sys.stdout)}\n" for row in cells))


def _styled(text: str, tone: Tone) -> str:
    style = _STYLES.get(tone, "") if text and terminal.colours(sys.stdout) else ""
    return f"{style}{text}{_PLAIN}" if style else text


def page(text: str) -> None:
    """Text of ours in lines of its own."""
    _write(text)


def raw(text: str) -> None:
    """JSON that was made for another program, passed on with the same meaning."""
    _write(_ACTIVE.sub(lambda match: f"\\u{ord(match[0]):04x}", text))


def rows(text: str) -> None:
    r"""Rows that were made for another program, with an escape such as \u001b for what a terminal would act on."""
    _write(_CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text))


def emit_json(value: Any) -> None:
    """One JSON document."""
    document = msgspec.json.format(encode_json(value, enc_hook=_describe), indent=2)
    raw(document.decode() + "\n")


def table(
    rows: Sequence[Sequence[str]], headers: Sequence[str], tones: Sequence[Tone] = (), titles: Sequence[str] = ()
) -> None:
    """Aligned columns; lines are cut to the width of the terminal, if stdout is one.

    Args:
        rows: cells, as text.
        headers: one per column.
        tones: one per row; none where all are plain.
        titles: of the section of each row, which stands once above its first row; none where there are no sections.
    """
    head, *lines = render_table(rows, headers, width=width())
    _write(head + "\n")
    plain: Sequence[Tone] = ["plain"] * len(lines)
    above = ""
    for text, tone, title in zip(lines, tones or plain, titles or [""] * len(lines), strict=True):
        if title != above:
            line()
            line(one_line(title), "strong")
            above = title
        _write(_styled(text, tone) + "\n")


def flush() -> None:
    """Let whoever reads stdout have all that was written."""
    with _noticing_loss():
        sys.stdout.flush()


def _write(text: str) -> None:
    with _noticing_loss():
        sys.stdout.write(text)


@contextlib.contextmanager
def _noticing_loss() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise  # whoever read it has seen enough
    except OSError as error:
        raise AnswerLost(error.errno, error.strerror) from error


def width() -> int | None:
    """Columns of the terminal; None where stdout is none."""
    return terminal.columns(sys.stdout) if sys.stdout.isatty() else None


def _describe(value: object) -> object:
    """JSON of what msgspec cannot encode: an option set is shown by its schema."""
    from zoo.options import Options, schema

    if isinstance(value, type) and issubclass(value, Options):
        return schema(value)
    raise TypeError(f"{type(value).__name__} cannot be shown as JSON")
