"""Answers to questions, as parts of a text: long texts are read in windows, as transformers 4's pipeline reads them.

The score of a part is the product of the probabilities that it begins and ends where it does (Rajpurkar et al. 2016,
arXiv:1606.05250), among the tokens of the text in its window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
import transformers
from tokenizers import Encoding

from zoo import ContextSpan, ExtractedAnswer, ExtractionOptions, Prediction, PredictionRun, Rejected
from zoo.training.text.answering import objection_to
from zoo_transformers.pairs import PairNetwork

WINDOW = 384
"""Tokens that are read at once, as in the models that BERT's authors published."""
STRIDE = 128
"""Tokens that two windows have in common, likewise."""
ROLES = ("question", "context")


class _Windows(NamedTuple):
    """A question with the parts of its context."""

    context: str
    encodings: list[Encoding]


class QuestionAnsweringPredictor:
    """The likeliest parts of a context.

    Args:
        run: its options are `WindowedPredictOptions` and `zoo.ExtractionOptions`.
    """

    def __init__(self, run: PredictionRun) -> None:
        self._options: ExtractionOptions = run.options
        self._network = PairNetwork(
            run,
            transformers.AutoModelForQuestionAnswering,
            lambda output: torch.stack((output.start_logits, output.end_logits), 1),
        )
        if run.options.max_tokens is None:
            self._network.max_tokens = min(WINDOW, self._network.max_tokens)
        self._question_first = self._network.tokenizer.padding_side == "right"  # XLNet has it last

    def predict(self, inputs: list[Any]) -> list[Prediction]:
        """Answer every question, in order; one that cannot be answered is rejected in its place."""
        windows = [self._windows(one) for one in inputs]
        usable = [one for one in windows if isinstance(one, _Windows)]
        outputs = iter(self._network.outputs([encoding for one in usable for encoding in one.encodings]))
        return [
            one if isinstance(one, Rejected) else self._answer(one, [next(outputs) for _ in one.encodings])
            for one in windows
        ]

    def _windows(self, value: Any) -> _Windows | Rejected:
        if not isinstance(value, Mapping) or not set(ROLES) <= value.keys():
            return Rejected(f"the input is {type(value).__name__}, not a question with its context")
        for role in ROLES:
            if reason := objection_to(value[role]):
                return Rejected(f"{role}: {reason}")
        question, context = value["question"], value["context"]
        pair = (question, context) if self._question_first else (context, question)
        most_tokens = self._network.max_tokens
        alone = len(
            self._network.tokenizer(*(("", question) if not self._question_first else (question, ""))).input_ids
        )
        room = most_tokens - alone
        if room < 1:
            return Rejected(
                f"the question has {alone:,} tokens, and the model reads {most_tokens:,} with a part of the text"
            )
        stride = STRIDE if self._options.stride is None else self._options.stride
        (first,) = self._network.encode(
            [pair],
            truncation="only_second" if self._question_first else "only_first",
            stride=min(stride, most_tokens // 2, room - 1),
        )
        return _Windows(context, [first, *first.overflowing])

    def _answer(self, windows: _Windows, outputs: Sequence[torch.Tensor]) -> ExtractedAnswer:
        """The best parts of all windows, each once."""
        scores: dict[tuple[int, int], float] = {}
        nothing = 1.0
        for encoding, logits in zip(windows.encodings, outputs, strict=True):
            probabilities = self._probabilities(encoding, logits)
            nothing = min(nothing, float(probabilities[:, 0].prod()))
            for first, last, score in self._best(encoding, probabilities):
                place = self._place(encoding, first, last)
                scores[place] = max(score, scores.get(place, 0.0))
        spans = [ContextSpan(*place, windows.context[slice(*place)], score) for place, score in scores.items()]
        if self._options.no_answer or not spans:
            spans.append(ContextSpan(0, 0, "", nothing))
        return ExtractedAnswer(tuple(sorted(spans, key=lambda one: -one.score)[: self._options.top_k]))

    def _in_context(self, encoding: Encoding) -> torch.Tensor:
        """Whether each token is of the context, shape (tokens,)."""
        context = int(self._question_first)
        return torch.tensor([sequence == context for sequence in encoding.sequence_ids])

    def _probabilities(self, encoding: Encoding, logits: torch.Tensor) -> torch.Tensor:
        """That an answer begins with a token, and that it ends with it, shape (2, tokens).

        The token that stands for there being none has its share.
        """
        nothing = torch.tensor(encoding.ids) == self._nothing_id
        return logits.masked_fill(~(self._in_context(encoding) | nothing), -10_000.0).softmax(-1)

    @property
    def _nothing_id(self) -> int:
        number = self._network.tokenizer.cls_token_id
        return -1 if number is None else int(number)

    def _best(self, encoding: Encoding, probabilities: torch.Tensor) -> list[tuple[int, int, float]]:
        """First and last token of the likeliest answers of a window, and their scores."""
        starts, ends = probabilities * self._in_context(encoding)
        products = torch.outer(starts, ends).triu().tril(self._options.max_answer_tokens - 1)
        values, indices = products.flatten().topk(min(self._options.top_k, products.numel()))
        return [
            (*divmod(index, len(encoding.ids)), value)
            for value, index in zip(values.tolist(), indices.tolist(), strict=True)
            if value > 0
        ]

    def _place(self, encoding: Encoding, first: int, last: int) -> tuple[int, int]:
        """The characters of the context from the beginning of the word of a token to the end of that of another."""
        context = int(self._question_first)
        words = (encoding.word_ids[first], encoding.word_ids[last])
        start, end = (None if word is None else encoding.word_to_chars(word, context) for word in words)
        if start is None or end is None:  # some tokenizers know no words
            return encoding.offsets[first][0], encoding.offsets[last][1]
        return start[0], end[1]
