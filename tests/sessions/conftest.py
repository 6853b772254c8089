"""A place for models that are kept warm, and the processes that keep them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest


@pytest.fixture
def runtime(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for sockets; what still listens there is ended."""
    folder = tmp_path_factory.mktemp("r")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.delenv("ZOO_KEEP_WARM", raising=False)
    yield folder / f"zoo-{os.getuid()}"
    for worker in workers(folder):
        worker.kill()


def workers(folder: Path) -> list[psutil.Process]:
    """The processes that listen in that folder."""
    processes = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "zoo.sessions.warm_worker" in words and any(str(folder) in word for word in words):
            processes.append(process)
    return processes
