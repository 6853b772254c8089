"""What can be chosen where Whisper listens."""

from __future__ import annotations

from typing import Annotated

from zoo import AudioPredictOptions, option


class WhisperPredictOptions(AudioPredictOptions, frozen=True, kw_only=True):
    """Options of writing down with Whisper."""

    language: Annotated[
        str | None,
        option("What is spoken, as a code of ISO 639-1: en, de; auto is what the model hears in the first 30 seconds."),
    ] = None
    translate: Annotated[bool, option("Write in English, whatever is spoken; of models of many languages.")] = False
