"""The record of a run, as tests look at it and change it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import zoo


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_bytes()) | changes))


def data_of(run: zoo.Run) -> Path:
    return Path(run.folder.request.data.path)
