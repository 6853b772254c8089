"""Pretraining on recordings alone: find what is hidden among other hidden parts (Baevski et al. 2020, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import nn

from zoo import Example, Rejected
from zoo.training import Batch, Objective, Output
from zoo.training.audio import LENGTHS, SEEN
from zoo.training.audio.body import StoredRecording
from zoo_speech.wav2vec2_body import HIDDEN, Wav2Vec2Body
from zoo_speech.wav2vec2_network import heard, hidden_moments

if TYPE_CHECKING:
    from zoo import TrainingRun

DISTRACTORS = "distractors"
"""Entry of a batch: which other hidden moments of the recording each hidden one is told from, by their order among
them; shape (batch, most hidden moments of one, distractors), filled up with zeros."""
LEAST_MOMENTS, LEAST_SPANS = 4, 2
"""Of a recording, and hidden in it."""
HOTTEST, COLDEST, COOLING = 2.0, 0.5, 0.999
"""Temperature of the Gumbel softmax, where it ends, and its factor from one batch to the next. Section 4.2 has
0.999995, by which 400,000 batches are cool after 277,000; by this one 2,000 are after 1,386."""


class Quantised(NamedTuple):
    """Hidden moments of all recordings of a batch, one after the other."""

    context: torch.Tensor
    """What the transformer says of them, shape (moments, width)."""
    targets: torch.Tensor
    """What they are, likewise."""
    codes: torch.Tensor
    """The entry of each codebook, shape (moments, codebooks)."""
    shares: torch.Tensor
    """The probability of each entry, shape (moments, codebooks, entries)."""


class QuantisingNetwork(nn.Module):
    """The network with its codebooks.

    Args:
        network: transformers' `Wav2Vec2ForPreTraining`.
    """

    batches: torch.Tensor

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("batches", torch.zeros((), dtype=torch.long))

    def forward(self, seen: torch.Tensor, lengths: torch.Tensor, hidden: torch.Tensor) -> Quantised:
        """Compute both sides of the contrast, of hidden moments alone.

        Args:
            seen: shape (batch, samples).
            lengths: shape (batch,).
            hidden: bool, shape (batch, moments).
        """
        network = self.network
        output = heard(network.wav2vec2, seen, lengths, hidden)
        features = network.dropout_features(output.extract_features[hidden])
        books = network.quantizer
        scores = books.weight_proj(features).view(len(features), books.num_groups, books.num_vars).float()
        chosen = self._chosen(scores)
        entries = books.codevectors.view(books.num_groups, books.num_vars, -1)
        vectors = torch.einsum("mgv,gvd->mgd", chosen.to(entries.dtype), entries).flatten(1)
        return Quantised(
            network.project_hid(output.last_hidden_state[hidden]).float(),
            network.project_q(vectors).float(),
            chosen.argmax(-1),
            scores.softmax(-1),
        )

    def _chosen(self, scores: torch.Tensor) -> torch.Tensor:
        """One entry of each codebook; in training one that is drawn, with the gradient of its probability."""
        if not self.training:
            return nn.functional.one_hot(scores.argmax(-1), scores.shape[-1]).float()
        temperature = (HOTTEST * COOLING ** self.batches.float()).clamp(min=COLDEST)
        self.batches += 1
        return nn.functional.gumbel_softmax(scores, tau=temperature, hard=True)  # type: ignore[arg-type]


class MaskedSpeech(Objective[StoredRecording]):
    """The contrastive loss of each recording (equation 3), and the diversity loss of those computed at once (4).

    Which moments are hidden is drawn anew in every epoch. A micro-batch smaller than the batch means that fewer
    recordings are to use all entries of the codebooks.

    Args:
        run: its options are `Wav2Vec2PretrainOptions`.
        body: its module is transformers' `Wav2Vec2ForPreTraining`.
    """

    default_lr = 5e-5
    auto_steps = 2_000
    min_epochs = 20

    def __init__(self, run: TrainingRun, body: Wav2Vec2Body) -> None:
        self.body = body
        self.collate_threads = body.collate_threads
        self.micro_batch_size = self.evaluation_batch_size = body.micro_batch_size
        if not body.pretrained:
            self.default_lr = 1e-3
        self._share: float = run.options.mask_share
        self._distractors: int = run.options.distractors
        self._config: Any = body.module.config
        self.module = QuantisingNetwork(body.module)

    def features(self, examples: Sequence[Example]) -> list[StoredRecording | Rejected]:
        """Decode."""
        return [self._usable(one) for one in self.body.encode([example.input for example in examples])]

    def _usable(self, recording: StoredRecording | Rejected) -> StoredRecording | Rejected:
        if isinstance(recording, Rejected) or self.body.moments(recording.frames) >= LEAST_MOMENTS:
            return recording
        seconds = LEAST_MOMENTS * self.body.seconds_a_moment
        return Rejected(f"it is too short to hide parts of it; {seconds:.2f} s are needed")

    def length(self, features: StoredRecording) -> int:
        """Samples."""
        return self.body.length(features)

    def begin(self) -> None:
        """Let the body leave out what another source of the run has frozen."""
        self.body.begin()

    def collate(self, features: Sequence[StoredRecording], seeds: Sequence[int], *, training: bool) -> Batch:
        """Recordings, which of their moments are hidden, and what each is told from, in an evaluation, too."""
        batch = self.body.learnt_batch([self.body.recordings[one.number] for one in features])
        hidden = [
            hidden_moments(
                self.body.moments(one.frames), self._share, self._config.mask_time_length, seed, least=LEAST_SPANS
            )
            for one, seed in zip(features, seeds, strict=True)
        ]
        others = [distractors(int(one.sum()), self._distractors, seed) for one, seed in zip(hidden, seeds, strict=True)]
        most = self.body.moments(batch[SEEN].shape[1])
        batch[HIDDEN] = torch.stack([nn.functional.pad(one, (0, most - len(one))) for one in hidden])
        batch[DISTRACTORS] = nn.utils.rnn.pad_sequence(others, batch_first=True)
        return batch

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Mean over the hidden moments of each recording, in nats, shape (batch,)."""
        quantised: Quantised = module(seen=batch[SEEN], lengths=batch[LENGTHS], hidden=batch[HIDDEN])
        counts = batch[HIDDEN].sum(-1)
        scores = _scores(quantised, batch[DISTRACTORS], counts, self._config.contrastive_logits_temperature)
        of_moments = nn.functional.cross_entropy(scores, scores.new_zeros(len(scores)).long(), reduction="none")
        recording = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
        zeros = of_moments.new_zeros(len(counts))
        contrast = zeros.index_add(0, recording, of_moments) / counts
        hits = zeros.index_add(0, recording, (scores.detach().argmax(-1) == 0).float())
        losses = contrast + self._config.diversity_loss_weight * _sameness(quantised.shares)
        return Output(losses, {"loss": losses.detach(), "hidden": counts, "hits": hits}, weights=counts.float())

    def metrics(self) -> ContrastMetrics:
        """Loss, and how many hidden moments were found."""
        return ContrastMetrics()

    def export(self, module: nn.Module, folder: Path) -> None:
        """Write the network with its codebooks, so that it can be pretrained on."""
        assert isinstance(module, QuantisingNetwork)
        self.body.end()
        state = {name: tensor.contiguous() for name, tensor in module.network.state_dict().items()}
        self.body.save(folder, state, None)


