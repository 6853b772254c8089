"""Writing texts: one token after another, of several prompts at once; rows that are finished are dropped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.utils.rnn import pad_sequence

from zoo.answers.generated_text import Finish, GeneratedText
from zoo.tasks.options import GenerationOptions
from zoo.training.text.detokenising import Detokeniser
from zoo.training.text.sampling import Sampler

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from zoo.training.text.causal import GeneratingNetwork


class Writing:
    """One text that is being written.

    Args:
        prompt: token ids that it follows, at least one.
        tokenizer: of the model.
        eos_ids: tokens that end a text.
        options: say how much is written, and what stops it.
        positions: most tokens of prompt and text together.
        messages_left_out: of the conversation that the prompt is, for the answer.
    """

    def __init__(
        self,
        prompt: Sequence[int],
        tokenizer: Tokenizer,
        eos_ids: Sequence[int],
        options: GenerationOptions,
        positions: int,
        messages_left_out: int = 0,
    ) -> None:
        self.ids = list(prompt)
        self._messages_left_out = messages_left_out
        self.finish: Finish | None = None
        """None while it is being written."""
        self._prompt_length = len(prompt)
        self._most = min(options.max_tokens, positions - len(prompt))
        self._eos_ids, self._stops = frozenset(eos_ids), options.stops
        self._detokeniser = Detokeniser(tokenizer, prompt)
        self._text = ""
        self._given = 0

    @property
    def tokens(self) -> int:
        """How many were written."""
        return len(self.ids) - self._prompt_length

    def add(self, token: int) -> None:
        """Take the next token."""
        self.ids.append(token)
        if token in self._eos_ids:
            self._end("end")
            return
        self._text += self._detokeniser.add(token)
        if not self._stopped() and self.tokens >= self._most:
            self._end("length")

    def take(self) -> str:
        """What was written since the last call, without what may be the beginning of a text that stops it."""
        held = 0 if self.finish else max((_overlap(self._text, stop) for stop in self._stops), default=0)
        piece = self._text[self._given : len(self._text) - held]
        self._given += len(piece)
        return piece

    @property
    def answer(self) -> GeneratedText:
        """All of it."""
        left_out = self._messages_left_out
        return GeneratedText(
            self._text,
            self.finish or "length",
            self.tokens,
            left_out,
            truncated_at=self._prompt_length if left_out else None,
        )

    def _end(self, finish: Finish) -> None:
        self._text += self._detokeniser.rest()
        if not self._stopped():
            self.finish = finish

    def _stopped(self) -> bool:
        """Whether a text has come up that stops it; what comes from there on is left out."""
        places = [place for stop in self._stops if (place := self._text.find(stop)) >= 0]
        if places:
            self._text, self.finish = self._text[: min(places)], "stop"
        return bool(places)


def write(
    network: GeneratingNetwork, writings: Sequence[Writing], options: GenerationOptions, device: str
) -> Iterator[None]:
    """Write texts to their ends; goes on with the next token of each whenever it is iterated.

    Args:
        network: computes.
        writings: of one batch.
        options: say how tokens are chosen.
        device: of the network.
    """
    going = list(writings)
    sampler = Sampler(options, len(going))
    prompts = [torch.tensor(one.ids) for one in going]
    with torch.inference_mode():
        scores = network.prefill(
            pad_sequence(prompts, batch_first=True).to(device), torch.tensor([len(ids) for ids in prompts])
        )
    while going:
        with torch.inference_mode():
            tokens = sampler.next_tokens(scores, [one.ids for one in going])
        for one, token in zip(going, tokens.tolist(), strict=True):
            one.add(token)
        yield
        kept = [row for row, one in enumerate(going) if one.finish is None]
        with torch.inference_mode():
            if kept and len(kept) < len(going):
                rows = torch.tensor(kept, device=device)
                network.keep(rows)
                sampler.keep(kept)
                tokens = tokens[rows]
            going = [going[row] for row in kept]
            if going:
                scores = network.step(tokens)


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Indices of texts of like length, so many at once as stay within a number of tokens.

    Args:
        lengths: tokens of each, those to be written included.
        budget: of a batch, padding included.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: lengths[index]):
        if batch and (len(batch) + 1) * lengths[index] > budget:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _overlap(text: str, stop: str) -> int:
    """Characters at the end of a text that a stop may begin with."""
    return next((size for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])), 0)


def options_of(options: Any) -> GenerationOptions:
    """Those of the task, out of all that a prediction has."""
    names = GenerationOptions.__struct_fields__
    return GenerationOptions(**{name: getattr(options, name) for name in names})
