"""The event log: appended to line by line, read by any number of views."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from zoo.errors import StoreInvalid
from zoo.runs import going_on
from zoo.runs.event import Event
from zoo.runs.events import TERMINAL, AnyEvent, RunLaunched, RunPostponed, RunStarted, decode, encode
from zoo.runs.liveness import is_alive
from zoo.runs.store import RunFolder

POLL_S = 0.1
TAIL_BYTES = 16_384
"""Enough for the last event of nearly every log."""


def append(folder: RunFolder, event: Event) -> None:
    """Add one line, in one write; a half line that a killed writer left behind is closed off first."""
    if isinstance(event, RunLaunched | RunPostponed):
        going_on.add(folder, _has_ended)
    _write(folder, encode(event))
    if isinstance(event, TERMINAL):
        going_on.remove(folder)


def _has_ended(folder: RunFolder) -> bool:
    return isinstance(last_event(folder), TERMINAL)


def _write(folder: RunFolder, line: bytes) -> None:
    descriptor = os.open(folder.events_path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
    try:
        size = os.fstat(descriptor).st_size
        if size:
            os.lseek(descriptor, size - 1, os.SEEK_SET)
            if os.read(descriptor, 1) != b"\n":
                line = b"\n" + line
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


def read_events(folder: RunFolder, offset: int = 0) -> tuple[list[AnyEvent], int]:
    """Read the whole lines from a byte offset on; what cannot be read as an event is passed over.

    Returns:
        The events and the offset to go on from.
    """
    try:
        with folder.events_path.open("rb") as file:
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return [], offset
    end = data.rfind(b"\n") + 1
    events = [event for line in data[:end].splitlines() if (event := decode(line)) is not None]
    return events, offset + end


def last_event(folder: RunFolder) -> AnyEvent | None:
    """The event of the last whole line; None where it cannot be read, or does not fit into the tail."""
    try:
        with folder.events_path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            tail = file.read()
    except OSError:
        return None
    lines = tail.splitlines()
    return decode(lines[-1]) if lines and tail.endswith(b"\n") else None


def waits(folder: RunFolder) -> bool:
    """Whether a run is to begin when another one has finished."""
    return isinstance(last_event(folder), RunPostponed)


def awaited(folder: RunFolder) -> RunFolder | None:
    """The run whose end a run waits for; None where it waits for none, or that one is gone."""
    last = last_event(folder)
    return named_run(folder, last) if isinstance(last, RunPostponed) else None


def named_run(folder: RunFolder, event: RunPostponed) -> RunFolder | None:
    """The run that an event of another one names; None where it is gone: a later run of its name is none of it."""
    before = RunFolder(folder.path.parent / event.after)
    try:
        created_at = before.request.created_at
    except StoreInvalid:
        return before if before.request_path.exists() else None
    return before if event.created_at in (0.0, created_at) else None


def is_going_on(folder: RunFolder) -> bool:
    """Whether a worker is at a run, or at one whose end it waits for.

    The worker of the other run starts this one before it exits, so whoever looks at the other first misses neither.
    """
    other = awaited(folder)
    return (other is not None and is_going_on(other)) or is_alive(folder)


def follow(folder: RunFolder, *, offset: int = 0) -> Iterator[AnyEvent | None]:
    """Yield events as they come, and None at every idle poll, until the attempt has ended or nobody is at it any more.

    A run that waits for another one is followed from then on.
    """
    ended = False
    while True:
        alive = is_going_on(folder)
        events, offset = read_events(folder, offset)
        for event in events:
            if isinstance(event, TERMINAL):
                ended = True
            elif isinstance(event, RunPostponed | RunLaunched | RunStarted):
                ended = False
            yield event
        if not events:
            if ended or not alive:
                return
            yield None
            time.sleep(POLL_S)
