"""Tables with a list of words and a list of their tags in each row: a text, and the spans that the tags say.

{"tokens": ["Ada", "came"], "ner_tags": ["B-person", "O"]}     as data sets of the Hub have it, in JSON lines or Parquet
{"tokens": ["Ada", "came"], "ner_tags": [1, 0]}                likewise, where the file, or one beside, names 0, 1, ...

Beside its own columns such a table has `text`, the words with one blank between, where it has no text of its own, and
`spans`, of the column of tags that is called as one of entities usually is. Other columns of tags can be named.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from zoo.data.lines import EncodingLog
from zoo.data.rows import Malformed, Row
from zoo.data.tag_names import TagNames, tag_names_beside
from zoo.kinds import TEXT
from zoo.kinds.kind import is_empty, noun_of
from zoo.kinds.printed import printed_value
from zoo.kinds.spelling import quoted_start
from zoo.kinds.tags import OUTSIDE, scheme_of, span_cell
from zoo.plurals import counted

if TYPE_CHECKING:
    from zoo.data.formats import Reader

TEXT_COLUMN, SPANS_COLUMN = "text", "spans"
SEEN_ROWS = 1_000
"""First rows of a table, which show what its columns hold."""
_WORDS = ("tokens", "words")
_TAGS = ("ner_tags", "ner", "tags", "labels", "label", "tag")
"""What the column of tags of entities is usually called, the likeliest first."""
_CERTAIN = ("ner_tags", "ner")
"""Names of columns that hold nothing but tags."""


class WordColumns(NamedTuple):
    """What the columns of a table hold."""

    words: str
    schemes: Mapping[str, str]
    """The scheme of each column of tags; empty where that does not show."""
    numbers: Mapping[str, Sequence[Sequence[int]]]
    """The first cells of columns that are usually tags and hold numbers."""
    text: str
    """The column of the texts that the words are of; empty where there is none."""
    has_spans: bool
    """Whether a column `spans` of its own holds something else than a list of texts."""

    @property
    def tags(self) -> str:
        """The column that `spans` are read from; empty where there is none."""
        lower = {name.lower(): name for name in self.schemes}
        usual = next((lower[name] for name in _TAGS if name in lower), "")
        return "" if self.has_spans else usual or (next(iter(self.schemes)) if len(self.schemes) == 1 else "")


def joined_words(reader: Reader, path: Path, columns: tuple[str, ...]) -> Reader:
    """The reader of a table; one that joins its words where each row has a list of them."""
    words = next((name for name in columns if name.lower() in _WORDS), "")
    if not words:
        return reader
    status = path.stat()
    layout = _layout(cast("Hashable", reader), path, columns, words, status.st_size, status.st_mtime_ns)
    if not layout:
        return reader
    tag_names = tag_names_beside(path) if layout.numbers else None
    if tag_names:
        named = {
            column: scheme_of([[tag_names.names.get(number, OUTSIDE[0]) for number in cell] for cell in cells])
            for column, cells in layout.numbers.items()
        }
        layout = layout._replace(schemes={**layout.schemes, **named})
    return JoinedWords(reader, path, layout, tag_names) if layout.schemes or not layout.text else reader


class JoinedWords:
    """A reader of a table with columns `text` and `spans` beside its own, where it has none."""

    def __init__(self, reader: Reader, path: Path, columns: WordColumns, tag_names: TagNames | None) -> None:
        self._reader, self._path, self._columns, self._tag_names = reader, path, columns, tag_names
        self.JOINED = (*(() if columns.text else (TEXT_COLUMN,)), *((SPANS_COLUMN,) if columns.tags else ()))
        self.WORDS_APART = not columns.text
        self.NAMES_FILE = tag_names.path if tag_names else None

    def __getattr__(self, name: str) -> Any:
        """What else the reader of the table has."""
        return getattr(self._reader, name)

    @property
    def NOTES(self) -> dict[str, str]:  # noqa: N802 - as modules have it
        """How words and tags are read."""
        columns = self._columns
        tags = {
            name: f"{f'{scheme} ' if scheme else ''}tags of words in column {name}"
            + (f", named by {self._tag_names.path.name}" if self._tag_names and name in columns.numbers else "")
            for name, scheme in columns.schemes.items()
        }
        own: dict[str, str] = getattr(self._reader, "NOTES", {})
        joined = {} if columns.text else {TEXT_COLUMN: f"the words of column {columns.words} with one blank between"}
        return {**own, **joined, **tags, **({SPANS_COLUMN: tags[columns.tags]} if columns.tags else {})}

    def read_columns(self, path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
        """Those of the table, and those beside."""
        return with_joined(self._reader.read_columns(path, log), self.JOINED)

    def read_rows(
        self, path: Path, columns: tuple[str, ...], log: EncodingLog | None = None
    ) -> Iterator[Row | Malformed]:
        """Every row; a column of tags has the spans that they say."""
        layout = self._columns
        sources = {name: layout.tags if name == SPANS_COLUMN and layout.tags else name for name in columns}
        tagged = {name: source for name, source in sources.items() if source in layout.schemes}
        joins = TEXT_COLUMN in columns and not layout.text
        if not tagged and not joins:
            yield from self._reader.read_rows(path, columns, log)
            return
        own = [source for name, source in sources.items() if not (joins and name == TEXT_COLUMN)]
        needed = tuple(dict.fromkeys((*own, layout.words, *filter(None, (layout.text,)))))
        for row in self._reader.read_rows(path, needed, log):
            yield row if isinstance(row, Malformed) else self._joined(row, sources, tagged)

    def _joined(self, row: Row, sources: Mapping[str, str], tagged: Mapping[str, str]) -> Row | Malformed:
        layout = self._columns
        words = _texts(row.values[layout.words])
        if isinstance(words, str):
            return Malformed(row.number, f"column {layout.words} {words}, not a list of words")
        text = row.values[layout.text] if layout.text else " ".join(words)
        values = {name: row.values.get(source, text) for name, source in sources.items()}
        if tagged and isinstance(text, str):
            places = _places(words, text)
            if isinstance(places, str):
                return Malformed(row.number, f"column {layout.text} has no {places} where column {layout.words} has it")
            for name, source in tagged.items():
                cell = self._cell(row.values[source], source, places)
                if isinstance(cell, str):
                    return Malformed(row.number, f"column {source} {cell}")
                values[name] = cell
        return Row(row.number, values)

    def _cell(self, cell: Any, column: str, places: list[tuple[int, int]]) -> list[dict[str, Any]] | str | None:
        """The cell of the spans, or why there is none as a clause; None where nobody has tagged the words."""
        if is_empty(cell):
            return None
        tags = self._tags(cell, column)
        if isinstance(tags, str):
            return tags
        if len(tags) != len(places):
            return f"has {counted(len(tags), 'tag')} for {counted(len(places), 'word')}"
        return span_cell(tags, places, self._columns.schemes[column], lambda word: f"word {word + 1}")

    def _tags(self, cell: Any, column: str) -> list[str] | str:
        """The tags of a cell, numbers by their names, or what it holds instead as a clause."""
        values = _values(cell) if column in self._columns.numbers else None
        if self._tag_names and values is not None and all(type(one) is int for one in values):
            names, file_name = self._tag_names.names, self._tag_names.path.name
            unnamed = [one for one in values if one not in names]
            return f"holds {unnamed[0]}, which {file_name} does not name" if unnamed else [names[one] for one in values]
        tags = _texts(cell)
        return f"{tags}, not a list of tags" if isinstance(tags, str) else tags


def with_joined(columns: tuple[str, ...], joined: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of a table and those beside, which take the place of others of their names."""
    return (*(name for name in columns if name.lower() not in joined), *joined)


