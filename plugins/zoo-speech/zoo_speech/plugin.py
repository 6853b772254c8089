"""What zoo finds: the hooks. Importing this costs nothing; torch arrives in the hook bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import zoo
from zoo_speech import cards as deepspeech
from zoo_speech import wav2vec2_cards as wav2vec2
from zoo_speech import whisper_cards as whisper

if TYPE_CHECKING:
    from zoo import Card, PredictionRun, Predictor, Trainable, TrainingRun, Weights
    from zoo.training.audio import AudioBody


@zoo.hookimpl
def cards() -> tuple[Card, ...]:
    """Describe the models."""
    return (*deepspeech.CARDS, *wav2vec2.CARDS, *whisper.CARDS)


@zoo.hookimpl
def card_for(name: str, config: dict[str, Any], weights: Weights, documents: dict[str, Any]) -> Card | None:
    """Describe a model of the Hub that hears."""
    if config.get("model_type") == whisper.FAMILY:
        return whisper.describe(name, config, weights)
    return wav2vec2.describe(name, config, weights, documents)


@zoo.hookimpl
def body(run: TrainingRun | PredictionRun) -> AudioBody | None:
    """What every task is learnt on, and answered with; Whisper is whole."""
    if run.card.family == whisper.FAMILY:
        return None
    if run.card.family in wav2vec2.MODEL_TYPES:
        from zoo_speech.wav2vec2_body import Wav2Vec2Body

        return Wav2Vec2Body(run)
    from zoo_speech.body import DeepSpeechBody

    return DeepSpeechBody(run)


@zoo.hookimpl
def finetune(run: TrainingRun) -> Trainable | None:
    """What teaches Whisper; all others learn the task on their body."""
    if run.card.family != whisper.FAMILY:
        return None
    import torch

    from zoo_speech.whisper_finetuning import SpeechToText

    torch.manual_seed(run.options.seed)
    return SpeechToText(run)


@zoo.hookimpl
def predict(run: PredictionRun) -> Predictor | None:
    """What writes down what is said with Whisper; all others answer by their body."""
    if run.card.family != whisper.FAMILY:
        return None
    from zoo_speech.whisper_answering import WhisperPredictor

    return WhisperPredictor(run)
