"""One process at a time."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from zoo.errors import RunCancelled

POLL_S = 0.1


def try_lock(file: IO[bytes]) -> bool:
    """Lock an open file for this process until it is closed; False where another process has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def locked(path: Path, should_stop: Callable[[], bool]) -> Iterator[IO[bytes]]:
    """Wait for the lock and hold it.

    Yields:
        The file that is locked; closing it gives the lock up.

    Raises:
        RunCancelled: `should_stop` said so while waiting.
    """
    while True:
        with path.open("ab") as file:
            while not try_lock(file):
                if should_stop():
                    raise RunCancelled("stopped while another process fetches the same file", "")
                time.sleep(POLL_S)
            if _stands_at(path, file):  # else its holder removed it, and the next one locks another file
                yield file
                return


def _stands_at(path: Path, file: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
