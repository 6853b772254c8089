"""What happened, for the screens that are open: facts, not orders. The values are in `ZooApp.feed`."""

from __future__ import annotations

from textual.message import Message


class CatalogChanged(Message):
    """The models, or where their weights are, are others than before."""


class RunsChanged(Message):
    """A run is new, gone, or has gone on."""


class DownloadsChanged(Message):
    """A download began, went on or ended."""
