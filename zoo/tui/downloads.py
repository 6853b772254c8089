"""Downloads that go on while the person is elsewhere in the application."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from zoo.card import Card
from zoo.errors import RunCancelled, ZooError
from zoo.fetch import Progress, fetch

State = Literal["running", "stopping", "stopped", "failed", "done"]


@dataclass
class Download:
    """One model's weights on their way."""

    card: Card
    state: State = "running"
    progress: Progress | None = None
    error: ZooError | None = None
    _wish: threading.Event = field(default_factory=threading.Event)

    @property
    def active(self) -> bool:
        """Whether anything still happens."""
        return self.state in ("running", "stopping")

    @property
    def share(self) -> float | None:
        """How much is here, 0 to 1; None where it is not known."""
        progress = self.progress
        return progress.received_bytes / progress.total_bytes if progress and progress.total_bytes else None

    def stop(self) -> None:
        """Ask it to end; what has arrived is kept."""
        self._wish.set()
        if self.state == "running":
            self.state = "stopping"

    def run(self, on_change: Callable[[], None]) -> None:
        """Fetch; in a thread of its own."""

        def show_progress(progress: Progress) -> None:
            self.progress = progress
            on_change()

        try:
            assert self.card.weights is not None
            fetch(self.card.weights, on_progress=show_progress, should_stop=self._wish.is_set)
            self.state = "done"
        except RunCancelled as error:
            self.state, self.error = "stopped", error
        except ZooError as error:
            self.state, self.error = "failed", error
        except Exception as error:
            self.state, self.error = "failed", ZooError(f"{type(error).__name__}: {error}")
        on_change()


class Downloads:
    """All downloads since the application was opened, by the full name of the model.

    Args:
        on_change: called in the thread of the download that went on.
    """

    def __init__(self, on_change: Callable[[Download], None]) -> None:
        self._on_change = on_change
        self._downloads: dict[str, Download] = {}

    def of(self, card: Card) -> Download | None:
        """The newest download of a model."""
        return self._downloads.get(card.full_name)

    @property
    def active(self) -> tuple[Download, ...]:
        """Those that go on."""
        return tuple(download for download in self._downloads.values() if download.active)

    def start(self, card: Card) -> Download:
        """Begin, or go on where an earlier one stopped; one that goes on already is left alone."""
        before = self.of(card)
        if before is not None and before.active:
            return before
        download = self._downloads[card.full_name] = Download(card)
        threading.Thread(
            target=download.run, args=(lambda: self._on_change(download),), name=f"fetch {card.name}", daemon=True
        ).start()
        return download

    def stop_all(self) -> None:
        """Ask every one of them to end."""
        for download in self.active:
            download.stop()
