"""Weights & Biases: a run in the project of `WANDB_PROJECT`; with `WANDB_MODE=offline` in files in the run's folder."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from zoo_track.about import About
from zoo_track.figures import Figures
from zoo_track.tracker import Standing

PROJECT = "zoo"
QUIET = {
    "silent": True,
    "console": "off",
    "disable_git": True,
    "disable_code": True,
    "disable_job_creation": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
}
"""Nothing of the machine, the program and its packages is sent."""


class WeightsAndBiases:
    """Metrics by step, settings as config, the final figures in the summary."""

    def __init__(self) -> None:
        self._wandb: Any = import_module("wandb")
        self.place = ""

    def begin(self, about: About, known: str) -> str:
        """Make a run, or go on with one; nothing is captured but what is written here."""
        fields = self._wandb.Settings.model_fields
        quiet = self._wandb.Settings(**{name: value for name, value in QUIET.items() if name in fields})
        name = known or secrets.token_hex(4)
        self._run: Any = self._wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT,
            name=about.name,
            id=name,
            resume="allow",
            config={**about.settings, **about.tags},
            notes=about.text,
            dir=os.environ.get("WANDB_DIR") or str(about.folder),
            settings=quiet,
        )
        self._run.define_metric("step")
        self._run.define_metric("*", step_metric="step")
        self.place = self._run.url or f"{self._run.settings.sync_dir} (wandb sync sends it)"
        return name

    def write(self, figures: Sequence[Figures]) -> None:
        """Metrics, by the step of the training, which may come again; the last stay in the summary."""
        for one in figures:
            self._run.log({**one.values, "step": one.step})

    def end(self, standing: Standing) -> None:
        """How it ended."""
        self._run.summary.update({"standing": standing})
        self._run.finish(exit_code=int(standing == "failed"))
