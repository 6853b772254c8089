"""Cards for image classifiers of the Hub."""

from __future__ import annotations

from typing import Any

from zoo import (
    Ability,
    Card,
    ImageFinetuneOptions,
    ImagePredictOptions,
    Unsupported,
    Weights,
    body_tasks,
    hub_labels,
    hub_weights_files,
    problem_type,
)
from zoo_transformers.pictures import FILE, image_input, required_document

CLASSIFIER = "ForImageClassification"
"""Ends the names of the classes of such models."""
HEADS = {
    "single_label_classification": "image-classification",
    "multi_label_classification": "image-multi-label-classification",
}
"""What the head is for to what it answers."""


def describe(name: str, config: dict[str, Any], weights: Weights, documents: dict[str, Any]) -> Card:
    """The card of a classifier; see `zoo_transformers.hub.describe`.

    Raises:
        Unsupported: files are missing, or it sees pictures as zoo does not show them.
    """
    document = required_document(name, documents)
    files = {file.name: file for file in weights.files}
    names = (*hub_weights_files(name, files), "config.json", FILE)
    task = HEADS.get(problem_type(config))
    if task is None:
        raise Unsupported(f"{name} says a number of a picture", "choose one that tells labels apart")
    finetune = (
        Ability(verb="finetune", task=one, options=ImageFinetuneOptions) for one in body_tasks("image", "pooled")
    )
    return Card(
        name=name,
        task=task,
        family=str(config["model_type"]).lower(),
        summary=f"{config['architectures'][0]} from the Hub, computed by transformers",
        architecture={"class": config["architectures"][0]},
        input=image_input(name, document),
        abilities=(*finetune, Ability(verb="predict", task=task, options=ImagePredictOptions)),
        weights=Weights(files=tuple(files[file] for file in names if file in files), sources=weights.sources),
        labels=hub_labels(name, config),
    )
