"""torch sets variables of its own when a model is first loaded into the process; they are not the test's doing."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def environment_restored(environment_unchanged: None) -> Iterator[None]:
    """Put the environment back before it is looked at."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
