"""What all text models have in common: texts are tokenised once, cut at one limit, padded batch by batch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from tokenizers import Tokenizer
from torch import nn

from zoo.errors import Unsupported
from zoo.suggestions import AS_SAFETENSORS
from zoo.training.body import Body
from zoo.training.objective import Batch
from zoo.training.text.encoding import id_of, pad
from zoo.training.text.network import AnsweringNetwork, ModuleNetwork
from zoo.training.text.predictors import predictor_on
from zoo.training.text.texts import TrainingTexts, max_tokens_of
from zoo.training.text.words import TextWords, read_words

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun, Predictor, TrainingRun
    from zoo.training.portable.network import Portable

PADDED_TO = 16
"""On an accelerator, texts are padded to a multiple of so many tokens: few shapes come again and again."""


class TextBody(Body[list[int]]):
    """A network that reads texts; features are their token ids.

    Args:
        run: a training, or a prediction; its options have `max_tokens`.
        tokenizer: of the model.
        pad_token: fills up.
        mask_token: stands for a token that is to be predicted; empty where there is no such token.
        special_tokens: are never predicted.
        positions: most tokens that the network can take.
        width: of the vectors it makes.
        max_tokens: most that the weights were trained to read; None for what the card says.
    """

    provides = frozenset({"pooled", "tokens"})

    def __init__(
        self,
        run: TrainingRun | PredictionRun,
        tokenizer: Tokenizer,
        *,
        pad_token: str,
        mask_token: str = "",
        special_tokens: Sequence[str],
        positions: int,
        width: int,
        max_tokens: int | None = None,
    ) -> None:
        self._run = run
        self.tokenizer, self.mask_token = tokenizer, mask_token
        self.width = width
        self.max_tokens = max_tokens or max_tokens_of(run.card)
        self.pad_id = id_of(tokenizer, pad_token)
        self.special_ids = [id_of(tokenizer, token) for token in special_tokens]
        self.vocabulary_size: int = tokenizer.get_vocab_size()
        self.pretrained = run.weights is not None
        self._positions = positions
        self._in_windows = False

    @property
    def mask_id(self) -> int:
        """Of the mask token.

        Raises:
            Unsupported: there is none.
        """
        if not self.mask_token:
            raise Unsupported(
                f"the tokenizer of {self._run.card.name} has no mask token", "choose a model that fills masks"
            )
        return id_of(self.tokenizer, self.mask_token)

    @cached_property
    def texts(self) -> TrainingTexts:
        """Those of the training."""
        run: Any = self._run
        return TrainingTexts(
            run, self.tokenizer, positions=self._positions, width=self.width, in_windows=self._in_windows
        )

    def read_in_windows(self) -> None:
        """Cut no text: what has more tokens than the limit is seen in parts. To be called before anything is read."""
        self._in_windows = True

    @property
    def micro_batch_size(self) -> int:
        """By the length of the texts."""
        return self.texts.micro_batch_size

    def encode(self, inputs: Sequence[Any]) -> list[list[int]]:
        """Tokenise."""
        encoded = self.texts.ids(inputs)
        self.expect(encoded)
        return encoded

    def encode_words(self, inputs: Sequence[Any], *, spaced: bool) -> list[TextWords]:
        """Tokenise, in windows where a text is longer than the limit; see `read_words`."""
        encoded = list(read_words(self.tokenizer, inputs, self.texts.max_tokens, spaced=spaced))
        self.expect([window.ids for text in encoded for window in text.windows])
        return encoded

    def expect(self, sequences: Iterable[list[int]]) -> None:
        """Told, before `begin`, which token ids batches will be made of."""

    def length(self, features: list[int]) -> int:
        """Number of tokens."""
        return len(features)

    def collate(self, features: Sequence[list[int]], seeds: Sequence[int], *, training: bool) -> Batch:
        """Pad: `input_ids` and, where anything is padded, `attention_mask`."""
        on_accelerator = self._run.device != "cpu" and self._positions % PADDED_TO == 0
        return pad(features, self.pad_id, multiple=PADDED_TO if on_accelerator else 1)

    @abstractmethod
    def tokens(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """One vector a token, shape (batch, tokens, width); the arguments are those of `pooled`."""

    def new_tag_head(self, outputs: int) -> nn.Module:
        """A head that scores tags, of random numbers: (..., tokens, width) to (..., tokens, outputs)."""
        return nn.Linear(self.width, outputs)

    @abstractmethod
    def new_token_head(self) -> nn.Module:
        """A head that scores the vocabulary: (tokens, width) to (tokens, vocabulary)."""

    def predictor(self, run: PredictionRun) -> Predictor:
        """What the head says, fillings of masks, or the vectors themselves, as the answer of the task has it."""
        return predictor_on(self, run)

    def answering_network(self, run: PredictionRun) -> AnsweringNetwork:
        """What its predictor computes with; a family that knows a faster way than its modules brings its own."""
        return ModuleNetwork(self, run)

    def portable(self, run: PredictionRun) -> Portable:
        """From token ids and their mask to what is answered from."""
        from zoo.training.text.portable import PortableTexts

        return PortableTexts(run, self)

    def portable_network(self, run: PredictionRun) -> ModuleNetwork:
        """What other libraries compute with: modules alone; a family whose predictor has none brings its own.

        Raises:
            Unsupported: the predictor computes otherwise.
        """
        network = self.answering_network(run)
        if not isinstance(network, ModuleNetwork):
            raise Unsupported(
                f"plugin {run.card.plugin} answers with {type(network).__name__}, which no other library computes",
                AS_SAFETENSORS,
            )
        return network
