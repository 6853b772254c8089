"""A preview of data beside the form that is filled in for it; the data is read in a thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from textual.message import Message
from textual.widgets import Static
from textual.worker import Worker, get_current_worker

from zoo.blocks import DrawnBlock
from zoo.card import Card
from zoo.data.inspection_text import findings, report
from zoo.errors import RunCancelled, ZooError
from zoo.file_cache import FileCache
from zoo.sanitize import plain, unbroken
from zoo.tui.form_errors import with_labels
from zoo.tui.preview import ColumnsPreview, DataQuery, RowsPreview, SamplesPreview, preview

SHOWN_EVERY = 200
"""Rows."""
LEAST_WIDTH = 40


class DataPreview(Static):
    """What a data set is like.

    Args:
        card: the model it is for.
        verb: what the model shall do with it.
        files: of the data, as far as they were read.
        advice: what is said while there is nothing to look at.
        labels: gives the name of each field of the form to its label.
    """

    class ColumnsRead(Message):
        """The columns of the data are known."""

        def __init__(self, query: DataQuery, columns: ColumnsPreview) -> None:
            super().__init__()
            self.query, self.columns = query, columns

    class Failed(Message):
        """The data cannot serve."""

        def __init__(self, query: DataQuery, error: ZooError) -> None:
            super().__init__()
            self.query, self.error = query, error

    class RowsCounted(Message):
        """Some of the rows were looked at."""

        def __init__(self, query: DataQuery, rows: int) -> None:
            super().__init__()
            self.query, self.rows = query, rows

    class SamplesRead(Message):
        """A few rows are to be drawn; none where nothing is."""

        def __init__(self, query: DataQuery, pictures: tuple[DrawnBlock, ...]) -> None:
            super().__init__()
            self.query, self.pictures = query, pictures

    class RowsRead(Message):
        """All of the rows were looked at, as far as they are."""

        def __init__(self, query: DataQuery, rows: RowsPreview) -> None:
            super().__init__()
            self.query, self.rows = query, rows

    def __init__(
        self,
        card: Card,
        verb: str,
        files: FileCache,
        *,
        advice: str,
        labels: Callable[[], Mapping[str, str]],
        id: str | None = None,
    ) -> None:
        super().__init__(plain(advice), id=id, markup=False)
        self._labels = labels
        self._model, self._verb, self._files, self._advice = card, verb, files, advice
        self._query = DataQuery()
        self._reader: Worker[None] | None = None

    @property
    def query_now(self) -> DataQuery:
        """The data that is meant now."""
        return self._query

    def look(self, query: DataQuery) -> None:
        """Look at other data; what was begun before is given up."""
        if query == self._query:
            return
        self.stop()
        self._query = query
        self.update("looking at the data" if query.path else plain(self._advice))
        self.post_message(self.SamplesRead(query, ()))
        if query.path:
            self._reader = self.run_worker(lambda: self._read(query), thread=True, exit_on_error=False)

    def stop(self) -> None:
        """Give up what is being looked at: other data will be meant."""
        self._query = DataQuery()
        if self._reader is not None:
            self._reader.cancel()
        self.post_message(self.SamplesRead(self._query, ()))

    def is_current(self, message: ColumnsRead | Failed | RowsCounted | SamplesRead | RowsRead) -> bool:
        """Whether a message is about the data that is meant now."""
        return message.query == self._query

    def on_data_preview_failed(self, message: Failed) -> None:
        if self.is_current(message):
            self.update("")

    def on_data_preview_rows_counted(self, message: RowsCounted) -> None:
        message.stop()
        if self.is_current(message):
            self.update(f"{message.rows:,} looked at")

    def on_data_preview_rows_read(self, message: RowsRead) -> None:
        message.stop()
        if not self.is_current(message):
            return
        inspection, reason, note = message.rows
        facts = [text for text in (reason, note) if text]
        problems: list[str] = []
        lines: list[str] = []
        if inspection is not None:
            lines = list(report(inspection, max(LEAST_WIDTH, self.size.width - 1)))
            problems = [with_labels(finding, self._labels()) for finding in findings(inspection)]
            lines = ["", *lines[: len(lines) - len(problems)]]
        # What is wrong stands first: there may be little room.
        self.update("\n".join(map(unbroken, [*facts, *problems, *lines])))

    def _read(self, query: DataQuery) -> None:
        """In a thread: the header, then the rows."""
        worker = get_current_worker()

        def check() -> None:
            if worker.is_cancelled:
                raise RunCancelled("other data is meant now")

        def on_rows(name: str, rows: int) -> None:
            check()
            if rows % SHOWN_EVERY == 0:
                self.post_message(self.RowsCounted(query, rows))

        parts = preview(query, self._model, self._verb, self._files, check=check, on_rows=on_rows)
        try:
            for part in parts:
                if isinstance(part, ColumnsPreview):
                    self.post_message(self.ColumnsRead(query, part))
                elif isinstance(part, SamplesPreview):
                    self.post_message(self.SamplesRead(query, part.pictures))
                else:
                    self.post_message(self.RowsRead(query, part))
        except RunCancelled:
            return
        except ZooError as error:
            self.post_message(self.Failed(query, error))
