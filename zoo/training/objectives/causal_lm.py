"""Causal language modelling: each token is predicted from those before it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from zoo.blocks import Paragraph, Report, SpanMark, Spans
from zoo.data.example import Example
from zoo.errors import DatasetInvalid
from zoo.metrics.perplexity import PerplexityMetrics
from zoo.plurals import counted
from zoo.runs.events import WrittenSample
from zoo.tasks.options import GenerationOptions
from zoo.training.body import Network
from zoo.training.objective import Batch, Objective, Output, Pieces
from zoo.training.text.causal import RecomputingNetwork
from zoo.training.text.generating import Writing, write
from zoo.training.text.learnt import USUAL_TOKENS, LearntText, LearntTexts, runs_of
from zoo.training.text.packing import IGNORED, packed

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun
    from zoo.training.text.causal import CausalBody

SCORED = "scored"
"""Entry of what the network is given: which places are scored, bool of shape (rows, tokens)."""
MOST_SCORES = 2**26
"""Scores of the vocabulary that a micro-batch has room for: 256 MB in float32."""
MOST_TOKENS = 8192
"""Tokens of a micro-batch, however few words the vocabulary has."""
SAMPLE_PROMPT, SAMPLE_TOKENS = 8, 32
"""Tokens that a sample begins with where the data are plain texts, and most that are written after them."""
LORA_LR = 5e-4
SCRATCH_STEPS = 1000
"""Fewest optimizer steps worth while where nothing is pretrained."""


class CausalLanguageModelling(Objective[LearntText]):
    """Predict what is to be learnt of texts, of answers to prompts, or of what the assistant says in conversations.

    Texts are packed: none sees another one of its row. The loss is the mean over all tokens that are learnt.

    Args:
        run: the training; its options have `max_tokens`.
        body: reads the texts.
    """

    auto_steps = 60
    head_lr = LORA_LR
    made_from_rows = True

    def __init__(self, run: TrainingRun, body: CausalBody) -> None:
        self._run, self.body = run, body
        self._texts = LearntTexts(body, run.card.name)
        self.default_lr = body.lr if body.pretrained else body.scratch_lr
        if not body.pretrained:
            self.auto_steps = SCRATCH_STEPS
        self.lora_targets, self.layout = body.lora_targets, body.layout
        self.max_tokens = min(run.options.max_tokens or USUAL_TOKENS, body.positions)
        self.module = Network(body.module, nn.Identity(), self._scores)

    def _scores(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """Of the places that are scored only; shape (scored places, vocabulary)."""
        inputs = {name: batch[name] for name in ("input_ids", "position_ids", "segments")}
        return self.body.scores(module, self.body.hidden(module, inputs)[batch[SCORED]])

    def features(self, examples: Sequence[Example]) -> list[LearntText | Pieces[LearntText]]:
        """Tokenise; texts that are too long become pieces, prompts with their completions are cut.

        Raises:
            DatasetInvalid: nothing can be learnt from one of them.
        """
        held_out = bool(examples) and not any(examples[0] is one for one in self._run.train[:1])
        texts = [self._texts.of(example.input, example.target) for example in examples]
        features = [self._fitted(text, whole=all(text.learnt), held_out=held_out) for text in texts]
        for example, text, fitted in zip(examples, texts, features, strict=True):
            if isinstance(fitted, LearntText) and not fitted.learnt_tokens:
                raise self._nothing_to_learn(example, text, held_out=held_out)
        longest = max((min(len(text.ids), self.max_tokens) for text in texts), default=1)
        room = min(MOST_TOKENS, MOST_SCORES // self.body.vocabulary_size)
        self.micro_batch_size = self.evaluation_batch_size = max(1, min(64, room // longest))
        self._report(texts, held_out=held_out)
        return features

    def _fitted(self, text: LearntText, *, whole: bool, held_out: bool) -> LearntText | Pieces[LearntText]:
        """A text within the limit: a held-out one is judged in windows, in which tokens have seen some before them."""
        if len(text.ids) <= self.max_tokens:
            return text
        if not whole:
            return text.cut(self.max_tokens)
        return Pieces(tuple(text.windows(self.max_tokens, self.stride if held_out else self.max_tokens - 1)))

    @property
    def stride(self) -> int:
        """Tokens between the beginnings of two windows in an evaluation."""
        return max(1, self.max_tokens // 2)

    def _nothing_to_learn(self, example: Example, text: LearntText, *, held_out: bool) -> DatasetInvalid:
        """Why nothing can be learnt from a row, and what to do."""
        row = f"row {example.row} of the {'evaluation' if held_out else 'training'} data"
        if text.learnt_tokens:
            prompt = text.learnt.index(True)
            return DatasetInvalid(
                f"nothing can be learnt from {row}: its prompt alone has {counted(prompt, 'token')}, and "
                f"{self.max_tokens:,} are read",
                f"give more --max-tokens, up to {self.body.positions:,}, or leave the row out",
            )
        why = "its completion is empty" if example.target is not None else "no word of it is the assistant's"
        return DatasetInvalid(
            f"nothing can be learnt from {row}: {why}", "mend the row, or leave it out (zoo data inspect)"
        )

    def _report(self, texts: Sequence[LearntText], *, held_out: bool) -> None:
        """Note how texts were made to fit, and what the perplexity is of."""
        part = "held-out " if held_out else ""
        limit = f"{self.max_tokens:,} tokens"
        longer = [text for text in texts if len(text.ids) > self.max_tokens]
        divided = sum(all(text.learnt) for text in longer)
        longest = max((len(text.ids) for text in texts), default=0)
        if divided:
            how = (
                f"judged in windows of that, each {self.stride:,} after the one before" if held_out else "divided there"
            )
            self._run.note(
                f"tokens: {divided:,} of {counted(len(texts), f'{part}text')} longer than {limit}, {how}; the longest "
                f"has {longest:,}"
            )
        if cut := len(longer) - divided:
            more = (
                f"; --max-tokens takes up to {self.body.positions:,}" if self.max_tokens < self.body.positions else ""
            )
            self._run.warn(
                f"{cut:,} of {counted(len(texts), f'{part}row')} {'is' if cut == 1 else 'are'} cut at {limit}; the "
                f"longest has {longest:,}{more}"
            )
        if not longer and not held_out:
            self._run.note(f"tokens: the longest text has {longest:,}, none is cut (limit {self.max_tokens:,})")

    def length(self, features: LearntText) -> int:
        """Number of tokens."""
        return len(features.ids)

    def collate(self, features: Sequence[LearntText], seeds: Sequence[int], *, training: bool) -> Batch:
        """Pack; see `packed`."""
        return packed(features)

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Mean cross entropy over the learnt tokens of each text, shape (batch,)."""
        labels, counts = batch["labels"], batch["counts"]
        scored = labels != IGNORED
        inputs = {name: batch[name] for name in ("input_ids", "position_ids", "segments")}
        scores: torch.Tensor = module(**inputs, **{SCORED: scored}).float()
        by_token = nn.functional.cross_entropy(scores, labels[scored], reduction="none")
        zeros = by_token.new_zeros(len(counts))
        losses = zeros.index_add(0, batch["owners"][scored], by_token) / counts.clamp(min=1)
        return Output(losses, {"loss": losses.detach(), "tokens": counts}, weights=counts)

    def preview(self, example: Example) -> Report:
        """The text as the network reads it, and what of it is learnt."""
        ids, learnt = self._texts.of(example.input, example.target).cut(self.max_tokens)
        text, marks = "", list[SpanMark]()
        for start, stop in runs_of(learnt):
            part = self.body.tokenizer.decode(ids[start:stop], skip_special_tokens=False)
            if learnt[start] and part:
                marks.append(SpanMark(len(text), len(text) + len(part), "learnt"))
            text += part
        counts = f"{counted(sum(learnt), 'token')} of {len(ids):,} {'is' if sum(learnt) == 1 else 'are'} learnt"
        return (
            Spans(title=f"Row {example.row} as it is learnt", text=text, spans=tuple(marks)),
            Paragraph(text=counts),
        )

    def sample(self) -> WrittenSample:
        """The likeliest text after the prompt of a held-out example, or after the beginning of a text."""
        body, device = self.body, next(self.module.parameters()).device
        prompt, shown = self._sample_prompt
        options = GenerationOptions(max_tokens=SAMPLE_TOKENS)
        writing = Writing(prompt, body.tokenizer, body.eos_ids, options, body.positions)
        for _ in write(RecomputingNetwork(body, self.module.get_submodule("body")), [writing], options, str(device)):
            pass
        return WrittenSample(shown, writing.answer.text)

    @cached_property
    def _sample_prompt(self) -> tuple[list[int], str]:
        """Token ids of what is written after, and the same as a person knows it."""
        example = (*self._run.eval, *self._run.train)[0]
        ids, learnt = self._texts.of(example.input, example.target)
        if learnt[0]:
            begin = ids[: min(SAMPLE_PROMPT, (len(ids) + 1) // 2)]
            return begin, self.body.tokenizer.decode(begin)
        prompt = ids[: learnt.index(True)][-self.max_tokens // 2 :]
        return prompt, self._run.task.input.display_text(example.input)

    def metrics(self) -> PerplexityMetrics:
        """Loss and perplexity per token."""
        return PerplexityMetrics()

    def export(self, module: nn.Module, folder: Path) -> None:
        """Write what the body's own ecosystem loads."""
        assert isinstance(module, Network)
        self.body.save(folder, module.state_for(self.body.layout), None)
