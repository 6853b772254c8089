"""Where a training stands, kept on disk: checkpoints while it runs, and the weights of its best evaluation."""

from __future__ import annotations

import time

import msgspec
import torch

from zoo.runs.events import CheckpointSaved
from zoo.training import checkpoint
from zoo.training.checkpoint import Progress
from zoo.training.setup import TrainingSetup

AUTO_SAVE_S = 60.0
"""Time between checkpoints where none is asked for."""


SCALE_STEPS = "_growth_tracker"
"""Entry of the state of torch's scaler."""


class Recovery:
    """Writes what a resumed training goes on from, and reads it back.

    Processes hold the same weights, so the first one writes.
    """

    def __init__(self, setup: TrainingSetup, optimizer: torch.optim.Optimizer) -> None:
        self._run, self._save_steps = setup.run, setup.options.save_steps
        self._module, self._optimizer, self._scaler = setup.method.module, optimizer, setup.accelerator.scaler
        self._private = setup.private
        self._names = {parameter: name for name, parameter in self._module.named_parameters()}
        self._saved_at = time.monotonic()

    def is_due(self, step: int) -> bool:
        """Whether it is time for a checkpoint."""
        if self._save_steps is not None:
            return step % self._save_steps == 0
        return time.monotonic() - self._saved_at >= AUTO_SAVE_S

    def save(self, progress: Progress) -> None:
        """Write a checkpoint."""
        self._saved_at = time.monotonic()
        if self._run.rank != 0:
            return
        size_bytes = checkpoint.save(
            self._run.checkpoints_folder,
            progress=self._with_spent(self._with_scale(progress)),
            model=checkpoint.trainable_state(self._module),
            optimizer=checkpoint.optimizer_state(self._optimizer, self._names),
        )
        self._run.emit(CheckpointSaved(step=progress.step, size_bytes=size_bytes))

    def restore(self) -> Progress:
        """Go on from the newest checkpoint that is whole, or from the beginning."""
        loaded = checkpoint.load_newest(self._run.checkpoints_folder, self._run.labels)
        if loaded is None:
            return Progress()
        for refusal in loaded.refused:
            self._run.warn(refusal)
        if loaded.model:
            checkpoint.load_trainable_state(self._module, loaded.model)
            checkpoint.load_optimizer_state(self._optimizer, self._names, loaded.optimizer)
        if self._private is not None and loaded.model:
            self._private.go_on(loaded.progress.spent)
        scale, steps = loaded.progress.loss_scale, loaded.progress.loss_scale_steps
        if self._scaler is not None and scale is not None:
            self._scaler.load_state_dict(self._scaler.state_dict() | {"scale": scale, SCALE_STEPS: steps})
        return loaded.progress

    def _with_scale(self, progress: Progress) -> Progress:
        """The same with the state of the scaler, where there is one."""
        if self._scaler is None:
            return progress
        state = self._scaler.state_dict()
        return msgspec.structs.replace(progress, loss_scale=state["scale"], loss_scale_steps=state[SCALE_STEPS])

    def _with_spent(self, progress: Progress) -> Progress:
        """The same with what the accountant of a private training knows."""
        if self._private is None:
            return progress
        return msgspec.structs.replace(progress, spent=self._private.history(progress.step))

    def save_best(self, step: int) -> None:
        """Keep the weights of the best evaluation so far."""
        if self._run.rank == 0:
            checkpoint.save_best(self._run.checkpoints_folder, step, checkpoint.trainable_state(self._module))

    def load_best(self, step: int) -> None:
        """Put back the weights of an evaluation that was the best of all, or of a source."""
        state = checkpoint.load_best(self._run.checkpoints_folder, step)
        checkpoint.load_trainable_state(self._module, state)
