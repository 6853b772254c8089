"""Images by the terminal's own graphics protocol, where it has one that works in a grid of characters.

kitty's protocol with Unicode placeholders (https://sw.kovidgoyal.net/kitty/graphics-protocol/): the image is sent once,
and cells that hold a placeholder character show their part of it, so that whatever draws characters can move and cover
it. kitty and Ghostty have it. Which terminal it is decides whether it is asked at all; its answer decides.
"""

from __future__ import annotations

import base64
import os
import re
import select
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, cast

from zoo import settings
from zoo.errors import OptionInvalid

Graphics = Literal["kitty", "blocks"]
VARIABLE = "ZOO_GRAPHICS"
ANSWER_S = 0.2
"""How long a terminal that should answer is waited for."""
CHUNK = 4096
"""Most bytes of base64 that go into one message of the protocol."""
PLACEHOLDER = "\U0010eeee"
ROWS = tuple(
    map(
        chr,
        (
            *(0x305, 0x30D, 0x30E, 0x310, 0x312, 0x33D, 0x33E, 0x33F, 0x346, 0x34A, 0x34B, 0x34C, 0x350, 0x351, 0x352),
            *(0x357, 0x35B, *range(0x363, 0x370), *range(0x483, 0x488), 0x592, 0x593, 0x594, 0x595, 0x597, 0x598),
            *(0x599, 0x59C, 0x59D, 0x59E, 0x59F, 0x5A0, 0x5A1, 0x5A8, 0x5A9, 0x5AB, 0x5AC, 0x5AF, 0x5C4),
        ),
    )
)
"""The marks that number rows and columns: as many as a picture has rows at most."""
_QUERY = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[c"
"""May one send images? And then, what every terminal answers: what kind of terminal is it?"""
_END = re.compile(rb"\x1b\[\?[\d;]*c")


def settle(environment: Mapping[str, str], ask: Callable[[], bool]) -> Graphics:
    """Choose how images are drawn.

    Args:
        environment: `ZOO_GRAPHICS`, else the setting, is auto, kitty or blocks; the rest says which terminal it is.
        ask: asks the terminal whether it takes images.

    Raises:
        OptionInvalid: `ZOO_GRAPHICS` is something else.
    """
    setting = environment.get(VARIABLE) or settings.value("graphics")
    if setting not in ("auto", "kitty", "blocks"):
        raise OptionInvalid(f"{VARIABLE} is {setting!r}, but takes auto, kitty, blocks", f"unset {VARIABLE}")
    if setting != "auto":
        return cast("Graphics", setting)
    return "kitty" if _promising(environment) and ask() else "blocks"


def _promising(environment: Mapping[str, str]) -> bool:
    """Whether it is a terminal with placeholders, and nothing stands between that does not know them."""
    if "TMUX" in environment or "STY" in environment or "NO_COLOR" in environment:
        return False
    names = (environment.get("TERM", ""), environment.get("TERM_PROGRAM", ""))
    return any(name.removeprefix("xterm-") in ("kitty", "ghostty") for name in names)


def ask_terminal() -> bool:
    """Ask the terminal of this process; before anything else reads from it."""
    if sys.platform == "win32" or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    import termios
    import tty

    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    try:
        tty.setcbreak(fd)
        os.write(sys.stdout.fileno(), _QUERY)
        return b"\x1b_Gi=31;OK" in _read_answer(fd)
    finally:
        termios.tcsetattr(fd, termios.TCSANOW, before)


def _read_answer(fd: int) -> bytes:
    """All up to the answer that every terminal gives, or what has come by the time it should have."""
    answer, until = b"", time.monotonic() + ANSWER_S
    while not _END.search(answer) and (remaining_s := until - time.monotonic()) > 0:
        if select.select([fd], [], [], remaining_s)[0]:
            answer += os.read(fd, 1024)
    return answer


def image_messages(png: bytes, number: int, columns: int, rows: int) -> str:
    """The messages that give the terminal an image to be shown by placeholders.

    Args:
        png: the image.
        number: what it is called, 1 to 2**24 - 1; the colour of its placeholders.
        columns: cells it covers.
        rows: cells it covers.
    """
    text = base64.b64encode(png).decode()
    chunks = [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)]
    keys = f"a=T,U=1,f=100,i={number},c={columns},r={rows},q=2,"
    return "".join(
        f"\x1b_G{keys if index == 0 else ''}m={int(index < len(chunks) - 1)};{chunk}\x1b\\"
        for index, chunk in enumerate(chunks)
    )


def forgotten(number: int) -> str:
    """The message that lets the terminal free an image."""
    return f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\"


def placeholders(columns: int, rows: int) -> Iterator[str]:
    """The cells of an image, row by row; a cell without a column stands right of its left neighbour."""
    for row in range(rows):
        yield PLACEHOLDER + ROWS[row] + ROWS[0] + (PLACEHOLDER + ROWS[row]) * (columns - 1)
