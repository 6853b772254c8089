"""A run in one line of text, and showing it where someone is looking: a terminal or a notebook."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from zoo.runs.snapshot import RunSnapshot

BAR_WIDTH = 20
REPAINT_S = 0.1


def describe(s: RunSnapshot) -> str:
    """One line: how far, how well, how fast, how much longer."""
    if s.status in ("created", "starting"):
        return "starting the worker"
    if s.rows_predicted and s.total_rows:
        rate = f"  {s.samples_per_s:.0f} rows/s" if s.samples_per_s else ""
        rejected = f"  {s.rejected_rows:,} rejected" if s.rejected_rows else ""
        return f"{bar(s.rows_predicted / s.total_rows)} {s.rows_predicted:,}/{s.total_rows:,} rows{rate}{rejected}"
    if not s.plan:
        return _preparing(s)
    parts = [f"{bar(s.step / s.steps if s.steps else 0)} step {s.step}/{s.steps}", f"epoch {s.epoch:.1f}"]
    if s.loss is not None:
        parts.append(f"loss {s.loss:.4f}")
    if s.lr is not None:
        parts.append(f"lr {s.lr:.2g}")
    parts += [f"{name} {value:.3f}" for name, value in s.latest_metrics.items() if name == "accuracy"]
    if s.samples_per_s:
        parts.append(f"{s.samples_per_s:.0f} samples/s")
    if s.eta_s is not None:
        parts.append(f"{duration(s.eta_s)} left")
    if s.rejected_rows:
        parts.append(f"{s.rejected_rows} rows rejected")
    return "  ".join(parts)


def answered(s: RunSnapshot) -> str:
    """How many rows a batch prediction has answered, and how many it could not: `19 rows answered, 1 rejected`."""
    rows = s.rows_predicted - s.rejected_rows
    rejected = f", {s.rejected_rows:,} rejected" if s.rejected_rows else ""
    return f"{rows:,} row{'' if rows == 1 else 's'} answered{rejected}"


def _preparing(s: RunSnapshot) -> str:
    if s.fetch_total_bytes and s.fetched_bytes < s.fetch_total_bytes:
        share = s.fetched_bytes / s.fetch_total_bytes
        return f"{bar(share)} fetching weights, {size(s.fetched_bytes)} of {size(s.fetch_total_bytes)}"
    if s.prepared and s.prepared.done < s.prepared.total:
        done, total = s.prepared.done, s.prepared.total
        return f"{bar(done / total)} decoding {done:,}/{total:,} inputs"
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
        yield _throttled(lambda text: handle.update({"text/plain": text}, raw=True))
    elif wanted or (wanted is None and sys.stderr.isatty()):
        yield _throttled(lambda text: print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True))  # noqa: T201
        print(file=sys.stderr)  # noqa: T201  (the line that was repainted ends here)
    else:
        yield lambda snapshot: None


def _throttled(write: Callable[[str], None]) -> Show:
    shown_at = 0.0

    def show(snapshot: RunSnapshot) -> None:
        nonlocal shown_at
        if not snapshot.live or time.monotonic() - shown_at >= REPAINT_S:
            shown_at = time.monotonic()
            write(describe(snapshot) if snapshot.live else f"{describe(snapshot)}  {snapshot.status}")

    return show


def _notebook_output() -> Any:
    """A display that can be updated, where the code runs in a notebook; None elsewhere."""
    if "ipykernel" not in sys.modules:
        return None
    from IPython.display import display

    return display({"text/plain": "starting the worker"}, raw=True, display_id=True)
