"""Predicting with Whisper: windows of several recordings are heard at once, each from where its last segment ended."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import torch

from zoo import Prediction, PredictionRun, Rejected, Segment, TimedText, Transcript, Unusable
from zoo.training import prefetched
from zoo.training.audio import sound_blocks
from zoo.training.precisions import DTYPES
from zoo.training.pretrained import WeightsReader, read_json
from zoo_speech.whisper_features import SAMPLING_RATE, STEP, MelBands, RecordingSpectra, WindowOfSpectra
from zoo_speech.whisper_folder import model_folder
from zoo_speech.whisper_network import Decoder, Encoder, WhisperShape
from zoo_speech.whisper_tokens import TIME_S, WhisperTokens
from zoo_speech.whisper_writing import write

THREADS = 4
"""That open recordings ahead of the model."""


class _Hearing:
    """A recording that is being heard.

    Args:
        spectra: of it.
        language_id: what is spoken; None where that is not known yet, or no matter.
    """

    def __init__(self, spectra: RecordingSpectra, language_id: int | None) -> None:
        self._spectra, self.language_id = spectra, language_id
        self.segments: list[Segment] = []
        self.texts: list[str] = []
        """Of the segments, with the blanks between them."""
        self.rejected: Rejected | None = None
        self.window: WindowOfSpectra | None = None
        """To be heard next; None at the end."""
        self.skip(0)

    def skip(self, frames: int) -> None:
        """Go on after so many spectra."""
        self._spectra.skip(frames)
        try:
            self.window = self._spectra.window()
        except Unusable as error:
            self.rejected, self.window = Rejected(str(error)), None

    @property
    def offset_s(self) -> float:
        """Where the window begins."""
        return self._spectra.at * STEP / SAMPLING_RATE

    def close(self) -> None:
        """Hear no more."""
        self._spectra.close()


class WhisperPredictor:
    """Writes down what is said, with times.

    Args:
        run: its options are `WhisperPredictOptions`.
    """

    def __init__(self, run: PredictionRun) -> None:
        self._device, self._dtype = torch.device(run.device), DTYPES[run.precision]
        self._batch_size: int = run.options.batch_size
        self.folder = folder = model_folder(run)
        """The weights as transformers has them."""
        config = read_json(folder / "config.json")
        shape = WhisperShape.of(config)
        self._tokens = WhisperTokens(folder)
        self._language_id = self._tokens.language_id(run.options.language, run.card.name)
        self._task_id = self._tokens.task_id(run.card.name, translate=run.options.translate)
        self._bands = MelBands(shape.bands)
        with WeightsReader(folder, "model.") as weights:
            tied = config.get("tie_word_embeddings", True)
            self._encoder = Encoder(shape, weights, self._device, run.precision)
            self._decoder = Decoder(shape, weights, self._device, run.precision, tied=tied)

    def predict(self, inputs: list[Any]) -> list[Prediction]:
        """Answer every recording, in order; one that cannot be read is rejected in its place."""
        answers: list[Prediction | None] = [None] * len(inputs)
        opened = enumerate(prefetched(self._opened, inputs, threads=THREADS, ahead=self._batch_size))
        going: list[tuple[int, _Hearing]] = []
        try:
            while True:
                going += islice(opened, self._batch_size - len(going))
                if not going:
                    return [answer for answer in answers if answer is not None]
                for number, hearing in going:
                    if hearing.window is None:
                        answers[number] = self._answer(hearing)
                        hearing.close()
                going = [(number, hearing) for number, hearing in going if hearing.window is not None]
                if going:
                    self._hear([hearing for _, hearing in going])
        finally:
            for _, hearing in going:
                hearing.close()

    def stream(self, input: Any) -> Iterator[str | Prediction]:
        """The segments of each window as it is heard, then the answer."""
        with contextlib.closing(self._opened(input)) as hearing:
            while hearing.window is not None:
                before = len(hearing.segments)
                self._hear([hearing])
                for number, segment in enumerate(hearing.segments[before:], before):
                    text = hearing.texts[number]
                    yield TimedText(text if number else text.lstrip(), segment.start)
            yield self._answer(hearing)

    def _opened(self, source: Any) -> _Hearing:
        blocks = sound_blocks(source, SAMPLING_RATE)
        return _Hearing(RecordingSpectra(self._bands, blocks), self._language_id)

    def _answer(self, hearing: _Hearing) -> Prediction:
        if hearing.rejected is not None:
            return hearing.rejected
        language = self._tokens.code(hearing.language_id)
        normalizer = self._tokens.normalizer
        return Transcript(
            text="".join(hearing.texts).strip(),
            segments=tuple(hearing.segments),
            language=language,
            normalizer="" if normalizer == "words" else normalizer,
        )

    def _hear(self, hearings: Sequence[_Hearing]) -> None:
        """One window of each."""
        windows = [hearing.window for hearing in hearings if hearing.window is not None]
        with torch.inference_mode():
            features = torch.stack([window.features for window in windows]).to(self._device, self._dtype)
            self._decoder.begin(self._encoder(features))
            texts = write(self._decoder, self._tokens, self._beginning(hearings), self._tokens.most_written)
        for hearing, window, ids in zip(hearings, windows, texts, strict=True):
            segments, heard = self._tokens.segments(ids, window.frames)
            for one in segments:
                text = self._tokens.text(one.ids)
                if text.strip():
                    start, end = (round(hearing.offset_s + at * TIME_S, 2) for at in (one.start, one.end))
                    hearing.segments.append(Segment(start, end, text.strip()))
                    hearing.texts.append(text)
            hearing.skip(heard)

    def _beginning(self, hearings: Sequence[_Hearing]) -> torch.Tensor:
        """Scores of the first token of a text; what is spoken is found out where that is to be."""
        tokens = self._tokens
        scores = self._decoder.step(torch.full((len(hearings),), tokens.start, device=self._device))
        if self._task_id is None:
            return scores
        languages = torch.tensor(sorted(tokens.languages.values()), device=self._device)
        likeliest = languages[scores[:, languages].argmax(-1)].tolist()
        for hearing, number in zip(hearings, likeliest, strict=True):
            hearing.language_id = number if hearing.language_id is None else hearing.language_id
        self._decoder.step(torch.tensor([hearing.language_id for hearing in hearings], device=self._device))
        return self._decoder.step(torch.full((len(hearings),), self._task_id, device=self._device))
