"""Models of sound for other libraries: a network from what it sees of recordings to what is answered from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from zoo.answers import Embedding
from zoo.errors import Unsupported
from zoo.tasks.task import FRAMES
from zoo.training.audio.answering import predictor_on
from zoo.training.audio.body import LENGTHS, SEEN
from zoo.training.head import SPEECH, HeadConfig
from zoo.training.objective import Batch
from zoo.training.objectives import pooled_objective
from zoo.training.portable.answers import VECTORS, head_facts, printed
from zoo.training.portable.network import Compute, Portable, PortableInput, Usage

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun, Predictor
    from zoo.training.audio.body import AudioBody

EXAMPLE = (2, 1.0)
"""Recordings that torch follows the network with, and seconds of the longer one."""
_SAMPLES = """samples, rate = soundfile.read("a.wav", dtype="float32")  # of one channel
assert rate == facts["sampling_rate"]
{normalise}lengths = np.array([samples.size], np.int64)
seen = samples[None].astype(np.float32)"""
_NORMALISE = "samples = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)\n"
_LETTERS = """best = logits[0].argmax(-1)
print("".join(facts["labels"][number] for number, _ in groupby(best) if number))"""


class PortableRecordings(Portable):
    """A body of sound that hears samples, and the head of its weights.

    Args:
        run: a prediction on the CPU in fp32.
        body: of the weights.
        normalised: whether recordings have mean 0 and standard deviation 1.
        least: samples that there must be.

    Raises:
        Unsupported: the weights have no head for the task.
    """

    def __init__(self, run: PredictionRun, body: AudioBody, *, normalised: bool, least: int) -> None:
        self._run, self._body, self._normalised, self._least = run, body, normalised, least
        self._head_config = _head_of(body, run)
        head = nn.Identity() if self._head_config is None else body.head_for(self._head_config)
        self.module = _Whole(body.module, head, body.frames if run.task.needs >= FRAMES else body.pooled)
        if self._head_config is None:
            self.output = "vectors"
        count, seconds = EXAMPLE
        samples = max(2 * least, round(seconds * body.sampling_rate))
        self.inputs = (
            PortableInput(SEEN, torch.zeros(count, samples), {0: "batch", 1: "samples"}, least),
            PortableInput(LENGTHS, torch.tensor([samples, samples // 2]), {0: "batch"}),
        )

    def predictor(self, compute: Compute, folder: Path) -> Predictor:
        """The usual one, with a network that is computed elsewhere."""

        def outputs(batch: Batch) -> torch.Tensor:
            lacking = max(0, self._least - batch[SEEN].shape[1])
            return compute(nn.functional.pad(batch[SEEN], (0, lacking)), batch[LENGTHS])

        return predictor_on(self._body, self._run, outputs)

    def facts(self) -> dict[str, Any]:
        """Labels, and what is heard."""
        return head_facts(self._head_config) | {
            "sampling_rate": self._body.sampling_rate,
            "normalised": self._normalised,
            "fewest_samples": self._least,
            **({"seconds_a_moment": self._body.seconds_a_moment} if self._run.task.needs >= FRAMES else {}),
        }

    def usage(self) -> Usage:
        """With soundfile."""
        before = _SAMPLES.format(normalise=_NORMALISE if self._normalised else "")
        if self._head_config is None:
            return Usage("import soundfile", before, VECTORS)
        if self._head_config.problem_type != SPEECH:
            return Usage("import soundfile", before, printed(self._head_config))
        remark = "zoo hears recordings of more than 30 s in windows."
        return Usage("import soundfile\nfrom itertools import groupby", before, _LETTERS, remark)


class _Whole(nn.Module):
    """Body and head."""

    def __init__(self, body: nn.Module, head: nn.Module, vectors: Callable[[nn.Module, Batch], torch.Tensor]) -> None:
        super().__init__()
        self.body, self.head, self._vectors = body, head, vectors

    def forward(self, seen: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """From samples, filled up with zeros, and how many of each are none of these."""
        outputs: torch.Tensor = self.head(self._vectors(self.body, {SEEN: seen, LENGTHS: lengths}))
        return outputs


def _head_of(body: AudioBody, run: PredictionRun) -> HeadConfig | None:
    """What the head of the weights is for; None where vectors are the answer.

    Raises:
        Unsupported: there is none for the task.
    """
    if issubclass(run.task.answer, Embedding):
        return None
    speech = run.task.needs >= FRAMES
    if not speech:
        pooled_objective(run.task)
    if body.head_config is None or (body.head_config.problem_type == SPEECH) != speech:
        raise Unsupported(f"{run.card.name} has no head for {run.task.name}", "fine-tune it first")
    return body.head_config
