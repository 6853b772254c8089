"""Spans of a text: a tag for each word, by a linear layer on the vector of its first piece."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

from zoo.answers import Answer
from zoo.data.example import Example
from zoo.metrics import SpanMetrics
from zoo.training.body import HEAD, Network
from zoo.training.head import note_new_head
from zoo.training.objective import LESSONS, Batch, Objective, Output
from zoo.training.objectives.pooled import divergences
from zoo.training.objectives.tag_lessons import tag_lesson
from zoo.training.text.tags import TagDecoder, iob2_head
from zoo.training.text.words import TextWords, Window
from zoo.words import spaced_words

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun
    from zoo.training.text.body import TextBody

TAGS, TEXTS, WORDS, TRUTHS = "tags", "texts", "words", "truths"
"""Entries of a batch: tags of tokens, the text of each row, numbers of words, and the spans of the texts."""
PLACES = "places"
"""Entry of lessons: where words stand among all tokens of a batch."""
VECTORS = "vectors"
"""Entry of a batch that went through a frozen body: what the head sees."""
IGNORED = -100
"""Tag of a token that stands for no word, as torch's cross entropy has it."""
NOWHERE = -1
"""Place of a span that is no whole words, so that no answer is equal to it; fills up, too."""


class TaggedWords(NamedTuple):
    """A text and what is to be learnt of it."""

    windows: tuple[Window, ...]
    tags: list[int]
    """Index of the tag of each word."""
    truths: list[tuple[int, int, int]]
    """Of each span its first word, the one after its last, and the index of its type."""
    words: list[tuple[int, int]]
    """First character of each word, and the one after its last."""


