"""How tests compute: as a worker of zoo does, with a share of the cores where several pytest processes run (`-n`).

Where Python is told to leave no compiled code behind, as in many containers, it is kept in a temporary folder: each of
the hundreds of processes would compile torch anew, which takes as long as running it, and so would each run of tests.
"""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import stat
import sys
import tempfile
from collections import defaultdict
from itertools import count
from pathlib import Path
from typing import Any

import pytest

pytest_plugins = ["tests.forked_workers"]

# Threads that wait for each other by spinning take ten times as long once anything else wants the cores.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

COLLECTED_AFTER = (20_000, 20, 50)
"""Objects before garbage is looked for: at Python's 700 a tenth of the time of a test of the terminal UI goes there."""

if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    workers = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))


def bytecode_folder() -> str:
    """A folder of this user's for compiled code, the same each time where nobody else can have put something there."""
    if sys.platform == "win32":
        return tempfile.mkdtemp(prefix="zoo-tests-bytecode-")
    folder = Path(tempfile.gettempdir()) / f"zoo-tests-bytecode-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
    return str(folder) if own else tempfile.mkdtemp(prefix="zoo-tests-bytecode-")


if sys.dont_write_bytecode and "PYTHONDONTWRITEBYTECODE" in os.environ:
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = bytecode_folder()
    del os.environ["PYTHONDONTWRITEBYTECODE"]
    sys.dont_write_bytecode = False
    of_temporary_files = sys.pycache_prefix + tempfile.gettempdir()
    atexit.register(shutil.rmtree, of_temporary_files, ignore_errors=True)


def pytest_collection_finish() -> None:
    """Thousands of tests and what they import stay to the end: no collection of garbage needs to walk through them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AFTER)


class CountedFolders:
    """Temporary folders whose numbers are counted, where pytest looks through all that are there for each new one.

    Args:
        factory: that of pytest.
    """

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory
        self._numbers: dict[str, count[int]] = defaultdict(count)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._factory, name)

    def mktemp(self, basename: str, numbered: bool = True) -> Path:
        """A new folder of that name, with a number behind it."""
        while numbered:
            try:
                return self._factory.mktemp(f"{basename}{next(self._numbers[basename])}", numbered=False)
            except FileExistsError:  # the name of another one ends in a digit
                continue
        return self._factory.mktemp(basename, numbered=False)


@pytest.fixture(scope="session")
def tmp_path_factory(tmp_path_factory: pytest.TempPathFactory) -> CountedFolders:
    """Makes the folders of all tests."""
    return CountedFolders(tmp_path_factory)
