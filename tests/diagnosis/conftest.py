"""Writes runs that are diagnosed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.diagnosis.records import LABELS, Recorder, word, written


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return written(tmp_path / "data.csv", [(f"it was {word(label)} {i}", label) for i in range(60) for label in LABELS])


@pytest.fixture
def recorder(words: str, store: Path, data: Path) -> Recorder:
    return Recorder(store, data)
