"""What a finished run was made with and what came of it: what a replay of it is held against."""

from __future__ import annotations

from pathlib import Path

import msgspec

from zoo.errors import Unsupported
from zoo.runs import status
from zoo.runs.events import RunFinished, RunStarted
from zoo.runs.log import read_events
from zoo.runs.result import HEADS, MANIFEST, ResultManifest
from zoo.runs.store import RunFolder

RECORD = "replays.json"
"""Its name in the folder of a run that replays another one."""


class RunRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A finished run."""

    name: str
    verb: str
    processor: str = ""
    """Its model; empty where the run did not say it, as up to version 0.2."""
    threads: int | None = None
    device: str = ""
    precision: str = ""
    processes: int = 1
    versions: dict[str, str] = {}
    wrappers: tuple[str, ...] = ()
    weights: str = ""
    """Digest of the weights that it began with; empty where there were none, or nobody said it."""
    metrics: dict[str, float] = {}
    files: dict[str, str] = {}
    """Sha256 of each file of the result, by its name."""
    answers: str = ""
    """Sha256 of the file of answers of a batch prediction as it was written; empty where the run did not say it."""
    calibration: str = ""
    """Digest of the calibration by which answers were corrected; empty where they were not."""
    private: bool = False
    """Whether it learnt privately, with noise that is drawn anew each time."""
    differences: tuple[tuple[str, str, str], ...] = ()
    """What was not as it had been when the replay began: what, then and now."""
    v: int = 1


def record_of(folder: RunFolder) -> RunRecord:
    """The record of a run.

    Args:
        folder: of a finished run.

    Raises:
        Unsupported: it has not finished.
        StoreInvalid: it cannot be read.
    """
    request, s = folder.request, status.read(folder)
    if s.status != "finished":
        hint = (
            f"wait for its end: zoo attach {folder.name}" if s.pending else f"go on with it: zoo resume {folder.name}"
        )
        raise Unsupported(f"run {folder.name} is {s.status}, and only a finished run can be replayed", hint)
    events = read_events(folder)[0]
    started = [event for event in events if isinstance(event, RunStarted)]
    finished = [event for event in events if isinstance(event, RunFinished)]
    return RunRecord(
        name=folder.name,
        verb=request.verb,
        processor=started[-1].processor if started else "",
        threads=started[-1].threads if started else None,
        device=request.device,
        precision=request.precision,
        processes=request.processes,
        versions=request.versions,
        wrappers=request.wrappers or (),
        weights=request.weights_digest,
        metrics=s.metrics,
        files=result_files(folder.model_folder),
        answers=finished[-1].answers if finished else "",
        calibration=finished[-1].calibration if finished else "",
        private=request.is_private,
    )


def result_files(folder: Path) -> dict[str, str]:
    """The sha256 of each file of a result, by its name; none where there is no result.

    Args:
        folder: of the result.
    """
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=ResultManifest)
    except (OSError, msgspec.DecodeError):
        return {}
    of_heads = {f"{HEADS}/{head.name}/{file.name}": file.pin for head in manifest.heads for file in head.files}
    return {file.name: file.pin for file in manifest.files} | of_heads
