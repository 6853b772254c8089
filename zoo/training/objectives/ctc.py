"""What is said in a recording, letter by letter, without a word on when (Graves et al. 2006).

The loss of a recording is minus the logarithm of the probability of all ways to write its transcript, over its letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

from zoo.answers import Rejected
from zoo.data.example import Example
from zoo.metrics import TranscriptMetrics
from zoo.normalizers import normalized
from zoo.plurals import counted
from zoo.training.audio.body import LENGTHS, AudioBody, StoredRecording
from zoo.training.audio.letters import BLANK, UNKNOWN, collapsed, indices, letters_of, moments_needed
from zoo.training.body import HEAD, Network
from zoo.training.head import SPEECH, HeadConfig, note_new_head
from zoo.training.objective import Batch, Objective, Output

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun

LETTERS, COUNTS, REFERENCES = "letters", "counts", "references"
"""Entries of a batch: the letters of the transcripts, filled up, how many each has, and what they are judged by."""
NEW_LETTERS_STEPS = 1_000
"""Optimizer steps below which letters that are new to a pretrained body get more epochs: in the first hundreds a
network writes blanks alone. XLSR's results learn a language in 15 epochs, some 900 steps of bench/train_speech.py."""
NOTHING = -1
"""Fills up letters that were heard."""


class SpokenText(NamedTuple):
    """A recording and what is said in it."""

    recording: StoredRecording
    letters: list[int]
    """Indices of those that are learnt."""
    reference: list[int]
    """Code points of the transcript as it is judged, one of a letter that cannot be learnt included."""


class Ctc(Objective[SpokenText]):
    """Connectionist temporal classification; a recording weighs as much as it has letters.

    Letters are those of the training data, spelled by the normaliser of the run. A recording in which the network tells
    fewer moments apart than its letters need has no probability at all; it is set aside before the training.

    Args:
        run: the training.
        body: gives one vector a moment.
    """

    head = (HEAD,)
    made_from_rows = True

    def __init__(self, run: TrainingRun, body: AudioBody) -> None:
        self.body, self.run = body, run
        self.head_config = _head_config(run, body.head_config)
        self.collate_threads, self.lora_targets, self.layout = body.collate_threads, body.lora_targets, body.layout
        self.default_lr, self.head_lr = body.lr, body.head_lr
        self.micro_batch_size = body.micro_batch_size or self.micro_batch_size
        self.evaluation_batch_size = body.evaluation_batch_size or self.evaluation_batch_size
        if not body.pretrained:
            self.default_lr, self.auto_steps = body.scratch_lr, body.scratch_steps or self.auto_steps
        elif self.head_config is not body.head_config:
            self.auto_steps = NEW_LETTERS_STEPS
        note_new_head(run, self.head_config, body.head_config)
        self.module = Network(body.module, body.head_for(self.head_config), body.frames)

    def features(self, examples: Sequence[Example]) -> list[SpokenText | Rejected]:
        """Decode, and spell."""
        encoded = self.body.encode([example.input for example in examples])
        return [
            one if isinstance(one, Rejected) else self._spoken(one, example.target)
            for one, example in zip(encoded, examples, strict=True)
        ]

    def _spoken(self, recording: StoredRecording, transcript: str) -> SpokenText | Rejected:
        letters = indices(transcript, self.head_config)
        if not letters:
            return Rejected(f"the transcript {transcript!r} has no letter that can be learnt")
        moments, needed = self.body.moments(recording.frames), moments_needed(letters)
        if moments < needed:
            return Rejected(
                f"{counted(len(letters), 'letter', 'need')} {needed:,} moments, and the network tells {moments:,} "
                f"apart in {moments * self.body.seconds_a_moment:.2f} s; is it the text of another recording?"
            )
        reference = normalized(transcript, self.head_config.normalizer)
        known = set(self.head_config.labels)
        return SpokenText(recording, letters, [ord(one if one in known else UNKNOWN) for one in reference])

    def length(self, features: SpokenText) -> int:
        """Frames."""
        return self.body.length(features.recording)

    def begin(self) -> None:
        """Let the body leave out what none of the features needs."""
        self.body.begin()

    def collate(self, features: Sequence[SpokenText], seeds: Sequence[int], *, training: bool) -> Batch:
        """Recordings and their letters.

        Returns:
            The body's batch; `letters` (batch, letters), filled up with blanks, and `counts` (batch,); in an evaluation
            `references` (batch, letters), code points filled up with -1.
        """
        batch = self.body.collate([one.recording for one in features], seeds, training=training)
        letters = [torch.tensor(one.letters) for one in features]
        batch |= {
            LETTERS: nn.utils.rnn.pad_sequence(letters, batch_first=True, padding_value=BLANK),
            COUNTS: torch.tensor([len(one.letters) for one in features]),
        }
        if not training:
            references = [torch.tensor(one.reference) for one in features]
            batch[REFERENCES] = nn.utils.rnn.pad_sequence(references, batch_first=True, padding_value=NOTHING)
        return batch

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Minus the log-probability of each transcript over its letters, in nats, shape (batch,)."""
        inputs = {name: batch[name] for name in batch if name not in (LETTERS, COUNTS, REFERENCES)}
        logits: torch.Tensor = module(**inputs)
        chances = logits.float().log_softmax(-1)
        moments, counts = self.body.moments(batch[LENGTHS]), batch[COUNTS]
        of_texts = nn.functional.ctc_loss(
            chances.transpose(0, 1), batch[LETTERS], moments, counts, blank=BLANK, reduction="none"
        )
        losses = of_texts / counts
        figures: dict[str, torch.Tensor] = {}
        if REFERENCES in batch:
            best = chances.detach().argmax(-1)
            outside = torch.arange(best.shape[1], device=best.device) >= moments.to(best.device)[:, None]
            figures = {
                "best": best.masked_fill(outside, BLANK),
                "references": batch[REFERENCES],
                "loss": losses.detach(),
                "counts": counts,
            }
        return Output(losses, figures, weights=counts.float())

    def metrics(self) -> TranscriptMetrics:
        """Word error rate and character error rate, and mean loss of a letter."""
        return TranscriptMetrics()

    def update_metrics(self, metrics: TranscriptMetrics, output: Output, count: int) -> None:
        """Compare what the likeliest letters make with what was said."""
        columns = [values[:count].tolist() for values in output.for_metrics.values()]
        labels, normalizer = self.head_config.labels, self.head_config.normalizer
        for best, reference, loss, letters in zip(*columns, strict=True):
            said = "".join(chr(one) for one in reference if one != NOTHING)
            heard = "".join(labels[number] for number in collapsed(best))
            metrics.update(said, heard, normalizer="none", spelled_by=normalizer, loss=loss, weight=letters)

    def export(self, module: nn.Module, folder: Path) -> None:
        """Write what the body's own ecosystem loads."""
        assert isinstance(module, Network)
        self.body.end()
        self.body.save(folder, module.state_for(self.layout), self.head_config)


def _head_config(run: TrainingRun, before: HeadConfig | None) -> HeadConfig:
    """The head of the weights, where it can write all of the training data; else one for their letters."""
    options: Any = run.options
    chosen = options.normalizer or (before.normalizer if before and before.problem_type == SPEECH else "words")
    new = letters_of((example.target for example in run.train), chosen)
    if before and before.problem_type == SPEECH and before.normalizer == chosen and {*new.labels} <= {*before.labels}:
        return before
    return new
