"""What can be chosen where Whisper listens, and where it learns."""

from __future__ import annotations

from typing import Annotated

from zoo import AudioFinetuneOptions, AudioPredictOptions, option


class WhisperPredictOptions(AudioPredictOptions, frozen=True, kw_only=True):
    """Options of writing down with Whisper."""

    language: Annotated[
        str | None,
        option(
            "What is spoken, as a code of ISO 639-1: en, de; auto is what the model was taught, else what it hears in "
            "the first 30 seconds."
        ),
    ] = None
    translate: Annotated[bool, option("Write in English, whatever is spoken; of models of many languages.")] = False


class WhisperFinetuneOptions(AudioFinetuneOptions, frozen=True, kw_only=True):
    """Options of fine-tuning Whisper."""

    language: Annotated[
        str | None,
        option("What is spoken, as a code of ISO 639-1: en, de; models of many languages have to know it."),
    ] = None
    spec_augment: Annotated[
        bool,
        option("Training sees recordings without some bands of time and pitch (SpecAugment, Park et al. 2019)."),
    ] = False
