"""What is kept for an attempt to come goes once a run has finished; all else stays."""

from __future__ import annotations

from pathlib import Path

from zoo.runs import kept_parts
from zoo.runs.store import RunFolder


def test_only_what_was_kept_for_another_attempt_goes(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    for path in (*(folder.path / name for name in kept_parts.ALL), folder.model_folder, folder.checkpoints_folder):
        (path / "1").mkdir(parents=True)
    assert folder.students_folder.exists()
    kept_parts.forget(folder)
    assert {path.name for path in folder.path.iterdir()} == {"model", "checkpoints"}
    kept_parts.forget(folder)
