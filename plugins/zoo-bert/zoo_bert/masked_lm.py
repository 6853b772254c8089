"""Pretraining: masked language modelling."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import BertForMaskedLM

from zoo import Example, MeanLoss, TrainingRun
from zoo.training import Batch, Objective, Output
from zoo_bert.modules import from_random, from_weights, pad, quiet
from zoo_bert.readme import masked_lm_readme
from zoo_bert.tokenization import encode, for_transformers, id_of, tokenizer_of
from zoo_bert.vocabulary import SPECIAL

IGNORED = -100
"""Label of a token that is not to be predicted, as torch's cross entropy has it."""
SCRATCH_LR = 5e-4
"""Peak learning rate where nothing is pretrained yet."""


class ScoresOfHidden(nn.Module):
    """BERT with its language modelling head, which is asked about the hidden tokens only.

    The projection to the vocabulary is most of the work of a small model, and 85% of the tokens need none.
    """

    def __init__(self, model: BertForMaskedLM) -> None:
        super().__init__()
        self.model = model

    def forward(self, hidden: torch.Tensor, **inputs: torch.Tensor) -> torch.Tensor:
        """Score every word piece for every hidden token.

        Args:
            hidden: which tokens, bool of shape (batch, tokens).
            inputs: as BERT takes them.

        Returns:
            Logits of shape (hidden tokens, vocabulary), in the order of `hidden.nonzero()`.
        """
        scores: torch.Tensor = self.model.cls(self.model.bert(**inputs).last_hidden_state[hidden])
        return scores


class MaskedLanguageModelling(Objective[list[int]]):
    """Predict 15% of the tokens: 80% of them hidden, 10% replaced, 10% left (Devlin et al. 2018, section 3.1).

    Which ones is drawn anew in every epoch (Liu et al. 2019, arXiv:1907.11692, section 4.1).
    """

    default_lr = 1e-4
    auto_steps = 1000
    task = "fill-mask"
    module: ScoresOfHidden

    def __init__(self, run: TrainingRun) -> None:
        self._max_tokens: int = run.options.max_tokens
        self._probability: float = run.options.mask_probability
        self._tokenizer = tokenizer_of(run)
        ids = [id_of(self._tokenizer, token) for token in SPECIAL]
        self._pad_id, self._mask_id = ids[0], ids[4]
        self._special = torch.tensor(ids)
        self._vocabulary_size: int = self._tokenizer.get_vocab_size()
        self.module = ScoresOfHidden(self._model(run))

    def _model(self, run: TrainingRun) -> BertForMaskedLM:
        torch.manual_seed(run.options.seed)
        dropout: float | None = run.options.dropout
        if run.weights is not None:
            return from_weights(BertForMaskedLM, run.weights, new=("cls.",), dropout=dropout)
        self.default_lr = SCRATCH_LR
        return from_random(BertForMaskedLM, run.card, vocabulary_size=self._vocabulary_size, dropout=dropout)

    def features(self, examples: Sequence[Example]) -> list[list[int]]:
        """Tokenise."""
        return encode(self._tokenizer, [example.input for example in examples], self._max_tokens)

    def length(self, features: list[int]) -> int:
        """Number of tokens."""
        return len(features)

    def collate(self, features: Sequence[list[int]], seeds: Sequence[int], *, training: bool) -> Batch:
        """Mask and pad, in an evaluation, too; `labels` of shape (batch, tokens) tells what was hidden."""
        masked = [self.mask(torch.tensor(ids), seed) for ids, seed in zip(features, seeds, strict=True)]
        labels = nn.utils.rnn.pad_sequence([label for _, label in masked], batch_first=True, padding_value=IGNORED)
        return {**pad([ids.tolist() for ids, _ in masked], self._pad_id), "labels": labels}

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
        chosen = eligible & (draws[0] < self._probability)
        if not chosen.any() and eligible.any():
            chosen[torch.where(eligible, draws[0], torch.inf).argmin()] = True
        seen = ids.clone()
        seen[chosen & (draws[1] < 0.8)] = self._mask_id
        replaced = chosen & (draws[1] >= 0.9)
        seen[replaced] = (draws[2] * self._vocabulary_size).long()[replaced]
        return seen, torch.where(chosen, ids, IGNORED)

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Mean cross entropy over the hidden tokens of each example, shape (batch,); 0 where none is hidden."""
        inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
        labels = batch["labels"]
        hidden = labels != IGNORED
        scores: torch.Tensor = module(hidden, **inputs).float()
        true = labels[hidden]
        by_token = nn.functional.cross_entropy(scores, true, reduction="none")
        example = hidden.nonzero()[:, 0]
        zeros = by_token.new_zeros(len(labels))
        counts = hidden.sum(-1)
        losses = zeros.index_add(0, example, by_token) / counts.clamp(min=1)
        hits = zeros.index_add(0, example, (scores.detach().argmax(-1) == true).float())
        return Output(losses, {"losses": losses.detach(), "counts": counts, "hits": hits})

    def metrics(self) -> MaskedMetrics:
        """Loss and perplexity per hidden token, and how many were found."""
        return MaskedMetrics()

    def update_metrics(self, metrics: Any, output: Output, count: int) -> None:
        """Account for the hidden tokens of a batch."""
        columns = [output.for_metrics[name][:count].tolist() for name in ("losses", "counts", "hits")]
        for loss, hidden, hits in zip(*columns, strict=True):
            metrics.update(loss, hidden, round(hits))

    def export(self, module: nn.Module, folder: Path) -> None:
        """Write a folder that transformers' Auto classes load."""
        assert isinstance(module, ScoresOfHidden)
        with quiet():
            module.model.save_pretrained(folder)
        for_transformers(self._tokenizer, self._max_tokens).save_pretrained(folder)
        (folder / "README.md").write_text(masked_lm_readme(), encoding="utf-8")


class MaskedMetrics:
    """Mean loss, perplexity and accuracy over hidden tokens."""

    def __init__(self) -> None:
        self._loss = MeanLoss(perplexity=True)
        self._hits = 0
        self._hidden = 0

    def update(self, loss: float, hidden: int, hits: int) -> None:
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
