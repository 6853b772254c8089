"""Bytes of a text to UTF-8: UTF-16 and UTF-32 recognised by their first bytes, without byte-order marks."""

from __future__ import annotations

import codecs
import contextlib
import io
from typing import Protocol, cast


class Utf8Stream(Protocol):
    """What is read of a text; whether its bytes are UTF-8 throughout is for the reader to see."""

    def readline(self, limit: int, /) -> bytes: ...

    def read(self, limit: int, /) -> bytes: ...


_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as the mark of UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def utf8_stream(file: io.BufferedReader) -> Utf8Stream:
    """A file of any Unicode encoding as UTF-8, from where it stands."""
    head = file.peek(4)[:4]
    if not head:
        return io.BytesIO()  # the end, which a terminal would have to be sent a second time
    encoding = _encoding_of(head)
    return _Transcoded(file, encoding) if encoding else cast("Utf8Stream", file)


def without_marks(text: bytes) -> bytes:
    """The beginning of a text without byte-order marks; a program that adds one where there is one leaves two."""
    while text.startswith(codecs.BOM_UTF8):
        text = text[len(codecs.BOM_UTF8) :]
    return text


def _encoding_of(head: bytes) -> str:
    """Of what is not UTF-8: by its mark, or by the zeros of two ASCII characters; empty for all else."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    zeros = "".join("0" if byte == 0 else "x" for byte in head)
    return {"x0x0": "utf-16-le", "0x0x": "utf-16-be"}.get(zeros, "")


class _Transcoded:
    """Wide characters as UTF-8; what is damaged becomes U+FFFD, which an inspection counts."""

    def __init__(self, file: io.BufferedReader, encoding: str) -> None:
        self._text = io.TextIOWrapper(file, encoding, errors="replace", newline="\n")

    def __del__(self) -> None:
        with contextlib.suppress(ValueError):  # closed, and so let go of, already
            self._text.detach()  # the file is closed by whoever opened it

    def readline(self, limit: int, /) -> bytes:
        return self._text.readline(limit).encode()

    def read(self, limit: int, /) -> bytes:
        return self._text.read(limit).encode()
