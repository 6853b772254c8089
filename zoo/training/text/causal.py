"""Causal text bodies: each token sees those before it, so the next one can be predicted, and texts generated."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from zoo.training.body import Body
from zoo.training.objective import Batch
from zoo.training.precisions import DTYPES

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun, Predictor, TrainingRun


class GeneratingNetwork(ABC):
    """A causal network as generating computes it: it remembers what it has read of each text of a batch.

    `prefill` begins a batch, each `step` adds one token to every row, `keep` drops the rows that are finished. All is
    called in inference mode; ids and scores are on the device of the run.
    """

    @abstractmethod
    def prefill(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Read the prompts of a batch; whatever was read before is forgotten.

        Args:
            ids: token ids, int64 of shape (batch, tokens). A row begins with its prompt; the zeros that fill it up
                after that are never seen.
            lengths: tokens of each prompt, at least one, int64 of shape (batch,), on the CPU.

        Returns:
            Scores of what may follow the last token of each row, float32 of shape (batch, vocabulary).
        """

    @abstractmethod
    def step(self, ids: torch.Tensor) -> torch.Tensor:
        """Read one more token of every row.

        Args:
            ids: int64 of shape (batch,). No row becomes longer than `CausalBody.positions`.

        Returns:
            As `prefill`.
        """

    @abstractmethod
    def keep(self, rows: torch.Tensor) -> None:
        """Go on with some of the rows.

        Args:
            rows: their indices, ascending, int64 of shape (kept rows,).
        """

    def losses(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """How unlikely each token is after those before it, in nats; worth overriding where all are computed at once.

        Args:
            ids: as those of `prefill`.
            lengths: likewise.

        Returns:
            Of every token but the first, float32 of shape (batch, tokens - 1); those that only fill up mean nothing.
        """
        scores = self.prefill(ids[:, :1], torch.ones_like(lengths))
        columns = [functional.cross_entropy(scores, ids[:, 1], reduction="none")]
        for place in range(2, ids.shape[1]):
            columns.append(functional.cross_entropy(self.step(ids[:, place - 1]), ids[:, place], reduction="none"))
        return torch.stack(columns, 1)


class CausalBody(Body[list[int]]):
    """A network that predicts the next token; features are token ids.

    A family implements `hidden`, `scores` and `save`, and mostly `generating_network`.

    Args:
        run: a training, or a prediction.
        tokenizer: of the model, without padding and truncation.
        eos_ids: ids of the tokens that end a text or an answer; the first of them is what a training puts there.
        positions: most tokens that the network can take.
        width: of the vectors it makes.
        bos_id: what each text begins with; None where texts begin without.
        chat_template: of the model, as `tokenizer_config.json` has it; empty where it has none.
        special_tokens: what the template calls them, such as `bos_token`, and their texts.
        vocabulary_size: scores that the network gives of a token, where that is not the size of the tokenizer.
    """

    provides = frozenset({"causal"})

    def __init__(
        self,
        run: TrainingRun | PredictionRun,
        tokenizer: Tokenizer,
        *,
        eos_ids: Sequence[int],
        positions: int,
        width: int,
        bos_id: int | None = None,
        chat_template: str = "",
        special_tokens: Mapping[str, str] | None = None,
        vocabulary_size: int | None = None,
    ) -> None:
        self.tokenizer, self.bos_id, self.eos_ids = tokenizer, bos_id, tuple(eos_ids)
        self.chat_template, self.special_tokens = chat_template, dict(special_tokens or {})
        self.positions, self.width = positions, width
        self.vocabulary_size: int = vocabulary_size or tokenizer.get_vocab_size()
        self.pretrained = run.weights is not None

    @abstractmethod
    def hidden(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """One vector a token, from which the next one is predicted, shape (batch, tokens, width).

        Attention is causal within a segment: texts that are packed into one row never see one another, and what is
        computed of a text is the same as if it stood alone.

        Args:
            module: `self.module`, as the engine prepared it.
            batch: on the device: `input_ids`, int64 of shape (batch, tokens); `position_ids`, likewise, from 0 on in
                each segment; `segments`, likewise, 1, 2, ... in the order of the row, 0 for padding, which only ends
                rows and whose vectors mean nothing.
        """

    @abstractmethod
    def scores(self, module: nn.Module, hidden: torch.Tensor) -> torch.Tensor:
        """Logits of the next token, from vectors of `hidden`: (..., width) to (..., vocabulary)."""

    def logits(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """Logits of the token after each, shape (batch, tokens, vocabulary); the arguments are those of `hidden`."""
        return self.scores(module, self.hidden(module, batch))

    def generating_network(self, run: PredictionRun) -> GeneratingNetwork:
        """What its predictor computes with; a family that keeps keys and values brings its own."""
        module = self.module.to(torch.device(run.device), DTYPES[run.precision]).eval()
        return RecomputingNetwork(self, module)

    def text_ids(self, texts: Sequence[str], *, whole: bool = True) -> list[list[int]]:
        """Token ids of texts.

        Args:
            texts: special tokens in them are such.
            whole: whether the texts begin as a text of the model does; False for what goes on, and for what a chat
                template has rendered.
        """
        beginning = [self.bos_id] if whole and self.bos_id is not None else []
        encodings = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [[*beginning, *encoding.ids] for encoding in encodings]

    def predictor(self, run: PredictionRun) -> Predictor:
        """What goes on with prompts, and answers messages."""
        from zoo.training.text.generator import TextGenerator

        return TextGenerator(run, self)

    def encode(self, inputs: Sequence[Any]) -> list[list[int]]:
        """Tokenise, cut at what the network can take."""
        return [ids[: self.positions] for ids in self.text_ids(inputs)]

    def length(self, features: list[int]) -> int:
        """Number of tokens."""
        return len(features)

    def collate(self, features: Sequence[list[int]], seeds: Sequence[int], *, training: bool) -> Batch:
        """One text a row; see `hidden`."""
        return causal_batch([torch.tensor(ids) for ids in features])

    def pooled(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """The vector of the last token of each row, which has seen all others, shape (batch, width)."""
        return last_vectors(self.hidden(module, batch), (batch["segments"] > 0).sum(-1))


class RecomputingNetwork(GeneratingNetwork):
    """Reads each text again for every token: slow, and right for any body.

    Args:
        body: of the module.
        module: on its device, in the mode of prediction.
    """

    def __init__(self, body: CausalBody, module: nn.Module) -> None:
        self._body, self._module = body, module
        self._texts: list[torch.Tensor] = []

    def prefill(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Of all tokens."""
        self._texts = [row[:length] for row, length in zip(ids, lengths.tolist(), strict=True)]
        return self._scores()

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        """Of all tokens, again."""
        self._texts = [torch.cat([text, one[None]]) for text, one in zip(self._texts, ids, strict=True)]
        return self._scores()

    def keep(self, rows: torch.Tensor) -> None:
        """Without the other texts."""
        self._texts = [self._texts[row] for row in rows.tolist()]

    def losses(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Of all tokens at once."""
        batch = causal_batch([row[:length] for row, length in zip(ids, lengths.tolist(), strict=True)])
        scores = self._body.logits(self._module, batch).float()
        return functional.cross_entropy(scores[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")

    def _scores(self) -> torch.Tensor:
        batch = causal_batch(self._texts)
        vectors = last_vectors(self._body.hidden(self._module, batch), (batch["segments"] > 0).sum(-1))
        return self._body.scores(self._module, vectors).float()


def causal_batch(texts: Sequence[torch.Tensor]) -> Batch:
    """A batch for `CausalBody.hidden` with one text a row.

    Args:
        texts: token ids of each, int64 of shape (tokens,).
    """
    input_ids = pad_sequence(list(texts), batch_first=True)
    places = torch.arange(input_ids.shape[1], device=input_ids.device).expand_as(input_ids)
    lengths = torch.tensor([len(text) for text in texts], device=input_ids.device)
    segments = (places < lengths[:, None]).long()
    return {"input_ids": input_ids, "position_ids": places * segments, "segments": segments}


def last_vectors(vectors: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """The vector of the last token of each row.

    Args:
        vectors: shape (batch, tokens, width).
        lengths: tokens of each row, shape (batch,).

    Returns:
        Shape (batch, width).
    """
    return vectors[torch.arange(len(vectors), device=vectors.device), lengths - 1]
