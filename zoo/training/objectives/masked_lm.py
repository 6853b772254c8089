"""Pretraining: masked language modelling."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from zoo.data.example import Example
from zoo.metrics import MeanLoss
from zoo.training.body import Network
from zoo.training.objective import Batch, Objective, Output

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun
    from zoo.training.text.body import TextBody

HIDDEN = "hidden"
"""Entry of a batch: which of its tokens, counted through, are to be predicted; int64 of shape (hidden tokens,). It is
known where batches are made: an accelerator that is asked how many there are has to be waited for."""
HIDDEN_MULTIPLE = 64
"""On an accelerator, so many or a multiple of tokens are scored: few shapes come again and again. Those too many count
for nothing."""
IGNORED = -100
"""Label of a token that is not to be predicted, as torch's cross entropy has it."""
SCRATCH_LR = 5e-4
"""Peak learning rate where nothing is pretrained yet."""


class MaskedLanguageModelling(Objective[list[int]]):
    """Predict 15% of the tokens: 80% of them hidden, 10% replaced, 10% left (Devlin et al. 2018, section 3.1).

    Which ones is drawn anew in every epoch (Liu et al. 2019, arXiv:1907.11692, section 4.1).

    Args:
        run: its task has `zoo.MaskingOptions`.
        body: reads the texts.
    """

    default_lr = 1e-4
    auto_steps = 1000

    def __init__(self, run: TrainingRun, body: TextBody) -> None:
        self.body = body
        self._probability: float = run.options.mask_probability
        self._multiple = 1 if run.device == "cpu" else HIDDEN_MULTIPLE
        self._special, self._mask_id = torch.tensor(body.special_ids), body.mask_id
        self.micro_batch_size = body.micro_batch_size or self.micro_batch_size
        if not body.pretrained:
            self.default_lr = SCRATCH_LR
        body.expect([list(range(body.vocabulary_size))])  # any token may stand in the place of another
        self.module = Network(body.module, body.new_token_head(), self._hidden_vectors)

    def _hidden_vectors(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """Of the hidden tokens only, as the other 85% need no scores; shape (hidden tokens, width)."""
        vectors = self.body.tokens(module, {name: batch[name] for name in batch if name != HIDDEN})
        return vectors.flatten(0, 1).index_select(0, batch[HIDDEN])

    def features(self, examples: Sequence[Example]) -> list[list[int]]:
        """Tokenise."""
        return self.body.encode([example.input for example in examples])

    def length(self, features: list[int]) -> int:
        """Number of tokens."""
        return len(features)

    def collate(self, features: Sequence[list[int]], seeds: Sequence[int], *, training: bool) -> Batch:
        """Mask and pad, in an evaluation, too; `labels`, shape (batch, tokens), is what was hidden."""
        masked = [self.mask(torch.tensor(ids), seed) for ids, seed in zip(features, seeds, strict=True)]
        batch = self.body.collate([ids.tolist() for ids, _ in masked], seeds, training=training)
        labels = torch.full(batch["input_ids"].shape, IGNORED)
        for row, (_, label) in zip(labels, masked, strict=True):
            row[: len(label)] = label
        return {**batch, "labels": labels, HIDDEN: self._numbers(labels.flatten() != IGNORED)}

    def _numbers(self, hidden: torch.Tensor) -> torch.Tensor:
        """Where it is true, and, up to a multiple, where it is not."""
        numbers, others = hidden.nonzero()[:, 0], (~hidden).nonzero()[:1, 0]
        return torch.cat([numbers, others.repeat(-len(numbers) % self._multiple)])

    def mask(self, ids: torch.Tensor, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Hide some of the tokens of one example, at least one where there is any to hide.

        Args:
            ids: shape (tokens,).
            seed: decides which, and what stands in their place.

        Returns:
            The ids as the model sees them, and the labels: the true id where it is to be predicted, -100 elsewhere.
        """
        draws = torch.rand((3, len(ids)), generator=torch.Generator().manual_seed(seed))
        eligible = ~torch.isin(ids, self._special)
        masked = eligible & (draws[0] < self._probability)
        if not masked.any() and eligible.any():
            masked[torch.where(eligible, draws[0], torch.inf).argmin()] = True
        input_ids = ids.clone()
        input_ids[masked & (draws[1] < 0.8)] = self._mask_id
        replaced = masked & (draws[1] >= 0.9)
        input_ids[replaced] = (draws[2] * self.body.vocabulary_size).long()[replaced]
        return input_ids, torch.where(masked, ids, IGNORED)

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Mean cross entropy over the hidden tokens of each example, shape (batch,); 0 where none is hidden."""
        inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
        labels, hidden = batch["labels"], batch[HIDDEN]
        scores: torch.Tensor = module(**inputs).float()
        true = labels.flatten()[hidden]
        by_token = nn.functional.cross_entropy(scores, true, reduction="none", ignore_index=IGNORED)
        example = hidden // labels.shape[1]
        zeros = by_token.new_zeros(len(labels))
        counts = (labels != IGNORED).sum(-1)
        losses = zeros.index_add(0, example, by_token) / counts.clamp(min=1)
        hits = zeros.index_add(0, example, (scores.detach().argmax(-1) == true).float())
        return Output(losses, {"loss": losses.detach(), "hidden": counts, "hits": hits}, weights=counts)

    def metrics(self) -> MaskedMetrics:
        """Loss and perplexity per hidden token, and how many were found."""
        return MaskedMetrics()

    def export(self, module: nn.Module, folder: Path) -> None:
        """Write what the body's own ecosystem loads."""
        assert isinstance(module, Network)
        self.body.save(folder, module.state_for(self.body.layout), None)


class MaskedMetrics:
    """Mean loss, perplexity and accuracy over hidden tokens."""

    def __init__(self) -> None:
        self._loss = MeanLoss(perplexity=True)
        self._hits = 0.0
        self._hidden = 0

    def update(self, loss: float, hidden: int, hits: float) -> None:
        """Add one example: the mean loss over its hidden tokens, their number, and how many were found."""
        self._loss.update(loss, hidden)
        self._hidden += hidden
        self._hits += hits

    def merge(self, other: MaskedMetrics) -> None:
        """Take in what another process saw."""
        self._loss.merge(other._loss)
        self._hidden += other._hidden
        self._hits += other._hits

    def compute(self) -> dict[str, float]:
        """`loss`, `perplexity` and `masked_accuracy`."""
        if not self._hidden:
            return {}
        return {**self._loss.compute(), "masked_accuracy": self._hits / self._hidden}
