"""A run to replay, for the tests of this folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import zoo
from tests.replaying.records import edit


@pytest.fixture
def run(words: str, tmp_path: Path) -> zoo.Run:
    """A finished run whose data are in a folder of the test."""
    run = zoo.open_run(words)
    data = tmp_path / "my data" / "rows.csv"
    data.parent.mkdir()
    shutil.copy(run.folder.request.data.path, data)
    edit(run.folder.request_path, data={**json.loads(run.folder.request_path.read_bytes())["data"], "path": str(data)})
    return run
