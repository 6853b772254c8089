"""Checkpoints that an earlier version wrote are gone on from."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from zoo.metrics import report_of_confusion
from zoo.training import checkpoint
from zoo.training.checkpoint import Best, Progress, load_newest


def test_a_confusion_matrix_of_the_best_evaluation_becomes_its_report(tmp_path: Path) -> None:
    best = Best(step=3, metrics={"accuracy": 0.75})
    checkpoint.save_best(tmp_path, 3, {"weight": torch.ones(2)})
    checkpoint.save(tmp_path, progress=Progress(step=5, best=best), model={"weight": torch.ones(2)}, optimizer={})
    state = tmp_path / "step-00000005" / "state.json"
    old = json.loads(state.read_bytes())
    del old["best"]["report"]
    old["best"]["confusion"] = [[2, 1], [0, 1]]
    state.write_text(json.dumps(old))
    manifest = state.with_name("manifest.json")
    digests = json.loads(manifest.read_bytes())
    digests["state.json"] = json.loads(checkpoint.msgspec.json.encode(checkpoint._digest(state)))
    manifest.write_text(json.dumps(digests))

    loaded = load_newest(tmp_path, ("cat", "dog"))
    assert loaded is not None
    assert loaded.progress.best is not None
    assert report_of_confusion(("cat", "dog"), [[2, 1], [0, 1]]) == loaded.progress.best.report
