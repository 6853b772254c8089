"""Text from outside, made safe for a terminal: no control sequences, no characters that reorder or hide others."""

from __future__ import annotations

import re

from zoo.encoding import escaped

# CSI and OSC sequences whole, so that their parameters do not stay behind as litter; then whatever control is left.
_SEQUENCES = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def plain(text: str) -> str:
    """Strip control sequences, control characters and bidirectional overrides; newlines and tabs stay.

    Bytes that are not UTF-8 are shown escaped, since no stream can encode what stands for them.
    """
    return _CONTROLS.sub("", _SEQUENCES.sub("", escaped(text).replace("\r\n", "\n").replace("\r", "\n")))


def unbroken(text: str) -> str:
    """The same without line ends, so that no text can pass for a line of its own; other white space stays."""
    return plain(text).replace("\n", " ")


def one_line(text: str) -> str:
    """The same on a single line: every run of white space becomes one space."""
    return " ".join(plain(text).split())


def error_text(error: BaseException) -> str:
    """The words of an error in one line; a stranger's error may have none, or fail to give them."""
    try:
        return one_line(str(error))[:500] or "no message"
    except Exception as worse:
        return f"its message cannot be read ({type(worse).__name__})"
