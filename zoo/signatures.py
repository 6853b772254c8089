"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import re
from typing import NamedTuple

from zoo import git_lfs

HEAD_BYTES = 2**16
"""More than any signature needs, and enough of a text to see how it goes on."""
PARQUET = b"PAR1"
_TAR_MAGIC, _TAR_OFFSET = b"ustar", 257
_EXPORT = "export it as .csv, .jsonl or .parquet from the program that wrote it"
_UNPACK = "unpack it, and name the table or the folder in it"


class Signature(NamedTuple):
    """What a file is that is no table of text, and what to do about it."""

    kind: str
    advice: str


GIT_LFS = Signature(git_lfs.WHAT, git_lfs.ADVICE)
EXCEL = Signature("an Excel workbook", "in Excel: File, Save As, CSV UTF-8; then name that file")
ARCHIVE = Signature("an archive", _UNPACK)
_PICTURE = Signature("an image", "name the folder that holds it, or a table with a column file_name")
_PICKLE = Signature("a Python pickle, which can run any program", "write it as .csv or .parquet instead, in Python")
_BY_MAGIC: dict[bytes, Signature] = {
    git_lfs.MAGIC: GIT_LFS,
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": Signature("an old Excel or Word file", EXCEL.advice),
    b"%PDF-": Signature("a PDF", _EXPORT),
    b"SQLite format 3\0": Signature(
        "an SQLite database", 'export a table of it: sqlite3 -header -csv FILE "select * from TABLE" > rows.csv'
    ),
    b"ARROW1": Signature("an Arrow (Feather) file", 'in Python: pandas.read_feather(FILE).to_parquet("rows.parquet")'),
    b"\xff\xff\xff\xff": Signature("an Arrow stream", "in Python: datasets.load_from_disk(FOLDER).to_parquet(FILE)"),
    b"\x93NUMPY": Signature("a numpy array", _EXPORT),
    b"\x89HDF\r\n": Signature("an HDF5 file", _EXPORT),
    b"7z\xbc\xaf\x27\x1c": ARCHIVE,
    b"Rar!\x1a\x07": ARCHIVE,
    b"PK\x03\x04": ARCHIVE,
    b"PK\x05\x06": ARCHIVE,
    b"\x1f\x8b": ARCHIVE,
    b"\xfd7zXZ\0": ARCHIVE,
    b"\x28\xb5\x2f\xfd": Signature("a file compressed by zstd", "unpack it: unzstd FILE"),
    b"\x04\x22\x4d\x18": Signature("a file compressed by lz4", "unpack it: unlz4 FILE"),
    **dict.fromkeys((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"), _PICKLE),
    **dict.fromkeys((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*"), _PICTURE),
}
_WEB_PAGE = re.compile(rb"\s*(?:<!doctype\s+html|<html)", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml\b")


def signature_of(head: bytes) -> Signature | None:
    """What is recognised by its beginning; None for tables, texts, and what is not known."""
    for magic, signature in _BY_MAGIC.items():
        if head.startswith(magic):
            return signature
    if head[_TAR_OFFSET:].startswith(_TAR_MAGIC):
        return ARCHIVE
    return _PICTURE if head.startswith(b"RIFF") and head[8:12] == b"WEBP" else None


def markup_of(head: bytes) -> Signature | None:
    """What a text is that is no table, though it may pass for lines of text."""
    text = head.removeprefix(b"\xef\xbb\xbf")
    if _WEB_PAGE.match(text):
        return Signature("a web page", "a download may have brought it instead of the file: look at it in a browser")
    return Signature("an XML document", _EXPORT) if _XML.match(text) else None
