"""Predicting on texts: tokenise, group by length, compute, put back in order.

A CPU does one after the other. Ahead of an accelerator threads tokenise, batches are launched before the answers of
those before them are looked at, and texts are padded, as it costs more to launch many small kernels than to compute
what nobody looks at.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from msgspec.structs import replace
from tokenizers import Tokenizer

from zoo.answers import Answer, Prediction, Rejected
from zoo.devices import usable_cpus
from zoo.encoding import is_encodable
from zoo.memory import is_out_of_memory, release_memory
from zoo.prefetch import prefetched
from zoo.training.scalars import Arriving
from zoo.training.text.encoding import encode_cut
from zoo.training.text.network import Blocks, blocks_of
from zoo.training.token_budget import TokenBudget

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun

Item = tuple[int, list[int]]
"""Position of an input, and its token ids."""
CHUNK = 512
"""Texts that a thread tokenises at once."""
MOST_THREADS = 16
"""That tokenise; more would wait for each other, as what Python does of it is done by one at a time."""


class Lookahead(NamedTuple):
    """How far texts are ahead of their answers."""

    threads: int = 0
    """That tokenise; 0 for none beside the one that computes."""
    chunks: int = 1
    """Whose texts are sorted by length together."""
    batches: int = 0
    """That are computed, or will be, before the answers of the one before them are looked at."""
    padded: bool = False
    """Whether all texts of a batch are computed as one block."""

    @classmethod
    def on(cls, device: torch.device) -> Lookahead:
        """What suits a device."""
        return cls() if device.type == "cpu" else cls(min(MOST_THREADS, usable_cpus()), 16, 8, padded=True)


class _Tokenised(NamedTuple):
    """A chunk of inputs, and what is known of them before anything is computed."""

    inputs: list[Any]
    answers: dict[int, Prediction]
    """To those that are rejected, by their place."""
    items: list[Item]
    truncated: set[int]


class _Window:
    """Chunks that are sorted by length together, and their answers as they come."""

    def __init__(self, chunks: Sequence[_Tokenised]) -> None:
        self._sizes = [len(chunk.inputs) for chunk in chunks]
        self.inputs: list[Any] = []
        self.items: list[Item] = []
        self.truncated: set[int] = set()
        self.answers: dict[int, Prediction] = {}
        for chunk in chunks:
            at = len(self.inputs)
            self.inputs += chunk.inputs
            self.items += [(at + place, ids) for place, ids in chunk.items] if at else chunk.items
            self.truncated.update(at + place for place in chunk.truncated)
            self.answers.update((at + place, answer) for place, answer in chunk.answers.items())

    @property
    def answered(self) -> bool:
        """Whether all of them are here."""
        return len(self.answers) == len(self.inputs)

    def chunks(self) -> Iterator[list[Prediction]]:
        """The answers of each chunk."""
        answers = iter(map(self.answers.__getitem__, range(len(self.inputs))))
        return (list(islice(answers, size)) for size in self._sizes)


class _Launched(NamedTuple):
    """A batch that a device computes."""

    window: _Window
    items: list[Item]
    outputs: Arriving


class TextPredictor(ABC):
    """A model that answers texts.

    Args:
        run: its options have `batch_tokens`, and may have `top_k`.
        tokenizer: of the model.
        max_tokens: longer texts are cut.
        pad_id: the token that fills up, for a network that computes padded texts, too.
    """

    def __init__(self, run: PredictionRun, tokenizer: Tokenizer, max_tokens: int, *, pad_id: int | None = None) -> None:
        self._options: Any = run.options
        self.top_k: int | None = getattr(run.options, "top_k", None)
        """Most labels or fillings of an answer, where it was said."""
        self._device = torch.device(run.device)
        self._tokenizer, self._max_tokens = tokenizer, max_tokens
        self._budget = TokenBudget(run.options.batch_tokens, self._device, run.note)
        self._lookahead = Lookahead.on(self._device)
        self._pad_id = pad_id if self._lookahead.padded else None

    def predict(self, inputs: list[Any]) -> list[Prediction]:
        """Answer every input, in order; one that cannot be answered is rejected in its place."""
        size = CHUNK if self._lookahead.threads else max(1, len(inputs))
        chunks = (inputs[start : start + size] for start in range(0, len(inputs), size))
        return [answer for answers in self.predict_chunks(chunks) for answer in answers]

    def predict_chunks(self, chunks: Iterable[list[Any]]) -> Iterator[list[Prediction]]:
        """The same for chunk after chunk, of which a few are taken ahead of their answers."""
        ahead = self._lookahead
        self._tokenizer.enable_truncation(self._max_tokens)
        with closing(prefetched(self._read, chunks, threads=ahead.threads, ahead=2 * ahead.chunks)) as tokenised:
            yield from self._answer_windows(map(_Window, _grouped(tokenised, ahead.chunks)))

    def _read(self, inputs: list[Any]) -> _Tokenised:
        reasons = [objection_to(text) for text in inputs]
        usable = [place for place, reason in enumerate(reasons) if not reason]
        answers: dict[int, Prediction] = {place: Rejected(reason) for place, reason in enumerate(reasons) if reason}
        items, truncated = [], set()
        texts = encode_cut(self._tokenizer, [inputs[place] for place in usable], self._max_tokens)
        for place, (ids, is_cut) in zip(usable, texts, strict=True):
            if reason := self.objection(inputs[place], ids):
                answers[place] = Rejected(reason)
                continue
            items.append((place, ids))
            if is_cut:
                truncated.add(place)
        return _Tokenised(inputs, answers, items, truncated)

    def _answer_windows(self, windows: Iterable[_Window]) -> Iterator[list[Prediction]]:
        launched: deque[_Launched] = deque()
        waiting: deque[_Window] = deque()
        for window in windows:
            waiting.append(window)
            for items in batches_of(window.items, self._budget):
                launched += self._launch(window, items)
                while len(launched) > self._lookahead.batches:
                    self._finish(launched.popleft())
            while waiting and waiting[0].answered:
                yield from waiting.popleft().chunks()
        for batch in launched:
            self._finish(batch)
        for window in waiting:
            yield from window.chunks()

    def _launch(self, window: _Window, items: list[Item]) -> list[_Launched]:
        """Let the device compute a batch, in halves where its memory does not suffice."""
        tokens = len(items) * max(len(ids) for _, ids in items)
        try:
            with self._budget.spent(tokens), torch.inference_mode():
                blocks = blocks_of([ids for _, ids in items], self._device, self._pad_id)
                outputs = {str(number): output for number, output in enumerate(self.outputs(blocks))}
                return [_Launched(window, items, Arriving(outputs))]
        except Exception as error:
            if len(items) == 1 or not is_out_of_memory(error):
                raise
        # After the block, as the error keeps alive what was computed so far.
        release_memory()
        self._budget.shrink(tokens)
        half = len(items) // 2
        return [*self._launch(window, items[:half]), *self._launch(window, items[half:])]

    def _finish(self, batch: _Launched) -> None:
        """Make answers of what was computed."""
        window, items, outputs = batch
        answers = self.answers(list(outputs.tensors().values()), [window.inputs[place] for place, _ in items])
        window.answers.update(zip((place for place, _ in items), answers, strict=True))
        for place in window.truncated.intersection(place for place, _ in items) if window.truncated else ():
            window.answers[place] = replace(cast("Answer", window.answers[place]), truncated_at=self._max_tokens)

    def objection(self, text: str, ids: list[int]) -> str:
        """Why a text cannot be answered; empty where it can. Called from several threads."""
        return ""

    @abstractmethod
    def outputs(self, blocks: Blocks) -> list[torch.Tensor]:
        """What the device computes of a batch; nothing here should wait for it.

        Args:
            blocks: the texts, in their order.
        """

    @abstractmethod
    def answers(self, outputs: list[torch.Tensor], texts: list[str]) -> Sequence[Prediction]:
        """Answer a batch.

        Args:
            outputs: what was computed, on the CPU.
            texts: as they were given.
        """


def objection_to(value: Any) -> str:
    """Why an input is no text to be answered; empty where it is one."""
    if not isinstance(value, str):
        return f"the input is {type(value).__name__}, not text"
    if not value.strip():
        return "the text is empty"
    if not is_encodable(value):
        return "the text holds bytes that are not UTF-8"
    return ""


def batches_of(items: Iterable[Item], budget: TokenBudget) -> Iterator[list[Item]]:
    """Group inputs of like length so that a batch stays within a number of tokens."""
    batch: list[Item] = []
    for item in sorted(items, key=lambda item: len(item[1])):
        if batch and (len(batch) + 1) * len(item[1]) > budget.tokens:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _grouped(chunks: Iterable[_Tokenised], size: int) -> Iterator[list[_Tokenised]]:
    iterator = iter(chunks)
    while group := list(islice(iterator, size)):
        yield group
