"""A run in one line of text, and showing it where someone is looking: a terminal or a notebook."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Collection, Iterator
from typing import Any

from zoo import terminal
from zoo.metrics import LOSSES, primary_figure
from zoo.plurals import counted
from zoo.runs.snapshot import RunSnapshot
from zoo.sanitize import one_line

BAR_WIDTH = 20
REPAINT_S = 0.1


def describe(s: RunSnapshot, *, width: int | None = None) -> str:
    """One line: how far, how well, how fast, how much longer.

    Args:
        s: the run.
        width: characters there is room for; what matters less is left out where the line would be longer.
    """
    if s.status in ("created", "starting"):
        return "starting the worker"
    if s.rows_predicted and s.total_rows:
        return f"{bar(s.rows_predicted / s.total_rows)} {progress_figures(s)}"
    if not s.plan:
        return _preparing(s)
    left_out: tuple[str, ...] = ()
    while True:
        line = progress_figures(s, left_out)
        if "bar" not in left_out:
            line = f"{bar(s.step / s.steps if s.steps else 0)} {line}"
        if width is None or len(line) <= width or len(left_out) == len(_DISPENSABLE):
            return line
        left_out = _DISPENSABLE[: len(left_out) + 1]


_DISPENSABLE = ("lr", "epoch", "rejected", "rate", "metric", "bar", "loss")
"""Parts of a line of progress, the one that matters least first; the step and the time left always stay."""


def progress_figures(s: RunSnapshot, left_out: Collection[str] = ()) -> str:
    """The figures of a run that answers or trains, without the parts named."""
    if not s.plan:
        rate = f"  {s.samples_per_s:.0f} rows/s" if s.samples_per_s else ""
        rejected = f"  {s.rejected_rows:,} rejected" if s.rejected_rows else ""
        return f"{s.rows_predicted:,}/{counted(s.total_rows or 0, 'row')}{rate}{rejected}"
    name, value = primary_figure(s.latest_metrics) or ("", 0.0)
    parts = {
        "step": f"step {s.step}/{s.steps}",
        "epoch": f"epoch {s.epoch:.1f}",
        "loss": f"loss {s.loss:.4f}" if s.loss is not None else "",
        "lr": f"lr {s.lr:.2g}" if s.lr else "",
        "metric": f"{one_line(name)} {value:.3f}" if name and name not in LOSSES else "",
        "rate": f"{s.samples_per_s:.0f} samples/s" if s.samples_per_s else "",
        "left": f"{duration(s.eta_s)} left" if s.eta_s is not None else "",
        "rejected": f"{counted(s.rejected_rows, 'row')} rejected" if s.rejected_rows else "",
    }
    return "  ".join(text for name, text in parts.items() if text and name not in left_out)


def answered(s: RunSnapshot) -> str:
    """How many rows a batch prediction has answered, and how many it could not: `19 rows answered, 1 rejected`."""
    rows = s.rows_predicted - s.rejected_rows
    rejected = f", {s.rejected_rows:,} rejected" if s.rejected_rows else ""
    return f"{counted(rows, 'row')} answered{rejected}"


def _preparing(s: RunSnapshot) -> str:
    if s.fetch_total_bytes and s.fetched_bytes < s.fetch_total_bytes:
        share = s.fetched_bytes / s.fetch_total_bytes
        return f"{bar(share)} fetching weights, {size(s.fetched_bytes)} of {size(s.fetch_total_bytes)}"
    if s.prepared and s.prepared.done < s.prepared.total:
        done, total = s.prepared.done, s.prepared.total
        return f"{bar(done / total)} decoding {done:,}/{counted(total, 'input')}"
    return "loading the data and the model"


def bar(share: float) -> str:
    """A bar of fixed width."""
    filled = round(max(0.0, min(1.0, share)) * BAR_WIDTH)
    return "━" * filled + "─" * (BAR_WIDTH - filled)


def duration(seconds: float) -> str:
    """Seconds, as people say them: 42s, 3m05s, 2h10m, 3d4h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86_400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86_400}d{whole % 86_400 // 3600}h"


def size(size_bytes: float) -> str:
    """Bytes, in decimal units as disks are sold: 90.9 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} TB"


def count(number: float) -> str:
    """A large number, short: 22.7M."""
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.1f}{unit}"
    return f"{number:.0f}"


Show = Callable[[RunSnapshot], None]


@contextlib.contextmanager
def progress_display(wanted: bool | None) -> Iterator[Show]:
    """What shows snapshots while a run is waited for: a repainted line, a notebook output, or nothing.

    Args:
        wanted: None shows it in notebooks and terminals only.
    """
    handle = _notebook_output() if wanted is not False else None
    if handle is not None:
        yield _throttled(lambda lines: handle.update({"text/plain": "\n".join(lines)}, raw=True))
    elif wanted or (wanted is None and terminal.repaints(sys.stderr)):
        yield _throttled(_Repainted(), _room)
        print(file=sys.stderr)  # noqa: T201  (the line that was repainted ends here)
    else:
        yield lambda snapshot: None


class _Repainted:
    """Writes lines that stay, once each, and repaints the last one."""

    def __init__(self) -> None:
        self._written = 0

    def __call__(self, lines: list[str]) -> None:
        *staying, last = lines
        text = "".join(f"\r\x1b[K{line}\n" for line in staying[self._written :])
        self._written = len(staying)
        print(f"{text}\r\x1b[K{last}", end="", file=sys.stderr, flush=True)  # noqa: T201


def _room() -> int:
    """Characters of a line that can be repainted: one that fills its row may begin another."""
    return terminal.columns(sys.stderr) - 1


def _throttled(write: Callable[[list[str]], None], room: Callable[[], int | None] = lambda: None) -> Show:
    shown_at = 0.0
    said: dict[str, None] = {}

    def show(snapshot: RunSnapshot) -> None:
        nonlocal shown_at
        said.update(dict.fromkeys(f"warning: {one_line(warning)}" for warning in snapshot.warnings))
        said.update(dict.fromkeys(map(one_line, snapshot.notes)))
        if not snapshot.live or time.monotonic() - shown_at >= REPAINT_S:
            shown_at = time.monotonic()
            end, width = "" if snapshot.live else f"  {snapshot.status}", room()
            write([*said, describe(snapshot, width=None if width is None else width - len(end)) + end])

    return show


def _notebook_output() -> Any:
    """A display that can be updated, where the code runs in a notebook; None elsewhere."""
    if "ipykernel" not in sys.modules:
        return None
    from IPython.display import display

    return display({"text/plain": "starting the worker"}, raw=True, display_id=True)