@lru_cache(maxsize=4)
def _layout(
    reader: Hashable, path: Path, columns: tuple[str, ...], words: str, size: int, modified: int
) -> WordColumns | None:
    """What the first rows show; None where the words are none."""
    rows = cast("Reader", reader).read_rows(path, columns, EncodingLog())
    first = [row for row in islice(rows, SEEN_ROWS) if isinstance(row, Row)]
    counts = [_count(row.values[words]) for row in first]
    if not any(counts):
        return None
    tagged = {
        column: _tags([row.values[column] for row in first], counts, certain=column.lower() in _CERTAIN)
        for column in columns
        if column != words
    }
    schemes = {column: scheme_of(cells) for column, cells in tagged.items() if cells}
    numbers = {
        column: cells
        for column in columns
        if column.lower() in _TAGS and (cells := _numbers([row.values[column] for row in first], counts))
    }
    texts = (name for name in columns if name.lower() in TEXT.columns)
    text = min(texts, key=lambda name: TEXT.columns.index(name.lower()), default="")
    spans = next((name for name in columns if name.lower() == SPANS_COLUMN), "")
    has_spans = bool(spans) and any(not isinstance(_texts(row.values[spans]), list) for row in first)
    return WordColumns(words, schemes, numbers, text, has_spans)


def _tags(cells: Sequence[Any], counts: Sequence[int], *, certain: bool) -> list[list[str]]:
    """The cells that are lists of texts; none where most have not one for each word, and are not tags for certain."""
    lists = [(_texts(cell), count) for cell, count in zip(cells, counts, strict=True) if count and not is_empty(cell)]
    tags = [cell for cell, count in lists if isinstance(cell, list) and (certain or len(cell) == count)]
    return tags if 2 * len(tags) > len(lists) else []


def _numbers(cells: Sequence[Any], counts: Sequence[int]) -> list[list[int]]:
    """The cells that have a number for each word; none where most have not."""
    lists = [(_values(cell), count) for cell, count in zip(cells, counts, strict=True) if count and not is_empty(cell)]
    numbers = [cell for cell, count in lists if cell and len(cell) == count and all(type(one) is int for one in cell)]
    return numbers if 2 * len(numbers) > len(lists) else []


def _values(cell: Any) -> list[Any] | None:
    """The list that a cell is or prints; None where it is none."""
    value = printed_value(cell) if isinstance(cell, str) else cell
    value = value.tolist() if hasattr(value, "tolist") else value
    return list(value) if isinstance(value, list | tuple) else None


def _texts(cell: Any) -> list[str] | str:
    """The list of texts that a cell is, or what it holds instead as a clause."""
    values = _values(cell)
    if values is None:
        return (
            "is empty" if is_empty(cell) else f"holds {quoted_start(cell) if isinstance(cell, str) else noun_of(cell)}"
        )
    others = ["nothing" if one is None else noun_of(one) for one in values if not isinstance(one, str)]
    return f"holds a list with {others[0]} in it" if others else cast("list[str]", values)


def _count(cell: Any) -> int:
    """Number of words; 0 where a cell is no list of them."""
    words = _texts(cell)
    return 0 if isinstance(words, str) else len(words)


def _places(words: Sequence[str], text: str) -> list[tuple[int, int]] | str:
    """Where each word begins and ends in a text, in characters; or the word that it lacks."""
    places: list[tuple[int, int]] = []
    for word in words:
        start = text.find(word, places[-1][1] if places else 0)
        if start < 0:
            return quoted_start(word)
        places.append((start, start + len(word)))
    return places
