"""A file of rows, whatever its format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property, partial
from itertools import islice
from pathlib import Path

from zoo.data.box_rows import joined_boxes
from zoo.data.compression import is_compressed
from zoo.data.formats import format_of
from zoo.data.layout import table_in
from zoo.data.lines import EncodingLog, InvalidByte, LineTooLong, NotUtf8
from zoo.data.rows import Malformed, Row
from zoo.data.word_rows import joined_words, with_joined
from zoo.encoding import is_encodable, not_utf8
from zoo.errors import DatasetInvalid
from zoo.hyperparameters import DataOptions
from zoo.kinds import InputKind
from zoo.kinds.characters import visible_name
from zoo.plurals import name_list
from zoo.row_range import BEGINNING, RowMark

SAMPLED_ROWS = 200
"""First rows of a table, of which a guess is made what it holds."""
_USUAL_COMPRESSION = 4
"""Times that a table becomes smaller."""


class Table:
    """The columns of a file or a folder of files, and its rows as often as they are asked for.

    Raises:
        DatasetInvalid: there is no such file, its kind is not known, or it cannot be read as that kind.
        Unsupported: a package that reads this kind is not installed.
    """

    def __init__(self, path: str | Path, log: EncodingLog | None = None) -> None:
        self.path = table_in(Path(path))
        self._reader, self.extension = format_of(self.path)
        self._log = EncodingLog(tolerant=False) if log is None else log
        self.undecodable_rows = 0
        """Rows set aside since their text is not UTF-8."""
        self.columns: tuple[str, ...] = ()
        with _Translated(self):
            header_log = EncodingLog(
                tolerant=log is not None
            )  # what is wrong with the encoding counts once: when the rows are read
            own = self._reader.read_columns(self.path, header_log)
            self._reader = joined_words(joined_boxes(self._reader, self.path, own), self.path, own)
        self.joined_columns: tuple[str, ...] = getattr(self._reader, "JOINED", ())
        """Columns that stand for several rows, beside those that the file has."""
        spelled = with_joined(own, self.joined_columns)
        if log is None and header_log.first and header_log.first.row == 0:
            raise _not_utf8(self, header_log.first)
        self.columns = tuple(visible_name(name) for name in spelled)
        self._spelled = dict(zip(reversed(self.columns), reversed(spelled), strict=True))
        if any("\0" in name for name in spelled):
            raise DatasetInvalid(
                f"{path} holds NUL bytes where the column names should be; it is not UTF-8 text",
                "convert UTF-16 with: " + conversion(self.path, "UTF-16"),
            )

    @property
    def base(self) -> Path:
        """The folder that relative paths in the table start from."""
        base_of = getattr(self._reader, "base_of", None)  # only some formats name files from elsewhere
        if base_of is not None:
            base: Path = base_of(self.path)
        else:
            base = self.path if self.path.is_dir() else self.path.parent
        return base.absolute()

    @property
    def format_note(self) -> str:
        """What a person should know of the format it was taken for; empty where the name of the file says it."""
        title_of = getattr(self._reader, "title_of", None)  # only some formats have variants
        title = title_of(self.path) if title_of else getattr(self._reader, "TITLE", "")
        return f"read as {title}" if title else ""

    def rows_note(self, column: str) -> str:
        """What a person should know of its rows where a column is read; empty where that is plain."""
        notes: dict[str, str] = getattr(self._reader, "NOTES", {})
        return notes.get(self._spelled.get(column, ""), "")

    @property
    def words_apart(self) -> bool:
        """Whether white space alone stands between the words of its texts."""
        return bool(getattr(self._reader, "WORDS_APART", False))

    @property
    def names_file(self) -> Path | None:
        """The file beside it that says what numbers in it stand for; None where there is none."""
        return getattr(self._reader, "NAMES_FILE", None)

    @property
    def has_class_folders(self) -> bool:
        """Whether the folder that a file stands in is its class."""
        return bool(getattr(self._reader, "LABEL_COLUMN", ""))

    @cached_property
    def input_kind(self) -> InputKind | None:
        """What its inputs are; None where that is up to its columns."""
        input_kind_of = getattr(self._reader, "input_kind_of", None)  # only some formats have files of one kind
        return input_kind_of(self.path) if input_kind_of else getattr(self._reader, "INPUT_KIND", None)

    def file_named_by(self, row: Row, columns: Iterable[str]) -> str:
        """The name of the file that a row is, by the columns of the inputs; empty for a row of a table."""
        if self.input_kind is None:
            return ""
        return next((str(cell) for column in columns if (cell := row.values.get(column))), "")

    @property
    def unit(self) -> str:
        """What there are several of, in a person's words."""
        return self.input_kind.name if self.input_kind and not self.path.is_file() else "row"

    def missing_target(self, column: str) -> str:
        """Why a row without target has none."""
        if self.has_class_folders:
            return "it stands beside the class folders, not in one, so it has no label"
        return f"column {column} is empty: the label is missing"

    def class_names(self, column: str) -> tuple[str, ...]:
        """What the file calls the classes 0, 1, ... of a column; empty where it names none."""
        read_class_names = getattr(self._reader, "read_class_names", None)  # only some formats can name them
        return read_class_names(self.path).get(self._spelled[column], ()) if read_class_names else ()

    @property
    def size_bytes(self) -> int:
        """Of the file, unpacked as far as is known beforehand; 0 for a folder."""
        if self.path.is_dir():
            return 0
        return self.path.stat().st_size * (_USUAL_COMPRESSION if is_compressed(self.path) else 1)

    @cached_property
    def first_rows(self) -> tuple[Row, ...]:
        """Those that a guess is made from, with all columns."""
        return tuple(row for row in islice(self.rows(self.columns), SAMPLED_ROWS) if isinstance(row, Row))

    def known_rows(self) -> int | None:
        """How many rows there are, where the file says so."""
        count = getattr(self._reader, "count_rows", None)
        return count(self.path) if count else None

    @property
    def has_marks(self) -> bool:
        """Whether its rows can be read from one of them on."""
        return not self.joined_columns and hasattr(self._reader, "read_rows_from")

    def mark_of(self, row: Row | Malformed) -> RowMark | None:
        """Where the row begins that was read last; None where that is not known."""
        mark = self._log.text.row_mark if self._log.text and self.has_marks else None
        return mark if mark and mark.number == row.number else None

    def rows(self, columns: tuple[str, ...], mark: RowMark = BEGINNING) -> Iterator[Row | Malformed]:
        """Every row with these columns, in order and in constant memory.

        Args:
            columns: their names.
            mark: of the row to begin with; of a table that has marks.
        """
        spelled = tuple(self._spelled[name] for name in columns)
        names = None if spelled == columns else dict(zip(columns, spelled, strict=True))
        read = self._reader.read_rows
        if mark != BEGINNING:
            read = partial(self._reader.read_rows_from, mark)  # type: ignore[attr-defined]  # of a table that has marks
        with _Translated(self):
            for row in read(self.path, spelled, self._log):
                if isinstance(row, Malformed):
                    self.undecodable_rows += row.undecodable
                    yield row
                elif self._log.lines and (malformed := _undecodable(row)):
                    self.undecodable_rows += 1
                    yield malformed
                else:
                    yield row if names is None else _renamed(row, names)

    def check_encoding(self, rows: int) -> None:
        """Refuse a file that is of another encoding as a whole.

        Args:
            rows: that were read.

        Raises:
            DatasetInvalid: more of the rows are not UTF-8 than a run accepts to set aside.
        """
        if self._log.first and self.undecodable_rows > DataOptions().max_rejected * rows:
            raise _not_utf8(self, self._log.first)


