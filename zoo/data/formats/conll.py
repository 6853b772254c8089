"""Columns as CoNLL has them: a word and its tag a line, an empty line after each sentence (Tjong Kim Sang 2002).

U.N.      NNP  I-NP  I-ORG        a tab or blanks between; any number of columns, the tags in the last
official  NN   I-NP  O            a line `-DOCSTART-` ends a sentence, too; so does one of white space
Ekeus     NNP  I-NP  I-PER        a column of numbers 1, 2, ... may come first, and comments begin with #

The text of a sentence is its words with one blank between. The columns have their numbers for names, and the last one
with tags is `spans`; of which scheme they are, see `zoo.kinds.tags`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from zoo.data.compression import EXTENSIONS, inner_name, open_contents
from zoo.data.lines import EncodingLog, Lines, open_lines
from zoo.data.part_names import part_of_name
from zoo.data.rows import Malformed, Row
from zoo.kinds import SPANS
from zoo.kinds.media_files import entries
from zoo.kinds.tags import IO, OUTSIDE, is_tag, scheme_of, span_cell
from zoo.plurals import counted
from zoo.signatures import HEAD_BYTES

TEXT_COLUMN, SPANS_COLUMN = "text", "spans"
WORDS_APART = True
"""White space alone stands between the words of its texts."""
SEEN_LINES = 50_000
"""First lines of a file, which show how it is laid out."""
EXTENSION_NAMES = (".conll", ".bio", ".iob", ".iob2")
"""What files of the format end in."""
_BY_CONTENT = (".txt", ".tsv", ".tab", ".train", ".dev", ".valid", ".test", ".testa", ".testb")
"""What files with such columns end in that may hold something else, too."""
_DOCUMENT = "-DOCSTART"
_HEADER = ("word", "words", "token", "tokens", "text")
"""What the first column may be called, where the first line names columns."""
_PART_OF_ENDING = {
    ".train": "train",
    **dict.fromkeys((".dev", ".valid", ".testa"), "eval"),
    **dict.fromkeys((".test", ".testb"), "test"),
}


class Layout(NamedTuple):
    """How a file is laid out."""

    has_tabs: bool
    width: int
    """Columns of a line."""
    is_numbered: bool
    """Whether the first column counts the words."""
    schemes: dict[int, str]
    """By the columns, counted from 0, that hold tags."""

    @property
    def word(self) -> int:
        """The column of the words."""
        return int(self.is_numbered)

    @property
    def tags(self) -> int | None:
        """The column of the tags, unless another is named; None where there is none."""
        return max(self.schemes, default=self.width - 1 if self.width > self.word + 1 else None)


class _Line(NamedTuple):
    number: int
    fields: list[str]


def is_of(path: Path) -> bool:
    """Whether a file whose name leaves it open begins with words and tags, or a folder has such files as parts."""
    return bool(parts(path)) if path.is_dir() else _has_tags(path)


def _has_tags(path: Path) -> bool:
    if not path.is_file() or path.suffix.lower() not in (*_BY_CONTENT, *EXTENSIONS):
        return False
    if PurePath(inner_name(path)).suffix.lower() not in _BY_CONTENT:
        return False
    with open_contents(path) as file:
        lines = file.read(HEAD_BYTES).decode(errors="replace").splitlines()[:-1]
    lines = [line for line in lines if line.strip() and not line.startswith((_DOCUMENT, "#"))]
    has_tabs = all("\t" in line for line in lines)
    fields = [_fields(line, has_tabs=has_tabs) for line in lines]
    fields = fields[1:] if fields and _is_header(fields[0]) else fields
    return (
        len(fields) > 1
        and len(fields[0]) > 1
        and all(len(one) == len(fields[0]) and is_tag(one[-1]) for one in fields)
        and any(one[-1][1:2] in ("-", "_") for one in fields)
    )


def parts(folder: Path) -> dict[str, Path]:
    """The files of a folder that are called train, dev or test, and have words and tags."""
    named: dict[str, Path] = {}
    endings = (*EXTENSION_NAMES, *_BY_CONTENT, *EXTENSIONS)
    for name in (entry.name for entry in entries(folder) if entry.name.lower().endswith(endings)):
        path = folder / name
        plain = PurePath(name.removesuffix(path.suffix) if path.suffix.lower() in EXTENSIONS else name)
        part = _PART_OF_ENDING.get(plain.suffix.lower()) or part_of_name(plain.stem)
        if part and (plain.suffix.lower() in EXTENSION_NAMES or _has_tags(path)):
            named.setdefault(part, path)
    return named if "train" in named else {}


def title_of(path: Path) -> str:
    """What the file was taken for."""
    layout = _layout(path)
    schemes = " and ".join(
        f"{scheme or 'no'} tags in column {column + 1}" for column, scheme in sorted(layout.schemes.items())
    )
    between = "tabs" if layout.has_tabs else "blanks"
    return f"CoNLL ({counted(layout.width, 'column')} with {between} between, {schemes or 'no tags'})"


def read_columns(path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
    """`text`, `spans` where there are tags, and the numbers of all columns but the words."""
    layout = _layout(path)
    others = tuple(str(column + 1) for column in range(layout.word + 1, layout.width))
    return (TEXT_COLUMN, *((SPANS_COLUMN,) if others else ()), *others)


def read_rows(path: Path, columns: tuple[str, ...], log: EncodingLog | None = None) -> Iterator[Row | Malformed]:
    """Every sentence in order, with the number of the line of its first word."""
    layout = _layout(path)
    places = {name: layout.tags if name == SPANS_COLUMN else int(name) - 1 for name in columns if name != TEXT_COLUMN}
    with open_lines(path, log) as lines:
        for sentence in _sentences(lines, layout):
            odd = next((line for line in sentence if len(line.fields) != layout.width), None)
            if odd:
                reason = f"line {odd.number} has {counted(len(odd.fields), 'column')} where others have {layout.width}"
                yield Malformed(sentence[0].number, reason)
                continue
            values: dict[str, Any] = {
                name: _spans(sentence, layout, places[name]) if name in places else _text(sentence, layout)
                for name in columns
            }
            yield Row(sentence[0].number, values)


def _layout(path: Path) -> Layout:
    status = path.stat()
    return _layout_of(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=16)
def _layout_of(path: Path, size: int, modified: int) -> Layout:
    with open_lines(path, EncodingLog()) as lines:
        first = list(islice(lines, SEEN_LINES))
    filled = [line for line in first if line.strip() and not line.startswith(_DOCUMENT)]
    has_tabs = sum("\t" in line.strip() for line in filled) * 2 > len(filled)
    widths = Counter(len(_fields(line, has_tabs=has_tabs)) for line in filled)
    width = widths.most_common(1)[0][0] if widths else 1
    layout = Layout(has_tabs, width, False, {})
    sentences = [
        [line.fields for line in sentence if len(line.fields) == width] for sentence in _sentences(iter(first), layout)
    ]
    sentences = [fields for fields in sentences if fields]
    numbered = bool(sentences) and width > 1 and all(_counts(fields) for fields in sentences)
    columns = range(1 + numbered, width)
    tags = {column: [[one[column] for one in fields] for fields in sentences] for column in columns}
    schemes = {column: scheme_of(sentences) for column, sentences in tags.items()}
    tagged = [
        column
        for column, scheme in schemes.items()
        if scheme != IO and (scheme or any(OUTSIDE[0] in sentence for sentence in tags[column]))
    ]
    return layout._replace(is_numbered=numbered, schemes={column: schemes[column] for column in tagged or columns[-1:]})


def _counts(fields: Sequence[Sequence[str]]) -> bool:
    """Whether the first column of a sentence counts its words."""
    return [one[0] for one in fields] == [str(number) for number in range(1, len(fields) + 1)]


def _sentences(lines: Lines | Iterator[str], layout: Layout) -> Iterator[list[_Line]]:
    """The lines of each sentence, without those that are no words."""
    sentence: list[_Line] = []
    for number, line in enumerate(lines, start=1):
        fields = [] if line.startswith(_DOCUMENT) else _fields(line, has_tabs=layout.has_tabs)
        if not any(fields):
            if sentence:
                yield sentence
            sentence = []
        elif not sentence and (_is_comment(fields, layout) or (number == 1 and _is_header(fields))):
            continue
        else:
            sentence.append(_Line(number, fields))
        if isinstance(lines, Lines) and not sentence:
            lines.start_row(number + 1)
    if sentence:
        yield sentence


def _is_comment(fields: Sequence[str], layout: Layout) -> bool:
    """Whether a line is no word and tag, but begins as a comment does."""
    is_word = len(fields) == layout.width and (is_tag(fields[-1]) or layout.width == 1)
    return fields[0].startswith("#") and not is_word


def _is_header(fields: Sequence[str]) -> bool:
    """Whether the first line names the columns."""
    return len(fields) > 1 and fields[0].lower() in _HEADER and fields[-1].lower() in SPANS.columns


def _fields(line: str, *, has_tabs: bool) -> list[str]:
    return [field.strip() for field in line.rstrip().split("\t")] if has_tabs else line.split()


def _text(sentence: Sequence[_Line], layout: Layout) -> str:
    return " ".join(line.fields[layout.word] for line in sentence)


def _spans(sentence: Sequence[_Line], layout: Layout, column: int | None) -> list[dict[str, Any]]:
    """The cell of the spans that the tags of a column say."""
    if column is None:
        return []
    places: list[tuple[int, int]] = []
    for line in sentence:
        start = places[-1][1] + 1 if places else 0
        places.append((start, start + len(line.fields[layout.word])))
    tags = [line.fields[column] for line in sentence]
    return span_cell(tags, places, layout.schemes.get(column, IO), lambda word: f"line {sentence[word].number}")
