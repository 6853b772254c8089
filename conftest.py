"""How tests compute: as a worker of zoo does, with a share of the cores where several pytest processes run (`-n`)."""

from __future__ import annotations

import os

# Threads that wait for each other by spinning take ten times as long once anything else wants the cores.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    workers = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))
