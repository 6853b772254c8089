"""Steps on pictures can be recorded: nothing in them waits for a device, and a trial leaves no trace in batch norms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from zoo.testing import PluginHooks

Sums = tuple[torch.Tensor, ...]


class Computing:
    """Records on a CPU by remembering what to compute."""

    replays = 0

    def record(self, compute: Callable[[], Sums]) -> Callable[[], Sums]:
        def replay() -> Sums:
            self.replays += 1
            return compute()

        return replay

    def synchronize(self) -> None:
        """Nothing goes on by itself."""


@pytest.mark.slow
def test_pictures_are_recorded_to_the_same_bits(make_run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.training.replaying.FASTER", 0.0)
    monkeypatch.setattr("zoo.training.replaying.MIN_STEPS", 0)
    recorder = Computing()
    for name, of_device in (("computed", None), ("replayed", recorder)):
        monkeypatch.setattr("zoo.training.optimizer_step.recorder_for", lambda device, one=of_device: one)
        run = make_run(folder=tmp_path / name, options={"max_steps": 10, "batch_size": 16})
        run.folder.mkdir()
        PluginHooks("resnet").finetune(run).fit(run)

    computed, replayed = (
        load_file(tmp_path / name / "model" / "model.safetensors") for name in ("computed", "replayed")
    )
    assert recorder.replays > 3
    assert any("running_var" in name for name in computed)
    assert [] == [name for name in computed if not torch.equal(computed[name], replayed[name])]
