"""Where a training stands, kept on disk: checkpoints while it runs, and the weights of its best evaluation.

Processes that hold the same weights let the first one write; of a network that is divided among them each writes its
part of a checkpoint, while the best weights are brought together tensor by tensor for the first one.
"""

from __future__ import annotations

import time

import msgspec
import torch

from zoo.runs.checkpoints import removed_on_error
from zoo.runs.events import CheckpointSaved
from zoo.training import checkpoint
from zoo.training.checkpoint import Progress
from zoo.training.parallel import gather_objects, in_any_rank
from zoo.training.setup import TrainingSetup
from zoo.training.sharding import rows_of, whole_state
from zoo.training.stored_tensors import Slices

AUTO_SAVE_S = 60.0
"""Time between checkpoints where none is asked for."""


SCALE_STEPS = "_growth_tracker"
"""Entry of the state of torch's scaler."""


class Recovery:
    """Writes what a resumed training goes on from, and reads it back."""

    def __init__(self, setup: TrainingSetup, optimizer: torch.optim.Optimizer) -> None:
        self._run, self._save_steps, self._accelerator = setup.run, setup.options.save_steps, setup.accelerator
        self._is_sharded = setup.is_sharded
        self._module, self._optimizer, self._scaler = setup.method.module, optimizer, setup.accelerator.scaler
        self._private = setup.private
        self._names = {parameter: name for name, parameter in self._module.named_parameters()}
        self._saved_at = time.monotonic()

    def is_due(self, step: int) -> bool:
        """Whether it is time for a checkpoint."""
        if self._save_steps is not None:
            return step % self._save_steps == 0
        due = time.monotonic() - self._saved_at >= AUTO_SAVE_S
        return in_any_rank(due, self._accelerator) if self._is_sharded else due

    def save(self, progress: Progress) -> None:
        """Write a checkpoint."""
        self._saved_at = time.monotonic()
        if self._is_sharded:
            self._save_parts(progress)
        elif self._run.rank == 0:
            size_bytes = checkpoint.save(
                self._run.checkpoints_folder,
                progress=self._with_spent(self._with_scale(progress)),
                model=checkpoint.trainable_state(self._module),
                optimizer=checkpoint.optimizer_state(self._optimizer, self._names),
            )
            self._run.emit(CheckpointSaved(step=progress.step, size_bytes=size_bytes))

    def _save_parts(self, progress: Progress) -> None:
        """Write what this process has; the first one begins the checkpoint, and ends it when all have."""
        folder, rank = self._run.checkpoints_folder, self._run.rank
        if rank == 0:
            checkpoint.begin(folder, progress.step)
        gather_objects(None, self._accelerator)
        model, optimizer, slices = self._parts()
        part = f"{rank + 1:04d}-of-{self._run.world_size:04d}"
        files = {f"model-{part}.safetensors": model, f"optimizer-{part}.safetensors": optimizer}
        partial = checkpoint.partial_folder(folder, progress.step)
        with removed_on_error(partial, sum(tensor.nbytes for tensor in (*model.values(), *optimizer.values()))):
            of_all = gather_objects(checkpoint.write_tensors(partial, files, slices), self._accelerator)
            if rank == 0:
                digests = {name: digest for digests in of_all for name, digest in digests.items()}
                size_bytes = checkpoint.publish(folder, partial, self._with_spent(self._with_scale(progress)), digests)
                self._run.emit(CheckpointSaved(step=progress.step, size_bytes=size_bytes))

    def _parts(self) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor], Slices]:
        """What this process writes of network and optimizer, and which rows; what all have, the first one writes."""
        rows = {name: rows_of(tensor) for name, tensor in checkpoint.trainable(self._module).items()}
        slices = {name: (of_tensor.first, of_tensor.of) for name, of_tensor in rows.items() if of_tensor}
        optimizer = checkpoint.optimizer_state(self._optimizer, self._names)
        slices |= {
            key: slices[name]
            for key, (name, _, slot) in ((key, key.rpartition("|")) for key in optimizer)
            if name in slices and slot != "step"
        }
        model, optimizer = (
            {
                name: tensor
                for name, tensor in tensors.items()
                if (tensor.numel() if name in slices else self._run.rank == 0)
            }
            for tensors in (checkpoint.trainable_state(self._module), optimizer)
        )
        return model, optimizer, slices

    def restore(self) -> Progress:
        """Go on from the newest checkpoint that is whole, or from the beginning."""
        loaded = checkpoint.load_newest(self._run.checkpoints_folder, self._run.labels)
        if loaded is None:
            return Progress()
        for refusal in loaded.refused:
            self._run.warn(refusal)
        if loaded.model.shapes:
            checkpoint.load_trainable_state(self._module, loaded.model)
            checkpoint.load_optimizer_state(self._optimizer, self._names, loaded.optimizer)
        if self._private is not None and loaded.model.shapes:
            self._private.go_on(loaded.progress.spent)
            self._private.together = loaded.progress.units_together
            self._private.by_layers = loaded.progress.units_by_layers
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
        """The same with what the accountant of a private training knows, and how it computes."""
        if self._private is None:
            return progress
        private = self._private
        return msgspec.structs.replace(
            progress,
            spent=private.history(progress.step),
            units_together=private.together,
            units_by_layers=private.by_layers,
        )

    def save_best(self, step: int) -> None:
        """Keep the weights of the best evaluation so far."""
        here = self._run.rank == 0
        state = checkpoint.trainable(self._module) if here or self._is_sharded else {}
        whole = whole_state(state, here=here)
        if here:
            checkpoint.save_best(self._run.checkpoints_folder, step, whole)

    def forget_worse(self, progress: Progress) -> None:
        """Let go of weights that were the best once, unless a checkpoint goes on from them."""
        if self._run.rank == 0:
            checkpoint.prune_best(self._run.checkpoints_folder, progress)

    def load_best(self, step: int) -> None:
        """Put back the weights of an evaluation that was the best of all, or of a source."""
        stored = checkpoint.load_best(self._run.checkpoints_folder, step)
        checkpoint.load_trainable_state(self._module, stored)