class Tagging(Objective[TaggedWords]):
    """Cross entropy of the tags `O`, `B-` and `I-` of a type; a text weighs as much as it has words.

    A text with more tokens than the network reads at once is seen in windows, in training and in evaluations, too: it
    is one example, and no span is lost.

    Args:
        run: the training.
        body: gives one vector a token.
    """

    head = (HEAD,)

    def __init__(self, run: TrainingRun, body: TextBody) -> None:
        body.read_in_windows()
        self.body, self.run = body, run
        self.head_config = iob2_head(run.labels, words_spaced=not run.is_private and _words_are_spaced(run.train))
        self.collate_threads, self.lora_targets, self.layout = body.collate_threads, body.lora_targets, body.layout
        self.default_lr, self.head_lr = body.lr, body.head_lr
        self.micro_batch_size = body.micro_batch_size or self.micro_batch_size
        if not body.pretrained:
            self.default_lr, self.auto_steps = body.scratch_lr, body.scratch_steps or self.auto_steps
        head = body.head_for(self.head_config, body.new_tag_head(self.head_config.outputs))
        note_new_head(run, self.head_config, body.head_config)
        self.module = Network(body.module, head, body.tokens)
        self._index = {label: index for index, label in enumerate(run.labels)}
        self._decoder = TagDecoder(self.head_config)

    def features(self, examples: Sequence[Example]) -> list[TaggedWords]:
        """Tokenise, and find the words of the spans."""
        texts = self.body.encode_words([example.input for example in examples], spaced=self.head_config.words_spaced)
        tagged = [self._tagged(text, example.target) for text, example in zip(texts, examples, strict=True)]
        cut = sum(truth[0] == NOWHERE for one in tagged for truth in one.truths)
        if cut:
            total = sum(len(one.truths) for one in tagged)
            self.run.warn(
                f"{cut:,} of {total:,} spans begin or end within a word as {self.run.card.name} reads it: they are "
                "learnt as whole words, and no answer can be equal to them"
            )
        return tagged

    def _tagged(self, text: TextWords, spans: Sequence[Any]) -> TaggedWords:
        tags = [0] * len(text.words)
        truths = []
        at = 0
        for span in spans:
            while at < len(text.words) and text.words[at][1] <= span.start:
                at += 1
            end = at
            while end < len(text.words) and text.words[end][0] < span.end:
                end += 1
            index = self._index[span.label]
            tags[at:end] = [1 + 2 * index + (place > at) for place in range(at, end)]
            whole = at < end and (text.words[at][0], text.words[end - 1][1]) == (span.start, span.end)
            truths.append((at, end, index) if whole else (NOWHERE, NOWHERE, index))
            at = max(at, end - 1)  # the next span may begin within the same word
        return TaggedWords(text.windows, tags, truths, text.words)

    def length(self, features: TaggedWords) -> int:
        """Number of tokens, in all windows."""
        return sum(len(window.ids) for window in features.windows)

    def begin(self) -> None:
        """Let the body leave out what none of the features needs."""
        self.body.begin()

    def collate(self, features: Sequence[TaggedWords], seeds: Sequence[int], *, training: bool) -> Batch:
        """A row for each window.

        Returns:
            The body's batch and `tags` of shape (rows, tokens); `texts` (rows,), the number of the text of each;
            `words` (batch,); in an evaluation `truths` (batch, spans, 3), filled up with -1.
        """
        rows = [(number, window) for number, one in enumerate(features) for window in one.windows]
        row_seeds = [seeds[number] for number, _ in rows]
        batch = dict(self.body.collate([window.ids for _, window in rows], row_seeds, training=training))
        tags = torch.full(batch["input_ids"].shape, IGNORED)
        remaining = [iter(one.tags) for one in features]
        for row, (number, window) in zip(tags, rows, strict=True):
            for place in window.places:
                row[place] = next(remaining[number])
        batch |= {
            TAGS: tags,
            TEXTS: torch.tensor([number for number, _ in rows]),
            WORDS: torch.tensor([len(one.tags) for one in features]),
        }
        if not training:
            truths = [torch.tensor(one.truths, dtype=torch.long).view(-1, 3) for one in features]
            batch[TRUTHS] = nn.utils.rnn.pad_sequence(truths, batch_first=True, padding_value=NOWHERE)
        return batch

    def reduced(self, module: nn.Module, batch: Batch) -> Batch:
        """The vectors of the words of each text and their tags, filled up with 0; so are the spans, one added to each.

        Returns:
            `vectors` (batch, words, width), `tags` (batch, words), `words` (batch,), `truths` (batch, spans, 3).
        """
        assert isinstance(module, Network)
        tags, words = batch[TAGS], batch[WORDS]
        vectors = self.body.tokens(module.body, _inputs(batch))
        by_text = (
            nn.utils.rnn.pad_sequence(list(torch.split(values[tags != IGNORED], words.tolist())), batch_first=True)
            for values in (vectors, tags)
        )
        return {**dict(zip((VECTORS, TAGS), by_text, strict=True)), WORDS: words, TRUTHS: batch[TRUTHS] - NOWHERE}

    def _outputs(self, module: nn.Module, batch: Batch) -> tuple[torch.Tensor, Batch]:
        """The logits of the head, float32 of shape (rows, tokens, tags), and the batch as `collate` makes it."""
        if VECTORS not in batch:
            logits: torch.Tensor = module(**_inputs(batch))
            return logits.float(), batch
        assert isinstance(module, Network)
        tags, words = batch[TAGS], batch[WORDS]
        fills_up = torch.arange(tags.shape[1], device=tags.device) >= words[:, None]
        texts = torch.arange(len(words), device=tags.device)
        learnt = {TAGS: tags.masked_fill(fills_up, IGNORED), TEXTS: texts, TRUTHS: batch[TRUTHS] + NOWHERE}
        return module.head(batch[VECTORS]).float(), {**batch, **learnt}

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Mean cross entropy over the words of each text, shape (batch,); 0 where there are none."""
        logits, batch = self._outputs(module, batch)
        tags, words = batch[TAGS], batch[WORDS]
        by_token = nn.functional.cross_entropy(logits.transpose(1, 2), tags, ignore_index=IGNORED, reduction="none")
        sums = by_token.new_zeros(len(words)).index_add(0, batch[TEXTS], by_token.sum(1))
        losses = sums / words.clamp(min=1)
        figures: dict[str, torch.Tensor] = {}
        if TRUTHS in batch:
            of_words = torch.split(logits.detach()[tags != IGNORED].softmax(-1), words.tolist())
            figures = {
                "probabilities": nn.utils.rnn.pad_sequence(list(of_words), batch_first=True),
                "words": words,
                "truths": batch[TRUTHS],
                "loss": losses.detach(),
            }
        return Output(losses, figures, weights=words.float(), logits=logits)

    def lesson(self, answer: Answer, features: TaggedWords) -> torch.Tensor:
        """Logarithm of the probability of each tag, shape (words, tags); zeros where the teacher has no such word."""
        return torch.from_numpy(tag_lesson(answer, features.words, self.head_config.labels))

    def collate_lessons(
        self, lessons: Sequence[torch.Tensor], features: Sequence[TaggedWords], seeds: Sequence[int], batch: Batch
    ) -> Batch:
        """Those of the words of each text, and where these stand.

        Returns:
            `lessons` (batch, words, tags) and `places` (batch, words), of all tokens of all rows; filled up with 0.
        """
        length = batch[TAGS].shape[1]
        places_of_texts = []
        row = 0
        for one in features:
            places: list[int] = []
            for window in one.windows:
                places += [row * length + place for place in window.places]
                row += 1
            places_of_texts.append(torch.tensor(places, dtype=torch.long))
        padded = nn.utils.rnn.pad_sequence
        return {
            LESSONS: padded(list(lessons), batch_first=True),
            PLACES: padded(places_of_texts, batch_first=True),
        }

    def reduced_lessons(self, lessons: Batch) -> Batch:
        """Without places: the vectors of the words of each text stand side by side."""
        return {LESSONS: lessons[LESSONS]}

    def taught_losses(self, logits: torch.Tensor, lessons: Batch, temperature: float) -> torch.Tensor:
        """Mean Kullback-Leibler divergence over the words of each text that the teacher has, shape (batch,)."""
        scores = logits.flatten(0, 1)[lessons[PLACES]] if PLACES in lessons else logits
        taught = lessons[LESSONS].float()
        known = (taught != 0).any(-1)
        return (divergences(scores, taught, temperature) * known).sum(1) / known.sum(1).clamp(min=1)

    def metrics(self) -> SpanMetrics:
        """F1 of spans, as zoo answers and as conlleval counts, and mean loss."""
        return SpanMetrics(self.run.labels)

    def update_metrics(self, metrics: SpanMetrics, output: Output, count: int) -> None:
        """Count spans by their words."""
        probabilities, words, truths, losses = (values[:count].cpu() for values in output.for_metrics.values())
        types = self.run.labels
        for text, (of_text, length, loss) in enumerate(
            zip(probabilities, words.tolist(), losses.tolist(), strict=True)
        ):
            best = self._decoder.best(of_text[:length].numpy())
            allowed = self._decoder.allowed(of_text[:length].numpy(), best)
            rows = [row for row in truths[text].tolist() if row[2] != NOWHERE]
            true = {
                (row[0], row[1] if row[0] != NOWHERE else -number, types[row[2]]) for number, row in enumerate(rows)
            }
            metrics.update(true, self._decoder.spans(allowed), self._decoder.spans(best), loss, length)

    def export(self, module: nn.Module, folder: Path) -> None:
        """Write what the body's own ecosystem loads."""
        assert isinstance(module, Network)
        self.body.end()
        self.body.save(folder, module.state_for(self.layout), self.head_config)


def _inputs(batch: Batch) -> Batch:
    return {name: batch[name] for name in batch if name not in (TAGS, TEXTS, WORDS, TRUTHS)}


def _words_are_spaced(examples: Sequence[Example]) -> bool:
    """Whether no span begins or ends within a word that stands apart, so that each is learnt by its first piece.

    Such are texts that were divided before their names were marked, as CoNLL columns are. Where a name is a part of
    what stands between blanks (London-based), the parts are learnt each for itself.
    """
    for example in examples:
        if example.target:
            firsts, ends = (set(places) for places in zip(*spaced_words(example.input), strict=True))
            if any(span.start not in firsts or span.end not in ends for span in example.target):
                return False
    return bool(examples)
