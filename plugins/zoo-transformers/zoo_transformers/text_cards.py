"""Cards for text models of the Hub."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from zoo import (
    Ability,
    Card,
    CausalFinetuneOptions,
    CausalPredictOptions,
    CausalPretrainOptions,
    Options,
    TextInput,
    Unsupported,
    body_tasks,
    hub_labels,
    hub_max_tokens,
    hub_pooling,
    hub_weights,
    problem_type,
)
from zoo_transformers.entailment_labels import entailment_index
from zoo_transformers.options import (
    LongTextFinetuneOptions,
    LongTextPredictOptions,
    LongTextPretrainOptions,
    WindowedPredictOptions,
)
from zoo_transformers.reading import Reading, Repository
from zoo_transformers.vocabularies import TOKENIZERS, check_vocabulary

ENTAILMENT = "zero-shot-classification"
HEADS = {
    "single_label_classification": "text-classification",
    "multi_label_classification": "text-multi-label-classification",
    "regression": "text-regression",
    "token_classification": "token-classification",
}
"""What the head of a classifier is for to what it answers."""
NOT_OF_TEXTS = ("blip", "layoutlm", "layoutlmv2", "layoutlmv3", "lilt", "lxmert", "markuplm", "tapas", "vilt")
"""Architectures that answer questions about something else."""
SEQUENCE_TO_SEQUENCE = (
    "bart",
    "bigbird_pegasus",
    "blenderbot",
    "blenderbot-small",
    "fsmt",
    "led",
    "longt5",
    "m2m_100",
    "mbart",
    "mt5",
    "mvp",
    "nllb-moe",
    "pegasus",
    "pegasus_x",
    "plbart",
    "prophetnet",
    "switch_transformers",
    "t5",
    "umt5",
    "xlm-prophetnet",
)
"""Architectures that make a text of a text; others of such names see pictures or hear."""
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


def describe(repository: Repository, reading: Reading) -> Card:
    """The card of a masked language model, or of one that gives vectors.

    Raises:
        Unsupported: files are missing, or it takes more than texts.
    """
    name = repository.name
    if "vision_config" in repository.config:
        raise Unsupported(
            f"{name} is a {repository.saved_from or repository.model_type}, which sets pictures beside texts as "
            "nothing here does",
            "of such models zoo takes CLIPModel",
        )
    modules = repository.documents.get("modules.json")
    pooling = {"pooling": hub_pooling(name, modules, repository.documents)} if modules is not None else {}
    card = _card(repository, reading.task, _encoder_abilities(repository, reading.task))
    return replace(card, architecture={**card.architecture, **pooling})


def describe_classifier(repository: Repository, reading: Reading) -> Card:
    """The card of a model with a head for labels; what tells entailment apart is asked for any labels.

    Raises:
        Unsupported: files are missing, or its labels make no sense.
    """
    task = HEADS[problem_type(repository.config)]
    labels = hub_labels(repository.name, repository.config)
    if task == "text-classification" and entailment_index(labels) is not None:
        task, labels = ENTAILMENT, ()
    return replace(_card(repository, task, _encoder_abilities(repository, task)), labels=labels)


def describe_reader(repository: Repository, reading: Reading) -> Card:
    """The card of a model that finds answers in texts.

    Raises:
        Unsupported: files are missing, or it reads more than texts.
    """
    if repository.model_type in NOT_OF_TEXTS:
        raise Unsupported(
            f"{repository.name} is a {repository.saved_from}, which reads more than texts",
            "choose a model that reads texts",
        )
    abilities = _encoder_abilities(repository, reading.task, WindowedPredictOptions)
    return _card(repository, reading.task, abilities)


def describe_causal(repository: Repository, reading: Reading) -> Card:
    """The card of a model that writes.

    Raises:
        Unsupported: files are missing.
    """
    abilities = (
        Ability(verb="pretrain", task=reading.task, options=CausalPretrainOptions),
        Ability(verb="finetune", task=reading.task, options=CausalFinetuneOptions),
        Ability(verb="predict", task=reading.task, options=CausalPredictOptions),
    )
    return _card(repository, reading.task, abilities)


def describe_sequence_to_sequence(repository: Repository, reading: Reading) -> Card:
    """The card of a model that summarises or translates.

    Raises:
        Unsupported: files are missing.
    """
    return _card(repository, reading.task, (Ability(verb="predict", task=reading.task, options=CausalPredictOptions),))


def _encoder_abilities(
    repository: Repository, task: str, options: type[Options] = LongTextPredictOptions
) -> tuple[Ability, ...]:
    return (*_learnt(repository.classes), Ability(verb="predict", task=task, options=options))


def _card(repository: Repository, task: str, abilities: tuple[Ability, ...]) -> Card:
    name, config = repository.name, repository.config
    check_vocabulary(name, {file.name for file in repository.weights.files})
    most = positions(config)
    return Card(
        name=name,
        task=task,
        family=repository.model_type.lower(),
        summary=f"{repository.saved_from or repository.model_type} from the Hub, computed by transformers",
        architecture={"class": repository.saved_from},
        input=TextInput(max_tokens=min(most, hub_max_tokens(repository.documents, most))),
        abilities=abilities,
        weights=hub_weights(name, repository.weights, optional=TOKENIZERS),
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


POSITIONS = ("max_position_embeddings", "n_positions", "max_encoder_position_embeddings")
"""Names that configurations have for them."""


def positions(config: dict[str, Any]) -> int:
    """Most tokens that a network takes."""
    stated = next((config[name] for name in POSITIONS if config.get(name)), None)
    if not isinstance(stated, int) or stated < 1:
        return USUAL_TOKENS
    return stated - int(config.get("pad_token_id", 1) or 0) - 1 if config["model_type"] in OFFSET else stated