def _undecodable(row: Row) -> Malformed | None:
    """Why a row cannot be used of which some text is not UTF-8; None where all of it is."""
    for name, value in row.values.items():
        if isinstance(value, str) and not is_encodable(value):
            return Malformed(row.number, f"column {visible_name(name)} {not_utf8(value)}", undecodable=True)
    return None


def _renamed(row: Row, names: dict[str, str]) -> Row:
    return Row(row.number, {name: row.values[spelled] for name, spelled in names.items()})


def conversion(path: Path, encoding: str) -> str:
    """The command that converts a file to UTF-8."""
    if path.is_file() and is_compressed(path):
        return f"iconv -f {encoding} -t UTF-8, once it is unpacked"
    return f'iconv -f {encoding} -t UTF-8 "{path}" > "{path.stem}-utf8{path.suffix}"'


class _Translated:
    """Turns what a reader stumbles over into one error a person can act on."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        path = self._table.path
        if isinstance(error, NotUtf8):
            raise _not_utf8(self._table, error.invalid) from None
        if isinstance(error, LineTooLong):
            raise DatasetInvalid(
                f"{path} has no line end for more than 64 MiB after byte {error.offset}; is it text?"
            ) from None
        if isinstance(error, OSError):
            raise DatasetInvalid(f"{path} cannot be read: {error.strerror or error}") from error


def _not_utf8(table: Table, invalid: InvalidByte) -> DatasetInvalid:
    where = f"row {invalid.row}" if invalid.row else "the header"
    columns = f"; columns found: {name_list(table.columns)}" if table.columns else ""
    return DatasetInvalid(
        f"{table.path} is not UTF-8: byte {invalid.offset} ({invalid.value}), in {where}, cannot be decoded{columns}",
        # Nearly everything else met in practice is what Windows programs write.
        f"if it is WINDOWS-1252, convert it with: {conversion(table.path, 'WINDOWS-1252')}",
    )
