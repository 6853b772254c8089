"""Accelerate keeps its state per process; each test here starts without any."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def fresh_accelerate() -> Iterator[None]:
    from accelerate.state import AcceleratorState

    environment = dict(os.environ)
    AcceleratorState._reset_state(reset_partial_state=True)  # a test of a plugin may have left its own
    yield
    AcceleratorState._reset_state(reset_partial_state=True)
    os.environ.clear()
    os.environ.update(environment)
