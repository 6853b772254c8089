"""Fixtures for runs of the torch-free plugin, in real worker processes; conftest files import them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo

DEADLINE_S = 60.0


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the echo plugin is there, for this test and its worker processes."""
    monkeypatch.setenv("ZOO_PLUGINS", "echo")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Forty labelled rows that are easy to tell apart."""
    path = tmp_path / "rows.csv"
    lines = [f"good fine {i},positive\nbad awful {i},negative" for i in range(20)]
    path.write_text("text,label\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture
def finetune(echo: None, rows: Path) -> Callable[..., zoo.Run]:
    """Start a fine-tuning run of the echo model."""

    def start(**asked: Any) -> zoo.Run:
        return zoo.finetune("echo", asked.pop("data", rows), device="cpu", precision="fp32", **asked)

    return start


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that must happen."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def wait_quietly(run: zoo.Run) -> zoo.Run:
    """Wait for the end of a run, however it ends."""
    until(lambda: not run.snapshot.live and run.status != "created")
    return run
