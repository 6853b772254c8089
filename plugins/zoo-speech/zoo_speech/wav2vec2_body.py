"""wav2vec 2.0 and networks like it as a body: samples to vectors."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
import transformers
from torch import nn

from zoo import AudioInput, PredictionRun, TrainingRun
from zoo.training import Batch, Objective
from zoo.training.audio import LENGTHS, SEEN, AudioBody, AudioConfig
from zoo.training.audio.body import StoredRecording
from zoo.training.head import SPEECH, HeadConfig
from zoo.training.transformers_network import read_config
from zoo_speech.wav2vec2_cards import PREPROCESSOR
from zoo_speech.wav2vec2_letters import read_letters, save_letters
from zoo_speech.wav2vec2_network import (
    ComputedConvolutions,
    convolved,
    heard,
    hidden_moments,
    make_network,
    moments,
    receptive_field,
    stride,
)
from zoo_speech.wav2vec2_readme import readme_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zoo.training.audio.portable import PortableRecordings

HIDDEN = "hidden"
"""Entry of a batch: moments that the transformer does not see, bool of shape (batch, moments)."""
HIDDEN_SHARE = 0.05
"""Of the moments, where training hides some and the weights' configuration does not say how many."""
_FREEZES = "freeze_feature_encoder"
"""Entry of a saved configuration: whether fine-tuning leaves the convolutions as they are. What few minutes of speech
have taught them is a beginning and no more."""
_LARGEST = 65_504.0
"""Number of 16 bits."""
_CHANNELS_AT_ONCE = 4096
"""Recordings computed at once in training, times the channels of a convolution."""


