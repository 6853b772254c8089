"""Downloads that go on while the person is elsewhere in the application."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from zoo.card import Card
from zoo.errors import RunCancelled, ZooError
from zoo.fetch import Progress
from zoo.hub_reference import PREFIX

State = Literal["running", "stopping", "stopped", "failed", "done"]


@dataclass
class Download:
    """One model's weights on their way."""

    name: str
    """Full name of the model, or repository of one that is pulled from the Hub."""
    card: Card | None = None
    """None until it is known what is pulled."""
    state: State = "running"
    progress: Progress | None = None
    error: ZooError | None = None
    variant: str = ""
    """Of the weights that came, where they are others than the publisher's."""
    _wish: threading.Event = field(default_factory=threading.Event)

    @property
    def active(self) -> bool:
        """Whether anything still happens."""
        return self.state in ("running", "stopping")

    def is_of(self, name: str) -> bool:
        """Whether it is of a model of that full name, or of that repository."""
        return name == self.name or (self.card is not None and name == self.card.full_name)

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
        """Fetch, after the model was put into the catalog where it is none of it; in a thread of its own."""
        from zoo.adoption import adopt, bring

        def show_progress(progress: Progress) -> None:
            self.progress = progress
            on_change()

        try:
            self.card = self.card or adopt(PREFIX + self.name)
            folder = bring(self.card, show_progress, self._wish.is_set)
            self.variant = self.card.weights.in_folder(Path(folder)).variant if self.card.weights else ""
            self.state = "done"
        except RunCancelled as error:
            self.state, self.error = "stopped", error
        except ZooError as error:
            self.state, self.error = "failed", error
        except Exception as error:
            self.state, self.error = "failed", ZooError(f"{type(error).__name__}: {error}")
        on_change()


class Downloads:
    """All downloads since the application was opened, one a model.

    Args:
        on_change: called in the thread of the download that went on.
    """

    def __init__(self, on_change: Callable[[Download], None]) -> None:
        self._on_change = on_change
        self._downloads: dict[str, Download] = {}

    def of(self, name: str) -> Download | None:
        """The newest download of a model, named in full or by its repository."""
        return next((download for download in self._downloads.values() if download.is_of(name)), None)

    @property
    def active(self) -> tuple[Download, ...]:
        """Those that go on."""
        return tuple(download for download in self._downloads.values() if download.active)

    def start(self, card: Card) -> Download:
        """Begin, or go on where an earlier one stopped; one that goes on already is left alone."""
        return self._begin(Download(card.full_name, card))

    def pull(self, repository: str) -> Download:
        """Pull a model of the Hub that is not in the catalog, at its newest commit; likewise."""
        return self._begin(Download(repository))

    def _begin(self, download: Download) -> Download:
        before = self.of(download.name)
        if before is not None and before.active:
            return before
        if before is not None:
            del self._downloads[before.name]
        self._downloads[download.name] = download
        threading.Thread(
            target=download.run, args=(lambda: self._on_change(download),), name=f"fetch {download.name}", daemon=True
        ).start()
        return download

    def stop_all(self) -> None:
        """Ask every one of them to end."""
        for download in self.active:
            download.stop()
