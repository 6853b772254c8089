"""Predicting: what is said in recordings, or what is heard in them; long ones are heard in windows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import nn

from zoo.answers import Embedding, Prediction, Rejected, Segment, TimedText, Transcript
from zoo.errors import OptionInvalid, Unsupported
from zoo.kinds.kind import Unusable
from zoo.kinds.recording_decoding import read_recording
from zoo.prefetch import prefetched
from zoo.tasks.options import FEW_LABELS
from zoo.tasks.task import FRAMES
from zoo.training.audio.beams import word_beams
from zoo.training.audio.body import SEEN, AudioBody, batch_of
from zoo.training.audio.letters import FollowingText, Spelled, segments_of, spelled, text_of
from zoo.training.audio.sources import sound_blocks
from zoo.training.head import SPEECH, HeadConfig
from zoo.training.media_store import THREADS
from zoo.training.objective import Batch
from zoo.training.objectives import pooled_objective
from zoo.training.precisions import DTYPES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zoo.runs.context import PredictionRun, Predictor

    Samples = NDArray[np.float32]

Network = Callable[[Batch], torch.Tensor]
WINDOW_S, MARGIN_S = 30.0, 2.0
"""Seconds heard at once, and how many at either end are heard for what is in between alone."""
AHEAD = 4
"""Recordings per thread that are decoded ahead of the model."""


class Window(NamedTuple):
    """A part of a recording."""

    samples: Samples
    start: float
    """Of the samples in the recording, in seconds."""
    kept: tuple[float, float]
    """From when to when what is heard counts, likewise."""


class RecognitionPredictor:
    """The likeliest letter at each moment, or the likeliest words of a list or a language model.

    Args:
        run: its options are `zoo.AudioPredictOptions`.
        body: of the weights.
        network: what computes in the place of body and head, from batches to a score of each letter at each moment.
    """

    def __init__(self, run: PredictionRun, body: AudioBody, network: Network | None = None) -> None:
        if body.head_config is None or body.head_config.problem_type != SPEECH:
            raise Unsupported(f"{run.card.name} has no head for {run.task.name}", "fine-tune it first")
        self._device, self._dtype = torch.device(run.device), DTYPES[run.precision]
        self._body, self._head_config = body, body.head_config
        self._network = network or self._own_network()
        self._batch_size: int = run.options.batch_size
        self._beams = word_beams(run.options, self._head_config)

    def _own_network(self) -> Network:
        """Body and head."""
        module = self._body.module.to(self._device, self._dtype).eval()
        head = self._body.head_for(self._head_config).to(self._device, self._dtype).eval()
        return lambda batch: head(self._body.frames(module, batch))

    def predict(self, inputs: list[Any]) -> list[Prediction]:
        """Answer every recording, in order; one that cannot be read is rejected in its place."""
        letters: list[list[Spelled]] = [[] for _ in inputs]
        reasons: dict[int, str] = {}
        waiting: list[tuple[int, Window]] = []
        rate = self._body.sampling_rate
        for number, source in enumerate(inputs):
            try:
                for window in windows_of(sound_blocks(source, rate), rate):
                    waiting.append((number, window))
                    if len(waiting) == self._batch_size:
                        self._hear(waiting, letters)
                        waiting = []
            except Unusable as error:
                reasons[number] = str(error)
        self._hear(waiting, letters)
        return [
            Rejected(reasons[number]) if number in reasons else self._answer(of_one)
            for number, of_one in enumerate(letters)
        ]

    def stream(self, input: Any) -> Iterator[str | Prediction]:
        """What is said in each window as it is heard, divided where nobody speaks, then the answer."""
        letters: list[Spelled] = []
        rate, following = self._body.sampling_rate, FollowingText()
        try:
            for window in windows_of(sound_blocks(input, rate), rate):
                heard = self._letters([window])[0]
                begin = 0
                for segment in segments_of(heard):
                    end = heard.index(segment[-1], begin) + 1
                    yield TimedText(following.add(heard[begin:end]), segment[0].start)
                    begin = end
                following.add(heard[begin:])  # at most a blank
                letters += heard
        except Unusable as error:
            yield Rejected(str(error))
            return
        yield self._answer(letters)

    def _answer(self, letters: Sequence[Spelled]) -> Transcript:
        segments = tuple(
            Segment(round(one[0].start, 3), round(max(letter.end for letter in one), 3), text_of(one))
            for one in segments_of(letters)
        )
        normalizer = self._head_config.normalizer
        return Transcript(
            text=text_of(letters), segments=segments, normalizer="" if normalizer == "words" else normalizer
        )

    def _hear(self, waiting: Sequence[tuple[int, Window]], letters: list[list[Spelled]]) -> None:
        if waiting:
            heard = self._letters([window for _, window in waiting])
            for (number, _), of_window in zip(waiting, heard, strict=True):
                letters[number] += of_window

    def _letters(self, windows: Sequence[Window]) -> list[list[Spelled]]:
        seen = [self._body.prepare(window.samples) for window in windows]
        batch = {name: tensor.to(self._device) for name, tensor in batch_of(seen).items()}
        batch[SEEN] = batch[SEEN].to(self._dtype)
        with torch.inference_mode():
            outputs = self._network(batch).float().cpu()
        return [
            [
                letter
                for letter in self._spelled(row[: self._body.moments(len(one))], window.start)
                if window.kept[0] <= (letter.start + letter.end) / 2 < window.kept[1]
            ]
            for row, one, window in zip(outputs, seen, windows, strict=True)
        ]

    def _spelled(self, outputs: torch.Tensor, start: float) -> list[Spelled]:
        """The letters of a window that begins so many seconds into its recording; `outputs` is (moments, letters)."""
        step = self._body.seconds_a_moment
        if self._beams is None:
            return spelled(outputs.argmax(-1).tolist(), self._head_config, start, step)
        return self._beams.spelled(outputs.log_softmax(-1).numpy(), start, step)


def windows_of(blocks: Iterator[Samples], rate: int) -> Iterator[Window]:
    """Windows of `WINDOW_S` that overlap by twice the margin; each moment counts in one of them.

    Args:
        blocks: of a recording, in order, of any lengths.
        rate: samples a second.
    """
    size, margin = round(WINDOW_S * rate), round(MARGIN_S * rate)
    pending = np.zeros(0, np.float32)
    start = 0
    for block in blocks:
        pending = np.concatenate([pending, block])
        while len(pending) > size:
            first = start + margin if start else 0
            kept = (first / rate, (start + size - margin) / rate)
            yield Window(pending[:size], start / rate, kept)
            pending = pending[size - 2 * margin :]
            start += size - 2 * margin
    if len(pending):
        yield Window(pending, start / rate, ((start + margin if start else 0) / rate, float("inf")))


class RecordingPredictor(ABC):
    """Decode in threads, compute the mean over each recording in batches, keep the order.

    Args:
        run: its options are `zoo.AudioPredictOptions`.
        body: of the weights.
        network: what computes in the place of body and head, from batches to what is answered from.
    """

    def __init__(self, run: PredictionRun, body: AudioBody, network: Network | None = None) -> None:
        self.device, self.dtype = torch.device(run.device), DTYPES[run.precision]
        self._body = body
        self._pooled = network or self._own_network()
        self._batch_size: int = run.options.batch_size

    def predict(self, inputs: list[Any]) -> list[Prediction]:
        """Answer every recording, in order; one that cannot be read is rejected in its place."""
        prepared = list(prefetched(self._prepared, inputs, threads=THREADS, ahead=AHEAD * THREADS))
        usable = [one for one in prepared if not isinstance(one, Rejected)]
        answers = iter(
            [
                answer
                for start in range(0, len(usable), self._batch_size)
                for answer in self._compute(usable[start : start + self._batch_size])
            ]
        )
        return [one if isinstance(one, Rejected) else next(answers) for one in prepared]

    def _own_network(self) -> Network:
        """The body."""
        module = self._body.module.to(self.device, self.dtype).eval()
        return lambda batch: self._body.pooled(module, batch)

    def _prepared(self, source: Any) -> Samples | Rejected:
        samples = read_recording(source, self._body.sampling_rate)
        return samples if isinstance(samples, Rejected) else self._body.prepare(samples)

    def _compute(self, seen: list[Samples]) -> list[Prediction]:
        batch = {name: tensor.to(self.device) for name, tensor in batch_of(seen).items()}
        batch[SEEN] = batch[SEEN].to(self.dtype)
        with torch.inference_mode():
            return self.answers(self._pooled(batch))

    @abstractmethod
    def answers(self, pooled: torch.Tensor) -> list[Prediction]:
        """Answer a batch from the mean of each recording, shape (batch, width)."""


class SoundPredictor(RecordingPredictor):
    """What a head says of the mean over a recording, read as the task learns it.

    Args:
        run: its options are `zoo.AudioPredictOptions`, and may have `top_k`.
        body: of the weights.
        network: what computes in the place of body and head.
    """

    def __init__(self, run: PredictionRun, body: AudioBody, network: Network | None = None) -> None:
        if body.head_config is None or body.head_config.problem_type == SPEECH:
            raise Unsupported(f"{run.card.name} has no head for {run.task.name}", "fine-tune it first")
        for name in ("words", "language_model"):
            if getattr(run.options, name, ""):
                raise OptionInvalid(f"--{name.replace('_', '-')} has no effect on {run.task.name}", "leave it out")
        super().__init__(run, body, network)
        self._objective = pooled_objective(run.task)
        self._head_config: HeadConfig = body.head_config.with_options(run.options)
        head = nn.Identity() if network else body.head_for(body.head_config)
        self._head = head.to(self.device, self.dtype).eval()
        self._top_k: int = getattr(run.options, "top_k", None) or FEW_LABELS

    def answers(self, pooled: torch.Tensor) -> list[Prediction]:
        """By the head."""
        return self._objective.answers(self._head(pooled).float(), self._head_config, self._top_k)


class EmbeddingPredictor(RecordingPredictor):
    """The mean over a recording itself."""

    def answers(self, pooled: torch.Tensor) -> list[Prediction]:
        """One vector of shape (width,) a recording."""
        return [Embedding(tuple(vector)) for vector in pooled.float().tolist()]


def predictor_on(body: AudioBody, run: PredictionRun, network: Network | None = None) -> Predictor:
    """What answers the task of a run with a body.

    Args:
        body: of the weights.
        run: a prediction.
        network: what computes in the place of that of the body, its head included.
    """
    if run.task.needs >= FRAMES:
        return RecognitionPredictor(run, body, network)
    return (EmbeddingPredictor if issubclass(run.task.answer, Embedding) else SoundPredictor)(run, body, network)