def distractors(moments: int, count: int, seed: int) -> torch.Tensor:
    """Draw, with repetition, which others each of some moments is told from.

    Args:
        moments: that there are, at least two.
        count: others of each.
        seed: of what is drawn.

    Returns:
        int64, shape (moments, count); no row has its own number.
    """
    drawn = torch.from_numpy(np.random.default_rng(seed).integers(0, moments - 1, (moments, count)))
    return drawn + (drawn >= torch.arange(moments)[:, None])


def _scores(quantised: Quantised, others: torch.Tensor, counts: torch.Tensor, temperature: float) -> torch.Tensor:
    """Similarity to what each hidden moment is, and to its distractors, shape (moments, 1 + distractors).

    A distractor of the same entries of the codebooks is none.
    """
    context, targets = (nn.functional.normalize(one, dim=-1) for one in (quantised.context, quantised.targets))
    first = counts.cumsum(0) - counts
    inside = torch.arange(others.shape[1], device=others.device) < counts[:, None]
    numbers = (others + first[:, None, None])[inside]
    similarities = context @ targets.T / temperature
    same = (quantised.codes[numbers] == quantised.codes[:, None]).all(-1)
    away = similarities.gather(1, numbers).masked_fill(same, -torch.inf)
    return torch.cat([similarities.diagonal()[:, None], away], 1)


def _sameness(shares: torch.Tensor) -> torch.Tensor:
    """How far the codebooks are from being used evenly, from 0 to 1 (equation 4, as transformers computes it)."""
    mean = shares.mean(0)
    used: torch.Tensor = torch.special.entr(mean).sum(-1).exp().sum()
    return 1 - used / mean.numel()


class ContrastMetrics:
    """Mean loss and accuracy over hidden moments."""

    def __init__(self) -> None:
        self._loss = self._hits = 0.0
        self._hidden = 0

    def update(self, loss: float, hidden: int, hits: float) -> None:
        """Add a recording: the mean loss of its hidden moments, their number, and how many were found."""
        self._loss += loss * hidden
        self._hits += hits
        self._hidden += hidden

    def merge(self, other: ContrastMetrics) -> None:
        """Take in what another process saw."""
        self._loss += other._loss
        self._hits += other._hits
        self._hidden += other._hidden

    def compute(self) -> dict[str, float]:
        """`loss` and `masked_accuracy`."""
        if not self._hidden:
            return {}
        return {"loss": self._loss / self._hidden, "masked_accuracy": self._hits / self._hidden}
