"""How tests compute: as a worker of zoo does, with a share of the cores where several pytest processes run (`-n`).

Where Python is told to leave no compiled code behind, as in many containers, it is kept in a temporary folder: each of
the hundreds of processes would compile torch anew, which takes as long as running it, and so would each run of tests.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path

pytest_plugins = ["tests.forked_workers"]

# Threads that wait for each other by spinning take ten times as long once anything else wants the cores.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

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
