"""Cards for image classifiers of the Hub."""

from __future__ import annotations

from zoo import (
    Ability,
    Card,
    ImageFinetuneOptions,
    ImagePredictOptions,
    Unsupported,
    body_tasks,
    hub_labels,
    hub_weights,
    problem_type,
)
from zoo_transformers.pictures import FILE, image_input, required_document
from zoo_transformers.reading import Reading, Repository

HEADS = {
    "single_label_classification": "image-classification",
    "multi_label_classification": "image-multi-label-classification",
}
"""What the head is for to what it answers."""


def describe(repository: Repository, reading: Reading) -> Card:
    """The card of a classifier.

    Raises:
        Unsupported: files are missing, or it sees pictures as zoo does not show them.
    """
    name, config = repository.name, repository.config
    document = required_document(name, repository.documents)
    weights = hub_weights(name, repository.weights, optional=(FILE,))
    task = HEADS.get(problem_type(config))
    if task is None:
        raise Unsupported(f"{name} says a number of a picture", "choose one that tells labels apart")
    finetune = (
        Ability(verb="finetune", task=one, options=ImageFinetuneOptions) for one in body_tasks("image", "pooled")
    )
    return Card(
        name=name,
        task=task,
        family=repository.model_type.lower(),
        summary=f"{repository.saved_from} from the Hub, computed by transformers",
        architecture={"class": repository.saved_from},
        input=image_input(name, document),
        abilities=(*finetune, Ability(verb="predict", task=task, options=ImagePredictOptions)),
        weights=weights,
        labels=hub_labels(name, config),
    )
