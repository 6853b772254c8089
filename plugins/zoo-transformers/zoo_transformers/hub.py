"""Cards for models of the Hub, made of what their configuration says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from zoo import (
    Ability,
    Card,
    TextInput,
    Unsupported,
    Weights,
    body_tasks,
    hub_labels,
    hub_max_tokens,
    hub_pooling,
    hub_weights_files,
    problem_type,
)
from zoo_transformers import image_cards, network_cards
from zoo_transformers.entailment_labels import entailment_index
from zoo_transformers.installed import classes_of
from zoo_transformers.options import LongTextFinetuneOptions, LongTextPredictOptions, LongTextPretrainOptions
from zoo_transformers.vocabularies import TOKENIZERS, check_vocabulary

HEADS = {
    "single_label_classification": "text-classification",
    "multi_label_classification": "text-multi-label-classification",
    "regression": "text-regression",
    "token_classification": "token-classification",
}
"""What the head of a classifier is for to what it answers."""
USUAL_TOKENS = 512
"""Of an input, where nothing states the most."""
OFFSET = (
    "camembert",
    "data2vec-text",
    "ibert",
    "mpnet",
    "roberta",
    "roberta-prelayernorm",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
)
"""Architectures that count positions from after the number of the padding, as RoBERTa does."""


@dataclass(frozen=True)
class Reading:
    """What a class of transformers answers."""

    ending: str
    """Of its name."""
    task: str
    """Empty where the configuration says which."""


READINGS = (
    Reading("ForSequenceClassification", ""),
    Reading("ForTokenClassification", ""),
    Reading("ForMaskedLM", "fill-mask"),
    Reading("EncoderModel", "feature-extraction"),
    Reading("Model", "feature-extraction"),
)


def describe(name: str, config: dict[str, Any], weights: Weights, documents: dict[str, Any]) -> Card:
    """The card of a model.

    Args:
        name: of the card.
        config: content of `config.json`.
        weights: all files of the repository.
        documents: the small configuration files, by name.

    Raises:
        Unsupported: transformers does not know it, files are missing, or nothing here answers with such a model.
    """
    model_type = str(config["model_type"])
    classes = classes_of(model_type)
    saved_from = str(next(iter(config.get("architectures") or ()), ""))
    if saved_from.endswith(image_cards.CLASSIFIER) and saved_from in classes:
        return image_cards.describe(name, config, weights, documents)
    kind = network_cards.kind_of(saved_from, model_type)
    if kind is not None and saved_from in classes:
        return network_cards.describe(name, kind, config, weights, documents)
    if "vision_config" in config and saved_from.endswith("Model"):
        raise Unsupported(
            f"{name} is a {saved_from or model_type}, which sets pictures beside texts as nothing here does",
            f"of such models zoo takes ...{network_cards.CONTRAST.ending}",
        )
    modules = documents.get("modules.json")
    reading = next((one for one in READINGS if saved_from.endswith(one.ending) and saved_from in classes), None)
    if reading is None and modules is None:
        raise Unsupported(
            f"{name} is a {saved_from or model_type}, which nothing here answers with",
            f"zoo takes {', '.join(f'...{one.ending}' for one in (*READINGS, *network_cards.KINDS))}, "
            f"...{image_cards.CLASSIFIER}",
        )
    files = {file.name: file for file in weights.files}
    names = (*hub_weights_files(name, files), "config.json", *TOKENIZERS)
    check_vocabulary(name, files)
    labels: tuple[str, ...] = ()
    architecture: dict[str, Any] = {"class": saved_from}
    if modules is not None:
        task = "feature-extraction"
        architecture["pooling"] = hub_pooling(name, modules, documents)
    elif reading is not None and reading.task:
        task = reading.task
    else:
        labels = hub_labels(name, config)
        task = HEADS[problem_type(config)]
        if task == "text-classification" and entailment_index(labels) is not None:
            task, labels = "zero-shot-classification", ()
    return Card(
        name=name,
        task=task,
        family=model_type.lower(),
        summary=f"{saved_from or model_type} from the Hub, computed by transformers",
        architecture=architecture,
        input=TextInput(max_tokens=min(positions(config), hub_max_tokens(documents, positions(config)))),
        abilities=(*_learnt(classes), Ability(verb="predict", task=task, options=LongTextPredictOptions)),
        weights=Weights(files=tuple(files[file] for file in names if file in files), sources=weights.sources),
        labels=labels,
    )


def _learnt(classes: Iterable[str]) -> list[Ability]:
    """What an architecture can be trained for: what transformers has a class for."""
    provided = {"pooled": "ForSequenceClassification", "tokens": "ForTokenClassification"}
    provides = [what for what, ending in provided.items() if any(one.endswith(ending) for one in classes)]
    abilities = [
        Ability(verb="finetune", task=task, options=LongTextFinetuneOptions) for task in body_tasks("text", *provides)
    ]
    if any(one.endswith("ForMaskedLM") for one in classes):
        abilities.append(Ability(verb="pretrain", task="fill-mask", options=LongTextPretrainOptions))
    return abilities


def positions(config: dict[str, Any]) -> int:
    """Most tokens that a network takes."""
    stated = config.get("max_position_embeddings") or config.get("n_positions")
    if not isinstance(stated, int) or stated < 1:
        return USUAL_TOKENS
    return stated - int(config.get("pad_token_id", 1) or 0) - 1 if config["model_type"] in OFFSET else stated
