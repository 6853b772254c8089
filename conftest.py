"""How tests compute: as a worker of zoo does, with a share of the cores where several pytest processes run (`-n`).

Where Python is told to leave no compiled code behind, as in many containers, it is kept in a temporary folder until the
tests end: each of their hundreds of processes would compile torch anew, which takes as long as running it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile

# Threads that wait for each other by spinning take ten times as long once anything else wants the cores.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    workers = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))

if sys.dont_write_bytecode and "PYTHONDONTWRITEBYTECODE" in os.environ:
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = tempfile.mkdtemp(prefix="zoo-tests-bytecode-")
    del os.environ["PYTHONDONTWRITEBYTECODE"]
    sys.dont_write_bytecode = False
    atexit.register(shutil.rmtree, sys.pycache_prefix, ignore_errors=True)
