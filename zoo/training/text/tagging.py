"""Finding spans: every word of a text gets a tag, whatever the length of the text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from zoo.answers import Prediction, ProbabilityTable, Rejected, TaggedSpan, TaggedSpans
from zoo.errors import Unsupported
from zoo.metrics.tags import SpanKey
from zoo.training.text.answering import Lookahead, batches_of, objection_to
from zoo.training.text.network import AnsweringNetwork, blocks_of, starts_of
from zoo.training.text.tags import Array, TagDecoder
from zoo.training.text.words import TextWords, read_words
from zoo.training.token_budget import TokenBudget

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun
    from zoo.training.text.predictors import AnsweringTexts


class TagPredictor:
    """Tags by a body and the head of its weights, joined to spans of characters.

    The score of a span is the mean of the probabilities of its words' tags.

    Args:
        run: its options have `batch_tokens`, `max_tokens`, `raw_spans` and `probabilities`.
        body: of the weights.
        network: what computes in the place of that of the body, its head included.
    """

    def __init__(self, run: PredictionRun, body: AnsweringTexts, network: AnsweringNetwork | None = None) -> None:
        if body.head_config is None or not body.head_config.is_of_tokens:
            raise Unsupported(f"{run.card.name} has no head for {run.task.name}", "fine-tune it first")
        self._options: Any = run.options
        self._device = torch.device(run.device)
        self._tokenizer, self._spaced = body.tokenizer, body.head_config.words_spaced
        self._max_tokens = min(body.max_tokens, run.options.max_tokens or body.max_tokens)
        self._network = network or body.answering_network(run)
        self._head = self._network.tag_head(body.head_config)
        self._decoder = TagDecoder(body.head_config)
        self._budget = TokenBudget(run.options.batch_tokens, self._device, run.note)
        self._pad_id = body.pad_id if Lookahead.on(self._device).padded else None

    def predict(self, inputs: list[Any]) -> list[Prediction]:
        """Answer every input, in order; one that cannot be answered is rejected in its place."""
        reasons = [objection_to(value) for value in inputs]
        usable = [value for value, reason in zip(inputs, reasons, strict=True) if not reason]
        texts = list(read_words(self._tokenizer, usable, self._max_tokens, spaced=self._spaced))
        answers = map(self._answer, usable, texts, self._probabilities(texts))
        return [Rejected(reason) if reason else next(answers) for reason in reasons]

    def _probabilities(self, texts: Sequence[TextWords]) -> Iterator[Array]:
        """Of the tags of the words of each text, shape (words, tags)."""
        windows = [window for text in texts for window in text.windows]
        computed: dict[int, Array] = {}
        items = ((index, window.ids) for index, window in enumerate(windows))
        for batch in batches_of(items, self._budget):
            places = [windows[index].places for index, _ in batch]
            of_batch = self._compute([ids for _, ids in batch], places)
            ends = np.cumsum([len(one) for one in places])[:-1]
            computed.update(zip((index for index, _ in batch), np.split(of_batch, ends), strict=True))
        at = 0
        for text in texts:
            parts = [computed[index] for index in range(at, at + len(text.windows))]
            at += len(parts)
            yield parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _compute(self, ids: list[list[int]], places: list[list[int]]) -> Array:
        """The probabilities of the tags at some places of each sequence, shape (places, tags)."""
        blocks = blocks_of(ids, self._device, self._pad_id)
        rows = [start + place for start, own in zip(starts_of(blocks), places, strict=True) for place in own]
        with torch.inference_mode():
            vectors = self._network.tokens(blocks)
            at = torch.tensor(rows, dtype=torch.long, device=self._device)
            probabilities: Array = self._head(vectors[at]).float().softmax(-1).cpu().numpy()
        return probabilities

    def _answer(self, text: str, words: TextWords, probabilities: Array) -> TaggedSpans:
        if not words.words:
            return TaggedSpans(text, (), **self._words_with_probabilities(words, probabilities))
        best = self._decoder.best(probabilities)
        allowed = self._decoder.allowed(probabilities, best)

        def span(key: SpanKey, tags: Sequence[int]) -> TaggedSpan:
            first, end, label = key
            start, stop = words.words[first][0], words.words[end - 1][1]
            score = sum(float(probabilities[word, tags[word]]) for word in range(first, end)) / (end - first)
            return TaggedSpan(start, stop, label, text[start:stop], min(1.0, score))

        spans = tuple(span(key, allowed) for key in self._decoder.spans(allowed))
        raw = None
        if self._options.raw_spans and allowed is not best:
            raw = tuple(span(key, best) for key in self._decoder.spans(best))
        return TaggedSpans(text, spans, raw, **self._words_with_probabilities(words, probabilities))

    def _words_with_probabilities(self, words: TextWords, probabilities: Array) -> dict[str, Any]:
        """These fields of an answer, where they are asked for."""
        if not self._options.probabilities:
            return {}
        tags, values = self._decoder.iob2(probabilities)
        return {"words": tuple(words.words), "probabilities": ProbabilityTable.of(values, tags)}
