"""Deep Speech as a body: recordings to vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from zoo import PredictionRun, TrainingRun, Unsupported
from zoo.training.audio import LENGTHS, SEEN, AudioBody, AudioConfig, LogMel
from zoo.training.objective import Batch
from zoo.training.weights import below, fill, state_of
from zoo_speech.cards import ARCHITECTURE, SAMPLING_RATE
from zoo_speech.deepspeech import DeepSpeech
from zoo_speech.readme import readme_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zoo.training.portable.network import Portable


class DeepSpeechBody(AudioBody):
    """Spectra in, one vector for each out."""

    width: int
    lora_targets = ("layers.0", "layers.1", "layers.2", "last")

    def __init__(self, run: TrainingRun | PredictionRun) -> None:
        config = AudioConfig.of(run.card, run.weights, ARCHITECTURE)
        super().__init__(run, config, SAMPLING_RATE)
        architecture = config.architecture
        self.width = architecture["width"]
        self._spectrogram = LogMel(SAMPLING_RATE, architecture["bands"])
        self.module = DeepSpeech(architecture["bands"], architecture["context"], self.width)
        if run.weights is not None:
            state = state_of(run.card, run.weights, run.cache_folder)
            fill(self.module, below("body.", state))
            self.output_state = below("head.", state)

    def prepare(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The log-mel spectrogram."""
        return self._spectrogram(samples)

    def frames(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """One vector a spectrum."""
        vectors: torch.Tensor = module(batch[SEEN], batch[LENGTHS])
        return vectors

    def portable(self, run: PredictionRun) -> Portable:
        """There is none: what goes from spectrum to spectrum has no end that could be written down beforehand."""
        raise Unsupported(
            f"{run.card.name} has a layer that goes through a recording spectrum by spectrum, which is written for one "
            "length alone as onnx and torch",
            "zoo export RUN DIR writes it as safetensors, with a README.md that has the network in plain torch",
        )

    @property
    def seconds_a_moment(self) -> float:
        """The step of the spectrogram."""
        return self._spectrogram.step / SAMPLING_RATE

    def readme(self, config: AudioConfig) -> str:
        """The network in plain torch."""
        return readme_of(config)
