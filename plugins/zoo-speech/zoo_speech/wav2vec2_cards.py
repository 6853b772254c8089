"""Cards of wav2vec 2.0 and networks like it: small ones from random numbers, and any of the Hub."""

from __future__ import annotations

from typing import Any, NamedTuple

from zoo import (
    Ability,
    AudioInput,
    AudioPredictOptions,
    Card,
    LetterPredictOptions,
    Unsupported,
    Weights,
    body_tasks,
    hub_labels,
    hub_weights,
)
from zoo_speech.wav2vec2_options import Wav2Vec2FinetuneOptions, Wav2Vec2PretrainOptions

PAPER = "https://arxiv.org/abs/2006.11477"
SAMPLING_RATE = 16_000
"""In Hz."""
MODEL_TYPES = ("hubert", "wav2vec2", "wavlm")
"""Architectures that hear samples by the same convolutions and transformer."""
PREPROCESSOR, VOCABULARY = "preprocessor_config.json", "vocab.json"
_FILES = ("config.json", PREPROCESSOR, VOCABULARY, "tokenizer_config.json", "special_tokens_map.json")
_TASKS = body_tasks("recording", "frames", "pooled")
_PREDICTED = {"ForCTC": "automatic-speech-recognition", "ForSequenceClassification": "audio-classification"}
"""Endings of transformers' names of networks with a head, and what they answer."""
_HEADLESS = ("ForPreTraining", "Model")
FEATURES = "audio-feature-extraction"
"""What a network without head answers."""
_FINETUNE = tuple(Ability(verb="finetune", task=task, options=Wav2Vec2FinetuneOptions) for task in _TASKS)
_PRETRAIN = Ability(verb="pretrain", task=FEATURES, options=Wav2Vec2PretrainOptions)
QUANTISING = "wav2vec2"
"""The architecture that transformers has codebooks for."""


class _Size(NamedTuple):
    name: str
    what: str
    parameters: int
    """Of the network and 29 outputs."""
    channels: tuple[int, ...]
    """Of each of the seven convolutions."""
    width: int
    layers: int
    heads: int
    positions: int
    """Moments that the convolution sees which stands for positions."""


_SIZES = (
    _Size(
        "wav2vec2-tiny",
        "wav2vec 2.0 with 4 layers of 128 units, for minutes of speech",
        1_001_917,
        (32, 64, 64, 96, 96, 128, 128),
        128,
        4,
        4,
        32,
    ),
    _Size(
        "wav2vec2-small",
        "wav2vec 2.0 with 6 layers of 384 units, for hours of speech",
        12_569_949,
        (64, 128, 128, 256, 256, 256, 256),
        384,
        6,
        6,
        64,
    ),
)


def _architecture(size: _Size) -> dict[str, Any]:
    """Entries of transformers' `Wav2Vec2Config`."""
    return {
        "hidden_size": size.width,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "intermediate_size": 4 * size.width,
        "conv_dim": list(size.channels),
        "num_conv_pos_embeddings": size.positions,
        "num_conv_pos_embedding_groups": 8,
        "do_stable_layer_norm": True,
        "codevector_dim": size.width,
        "proj_codevector_dim": size.width,
        "classifier_proj_size": size.width,
        "num_codevectors_per_group": size.width,
    }


def _card(size: _Size) -> Card:
    return Card(
        name=size.name,
        task="automatic-speech-recognition",
        family="wav2vec2",
        summary=f"{size.what}, from random numbers",
        parameters=size.parameters,
        architecture=_architecture(size),
        input=AudioInput(sampling_rate=SAMPLING_RATE),
        license="Apache-2.0",
        paper=PAPER,
        abilities=(
            *_FINETUNE,
            _PRETRAIN,
            Ability(verb="predict", task="automatic-speech-recognition", options=LetterPredictOptions),
        ),
    )


CARDS = tuple(map(_card, _SIZES))


def describe(name: str, config: dict[str, Any], weights: Weights, documents: dict[str, Any]) -> Card | None:
    """The card of a model of the Hub; None where it is of another architecture.

    Args:
        name: of the card.
        config: content of `config.json`.
        weights: all files of the repository.
        documents: the small configuration files, by name.

    Raises:
        Unsupported: files are missing, or it is a variant that is not computed here.
    """
    model_type = config.get("model_type")
    if model_type not in MODEL_TYPES:
        return None
    saved_from = str(next(iter(config.get("architectures") or ()), ""))
    files = {file.name: file for file in weights.files}
    task = next((task for ending, task in _PREDICTED.items() if saved_from.endswith(ending)), FEATURES)
    _check(name, saved_from, task, config, files, documents)
    options = LetterPredictOptions if task == _PREDICTED["ForCTC"] else AudioPredictOptions
    pretrain = (_PRETRAIN,) if model_type == QUANTISING else ()
    taken = hub_weights(name, weights, optional=_FILES)
    return Card(
        name=name,
        task=task,
        family=str(model_type),
        summary=f"{saved_from} from the Hub, computed by transformers",
        architecture={"class": saved_from},
        input=AudioInput(sampling_rate=int((documents.get(PREPROCESSOR) or {}).get("sampling_rate", SAMPLING_RATE))),
        abilities=(*_FINETUNE, *pretrain, Ability(verb="predict", task=task, options=options)),
        weights=taken,
        labels=hub_labels(name, config) if task == "audio-classification" else (),
    )


def _check(
    name: str, saved_from: str, task: str, config: dict[str, Any], files: dict[str, Any], documents: dict[str, Any]
) -> None:
    if task == FEATURES and not saved_from.endswith(_HEADLESS):
        known = ", ".join(f"...{ending}" for ending in (*_PREDICTED, *_HEADLESS))
        raise Unsupported(f"{name} is a {saved_from}, which nothing here answers with", f"zoo takes {known}")
    if config.get("adapter_attn_dim") or config.get("add_adapter"):
        raise Unsupported(f"{name} has adapters, one for each language or on top", "choose a model without")
    if task == "automatic-speech-recognition":
        if VOCABULARY not in files:
            raise Unsupported(f"{name} lacks {VOCABULARY}, which names its letters", "choose a model that has it")
        tokenizer = str((documents.get("tokenizer_config.json") or {}).get("tokenizer_class", ""))
        if "Phoneme" in tokenizer:
            raise Unsupported(f"{name} writes phonemes ({tokenizer}), not letters", "choose another model")
