"""What all models of sound have in common: recordings are decoded once, and batches hold some of like length."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from zoo.answers import Rejected
from zoo.training.audio.augmentation import masked
from zoo.training.audio.config import AudioConfig
from zoo.training.audio.store import RecordingStore
from zoo.training.body import Body
from zoo.training.head import HeadConfig
from zoo.training.media_store import THREADS, MediaRoom
from zoo.training.objective import Batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zoo.runs.context import PredictionRun, Predictor, TrainingRun

SEEN, LENGTHS = "seen", "lengths"
"""Entries of a batch: what the network sees, filled up with zeros, and how many frames of each are none of these."""


class StoredRecording(NamedTuple):
    """A recording of the store, and how many frames the network sees of it."""

    number: int
    frames: int


class AudioBody(Body[StoredRecording]):
    """A network that hears recordings; it gives vectors for moments of them, and their mean.

    Args:
        run: a training, whose options are `zoo.AudioFinetuneOptions`, or a prediction.
        config: of the weights that the run starts from.
        sampling_rate: samples a second that it hears.
    """

    provides = frozenset({"pooled", "frames"})
    collate_threads = THREADS
    scratch_lr = 1e-3
    scratch_steps = 2000

    def __init__(self, run: TrainingRun | PredictionRun, config: AudioConfig, sampling_rate: int) -> None:
        self._run = run
        self.config, self.sampling_rate = config, sampling_rate
        self.head_config = config.head
        self.pretrained = run.weights is not None

    @cached_property
    def recordings(self) -> RecordingStore:
        """Those of the training, within the bounds of its options."""
        run: Any = self._run
        return RecordingStore(
            run,
            rate=self.sampling_rate,
            prepare=self.prepare,
            room=self.room,
        )

    @cached_property
    def room(self) -> MediaRoom:
        """For the recordings that are kept, of all sources of the run."""
        run: Any = self._run
        return MediaRoom.of(run)

    def share(self, other: Self) -> None:
        """Also the room for recordings."""
        super().share(other)
        self.room = other.room

    @abstractmethod
    def prepare(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the network sees of a recording, computed once; called from several threads.

        Args:
            samples: one channel at `sampling_rate`, shape (samples,).

        Returns:
            Shape (frames, ...).
        """

    @abstractmethod
    def frames(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """One vector for each moment that the network tells apart, shape (batch, moments, width).

        Args:
            module: `self.module`, as the engine prepared it.
            batch: as made by `collate`, on the device.
        """

    def moments(self, frames: torch.Tensor | int) -> Any:
        """How many moments it tells apart in a recording that it sees so many frames of."""
        return frames

    @property
    @abstractmethod
    def seconds_a_moment(self) -> float:
        """Between two of them."""

    def encode(self, inputs: Sequence[Any]) -> list[StoredRecording | Rejected]:
        """Decode."""
        numbers = self.recordings.add(inputs)
        return [
            number if isinstance(number, Rejected) else StoredRecording(number, self.recordings.shape(number)[0])
            for number in numbers
        ]

    def length(self, features: StoredRecording) -> int:
        """Frames."""
        return features.frames

    def collate(self, features: Sequence[StoredRecording], seeds: Sequence[int], *, training: bool) -> Batch:
        """Recordings, in training without some bands.

        Returns:
            `seen` of shape (batch, frames, ...), float32, and `lengths` (batch,).
        """
        recordings = [self.recordings[one.number] for one in features]
        if training and self._run.options.spec_augment and recordings[0].ndim > 1:
            recordings = [masked(one, seed) for one, seed in zip(recordings, seeds, strict=True)]
        return self.learnt_batch(recordings)

    def learnt_batch(self, recordings: Sequence[NDArray[np.float32]]) -> Batch:
        """What a training sees of several recordings, which processors get in few lengths."""
        return batch_of(recordings, few_lengths=torch.device(self._run.device).type == "cpu")

    def pooled(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """The mean over the moments of each recording, shape (batch, width)."""
        vectors = self.frames(module, batch)
        moments = self.moments(batch[LENGTHS]).to(vectors.device)
        inside = torch.arange(vectors.shape[1], device=vectors.device) < moments[:, None]
        mean: torch.Tensor = (vectors * inside[:, :, None]).sum(1) / moments.clamp(min=1)[:, None]
        return mean

    def save(self, folder: Path, state: dict[str, torch.Tensor], head: HeadConfig | None) -> None:
        """Write a state dict, `config.json` and a README."""
        save_file(state, folder / "model.safetensors")
        config = AudioConfig(self.config.model_type, self.config.architecture, head)
        config.save(folder)
        (folder / "README.md").write_text(self.readme(config), encoding="utf-8")

    def predictor(self, run: PredictionRun) -> Predictor:
        """What the head says, as the answer of the task has it."""
        from zoo.training.audio.answering import predictor_on

        return predictor_on(self, run)

    @abstractmethod
    def readme(self, config: AudioConfig) -> str:
        """How to use a result without zoo, in Markdown."""


def batch_of(recordings: Sequence[NDArray[np.float32]], *, few_lengths: bool = False) -> Batch:
    """What a network sees of several recordings, see `AudioBody.collate`.

    Args:
        recordings: of a batch.
        few_lengths: whether the batch is filled up to one of few lengths.
    """
    frames = [len(one) for one in recordings]
    length = rounded_up(max(frames)) if few_lengths else max(frames)
    seen = torch.zeros(len(recordings), length, *recordings[0].shape[1:])
    for row, recording in zip(seen, recordings, strict=True):
        row[: len(recording)] = torch.from_numpy(recording)
    return {SEEN: seen, LENGTHS: torch.tensor(frames)}


def rounded_up(frames: int) -> int:
    """The next number that has three binary digits or fewer before its zeros, at most a quarter more.

    Batches of recordings would else all be of another length, and oneDNN compiles its kernels anew for each.
    """
    step = 1 << max(0, frames.bit_length() - 3)
    return -(-frames // step) * step
