"""The models: Deep Speech as published, and smaller."""

from __future__ import annotations

from typing import NamedTuple

from zoo import Ability, AudioFinetuneOptions, AudioInput, Card, LetterPredictOptions, body_tasks

PAPER = "https://arxiv.org/abs/1412.5567"
SAMPLING_RATE = 16_000
"""In Hz."""
BANDS, OUTPUTS = 80, 29
"""Bands of pitch (section 2 of the paper takes 80), and outputs of which `parameters` is: 26 letters, blank, apostrophe
and the space."""
ARCHITECTURE = ("bands", "context", "width")
_TASKS = body_tasks("recording", "frames", "pooled")


_ABILITIES = (
    *(Ability(verb="finetune", task=task, options=AudioFinetuneOptions) for task in _TASKS),
    Ability(verb="predict", task="automatic-speech-recognition", options=LetterPredictOptions),
)


class _Size(NamedTuple):
    name: str
    width: int
    context: int
    """Spectra on either side that the first layer sees."""
    what: str

    @property
    def parameters(self) -> int:
        """Of the dense layers, those of both directions of the recurrent one, and the outputs."""
        seen = (2 * self.context + 1) * BANDS
        dense = (seen + 1) * self.width + 3 * (self.width + 1) * self.width
        return dense + 2 * (2 * self.width + 2) * self.width + (self.width + 1) * OUTPUTS


_SIZES = (
    _Size("deepspeech", 2_048, 9, "Deep Speech as published: five layers of 2,048 units"),
    _Size("deepspeech-small", 512, 9, "Deep Speech with 512 units a layer, for hours of speech"),
    _Size("deepspeech-tiny", 128, 5, "Deep Speech with 128 units a layer, for minutes of speech"),
)


def _card(size: _Size) -> Card:
    return Card(
        name=size.name,
        task="automatic-speech-recognition",
        family="deepspeech",
        summary=f"{size.what}, from random numbers",
        parameters=size.parameters,
        architecture={"bands": BANDS, "context": size.context, "width": size.width},
        input=AudioInput(sampling_rate=SAMPLING_RATE),
        license="Apache-2.0",
        paper=PAPER,
        abilities=_ABILITIES,
        recommended_for=_TASKS if size.name == "deepspeech-tiny" else (),
    )


CARDS = tuple(map(_card, _SIZES))