class Wav2Vec2Body(AudioBody):
    """A network of transformers up to the head that its task has."""

    lora_targets = ("q_proj", "v_proj")
    scratch_lr = 1e-3

    def __init__(self, run: TrainingRun | PredictionRun) -> None:
        assert isinstance(run.card.input, AudioInput)
        self._speaks = "frames" in run.task.needs
        self._learns = isinstance(run, TrainingRun)
        settings: dict[str, Any] = {}
        self._published: dict[str, Any] = {}
        if self._learns:
            stated: Any = read_config(run.weights) if run.weights else transformers.Wav2Vec2Config()
            self._published = {name: getattr(stated, name) for name in ("apply_spec_augment", "layerdrop")}
            settings = {
                "apply_spec_augment": True,  # what is hidden is drawn in `collate`
                "layerdrop": 0.0,  # processes would leave out different layers
                "mask_time_prob": stated.mask_time_prob or HIDDEN_SHARE,
            }
        self.module: Any = make_network(self._auto_class(run), run.card, run.weights, **settings)
        self.shared_part = self.module.base_model_prefix
        self._settings: Any = self.module.config
        self._convolutions: list[nn.Module] = []
        """Those that are computed ahead, one at most; the bodies of several sources have the same list."""
        self._convolving = threading.Lock()
        self.module.base_model.feature_extractor._requires_grad = False  # no gradients of the samples themselves
        super().__init__(run, AudioConfig(self._settings.model_type, {}, None), run.card.input.sampling_rate)
        self._extractor = _extractor(run.weights, self.sampling_rate)
        self.width = self._settings.hidden_size
        if run.task.target is None:
            return
        self._take_head(run.weights)
        if self.pretrained and self._learns and self._freezes(run.options.freeze_feature_encoder):
            self.module.freeze_feature_encoder()
            if run.device == "cpu":
                self._convolutions.append(self.module.base_model.feature_extractor.eval())
        if self.head_config is None and not self._freezes(None):
            self.lr = self.scratch_lr  # there is no letter yet to be forgotten

    def _freezes(self, chosen: bool | None) -> bool:
        """Whether the convolutions stay as they are in the weights."""
        return bool(getattr(self._settings, _FREEZES, True)) if chosen is None else chosen

    def _auto_class(self, run: TrainingRun | PredictionRun) -> Any:
        """The class of transformers with the head that the task of the run learns or asks."""
        if run.task.target is None:
            return transformers.AutoModelForPreTraining if self._learns else transformers.AutoModel
        return transformers.AutoModelForCTC if self._speaks else transformers.AutoModelForAudioClassification

    def _take_head(self, weights: Path | None) -> None:
        """Take the layers of the head out of the network."""
        network = self.module
        names = ("lm_head",) if self._speaks else ("projector", "classifier")
        layers = OrderedDict((name, network.get_submodule(name)) for name in names)
        for name in names:
            network.set_submodule(name, nn.Identity())
        self._projector = layers.get("projector")
        self.output_layer = "" if self._speaks else "classifier"
        self.layout = (("head.", "lm_head." if self._speaks else ""), ("body.", ""))
        saved_from = next(iter(self._settings.architectures or ()), "")
        state = {name: one.detach().clone() for name, one in layers[names[-1]].state_dict().items()}
        if weights is None:
            return
        if self._speaks and saved_from.endswith("ForCTC"):
            normalizer = str(getattr(self._settings, "normalizer", ""))
            letters = read_letters(weights, len(state["weight"]), normalizer, learns=self._learns)
            self.head_config = letters.head
            self.output_state = {name: one[letters.order] for name, one in state.items()}
        elif not self._speaks and saved_from.endswith("ForSequenceClassification"):
            self.head_config = HeadConfig.from_transformers(self._settings.to_dict())
            self.output_state = state

    def objective(self, run: TrainingRun) -> Objective[Any]:
        """What recordings alone teach, where they have no targets."""
        if run.task.target is not None:
            return super().objective(run)
        from zoo_speech.wav2vec2_pretraining import MaskedSpeech

        return MaskedSpeech(run, self)

    def share(self, other: Self) -> None:
        """Also the convolutions: where they are frozen for one source, they are computed ahead for all."""
        super().share(other)
        if self._convolutions and not other._convolutions:
            other._convolutions.append(other.module.base_model.feature_extractor.eval())
        self._convolutions = other._convolutions

    @property
    def micro_batch_size(self) -> int:
        """As many as the widest convolution leaves room for."""
        return max(1, min(64, _CHANNELS_AT_ONCE // int(max(self._settings.conv_dim))))

    @property
    def evaluation_batch_size(self) -> int:
        """Likewise."""
        return self.micro_batch_size

    def new_head(self, outputs: int) -> nn.Module:
        """A linear layer on the vectors, or on a projection of their mean."""
        if self._projector is None:
            return nn.Linear(self.width, outputs)
        projector = nn.Linear(self.width, self._projector.out_features)
        projector.load_state_dict(self._projector.state_dict())
        layers = (("projector", projector), ("classifier", nn.Linear(projector.out_features, outputs)))
        return nn.Sequential(OrderedDict(layers))

    def prepare(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The samples with mean 0 and standard deviation 1, if the publisher does so, as many as one vector needs.

        On a processor, what frozen convolutions make of these: they see the same in every epoch, and their vectors are
        kept in the place of the samples (of 512 channels, in 1.6 times their room). A GPU computes them sooner than it
        gets them.
        """
        if self._extractor.do_normalize:
            (samples,) = self._extractor.zero_mean_unit_var_norm([samples], None)
        lacking = receptive_field(self._settings) - len(samples)
        prepared: NDArray[np.float32] = np.pad(samples, (0, max(0, lacking))).astype(np.float32)
        if not self._convolutions:
            return prepared
        with self._convolving:  # one recording has all cores
            vectors = convolved(self._convolutions[0], self._settings, prepared)
        return vectors.clip(-_LARGEST, _LARGEST)

    def begin(self) -> None:
        """Leave out convolutions that have been computed of every recording."""
        if self._convolutions:
            self.module.base_model.feature_extractor = ComputedConvolutions()

    def end(self) -> None:
        """Put them back."""
        for convolutions in self._convolutions:
            self.module.base_model.feature_extractor = convolutions

    def collate(self, features: Sequence[StoredRecording], seeds: Sequence[int], *, training: bool) -> Batch:
        """Recordings; in training also `hidden`, bool of shape (batch, moments)."""
        batch = self.learnt_batch([self.recordings[one.number] for one in features])
        if training:
            most = self.moments(batch[SEEN].shape[1])
            share = self._settings.mask_time_prob if self._run.options.spec_augment else 0.0
            hidden = [
                hidden_moments(self.moments(one.frames), share, self._settings.mask_time_length, seed)
                if share
                else torch.zeros(0, dtype=torch.bool)
                for one, seed in zip(features, seeds, strict=True)
            ]
            batch[HIDDEN] = torch.stack([nn.functional.pad(one, (0, most - len(one))) for one in hidden])
        return batch

    def frames(self, module: Any, batch: Batch) -> torch.Tensor:
        """One vector for each step of the convolutions."""
        of_all_layers = hasattr(module, "layer_weights")
        more = {"output_hidden_states": True} if of_all_layers else {}
        output = heard(module.base_model, batch[SEEN], batch[LENGTHS], batch.get(HIDDEN), **more)
        if of_all_layers:
            weights = module.layer_weights.softmax(-1)
            vectors: torch.Tensor = (torch.stack(output.hidden_states, 1) * weights[:, None, None]).sum(1)
            return vectors
        vectors = output.last_hidden_state
        return module.dropout(vectors) if self._speaks else vectors

    def moments(self, frames: Any) -> Any:
        """Steps of the convolutions."""
        return frames if self._convolutions else moments(self._settings, frames)

    @property
    def seconds_a_moment(self) -> float:
        """Between two steps of the convolutions."""
        return stride(self._settings) / self.sampling_rate

    def portable(self, run: PredictionRun) -> PortableRecordings:
        """From samples to what is answered from."""
        from zoo.training.audio.portable import PortableRecordings

        least = receptive_field(self._settings) + stride(self._settings)  # of two moments
        return PortableRecordings(run, self, normalised=bool(self._extractor.do_normalize), least=least)

    def save(self, folder: Path, state: dict[str, torch.Tensor], head: HeadConfig | None) -> None:
        """Write a folder that transformers' Auto classes load."""
        config = self._settings
        if head is not None and head.problem_type == SPEECH:
            config.update({"vocab_size": len(head.labels), "pad_token_id": 0, "normalizer": head.normalizer})
            save_letters(folder, head.labels)
        elif head is not None:
            config.update(head.to_transformers())
            config.id2label = dict(enumerate(head.labels))
        config.update(self._published | {_FREEZES: self.pretrained and self._freezes(None)})
        config.architectures = [type(self.module).__name__]
        self.module.save_pretrained(folder, state_dict=state)
        self._extractor.save_pretrained(folder)
        (folder / "README.md").write_text(self.readme(replace(self.config, head=head)), encoding="utf-8")

    def readme(self, config: AudioConfig) -> str:
        """With transformers."""
        return readme_of(config.head)


def _extractor(weights: Path | None, rate: int) -> Any:
    """What says how samples are normalised."""
    if weights is not None and (weights / PREPROCESSOR).exists():
        return transformers.Wav2Vec2FeatureExtractor.from_pretrained(weights, local_files_only=True)
    return transformers.Wav2Vec2FeatureExtractor(sampling_rate=rate)
