"""Cards for BERT models of the Hub, made of what their configuration says."""

from __future__ import annotations

from typing import Any

from zoo import (
    Card,
    TextInput,
    Unsupported,
    Weights,
    hub_labels,
    hub_max_tokens,
    hub_pooling,
    hub_weights,
    problem_type,
)
from zoo_bert.cards import FINETUNING, MASKED_LM, predicting

TASKS = {
    "BertModel": "feature-extraction",
    "BertForMaskedLM": "fill-mask",
    "BertForPreTraining": "fill-mask",
}
"""Class that a model was saved from to what it answers."""
CLASSIFIERS = ("BertForSequenceClassification", "BertForTokenClassification")
HEADS = {
    "single_label_classification": "text-classification",
    "multi_label_classification": "text-multi-label-classification",
    "regression": "text-regression",
    "token_classification": "token-classification",
}
"""What the head of such a model is for to what it answers."""
NEEDED = ("config.json", "tokenizer.json")
OPTIONAL = ("tokenizer_config.json", "vocab.txt")
POSITIONS = 512
"""What the options of this plugin reach up to (Devlin et al. 2018)."""
DIMENSIONS = {
    "layers": "num_hidden_layers",
    "width": "hidden_size",
    "heads": "num_attention_heads",
    "feed_forward": "intermediate_size",
    "positions": "max_position_embeddings",
}


def describe(name: str, config: dict[str, Any], weights: Weights, documents: dict[str, Any]) -> Card | None:
    """The card of a BERT model; None where it has another head, or is a variant, that another plugin may compute.

    Args:
        name: of the card.
        config: content of `config.json`.
        weights: all files of the repository.
        documents: the small configuration files, by name.

    Raises:
        Unsupported: files are missing, or the configuration makes no sense.
    """
    saved_from = next(iter(config.get("architectures") or ["BertModel"]))
    if saved_from not in (*TASKS, *CLASSIFIERS) or _is_variant(config):
        return None
    taken = hub_weights(name, weights, needed=NEEDED, optional=OPTIONAL)
    modules = documents.get("modules.json")
    labels: tuple[str, ...] = ()
    if modules is not None:
        task = "feature-extraction"
    elif saved_from in CLASSIFIERS:
        labels = hub_labels(name, config)
        task = HEADS[problem_type(config)]
    else:
        task = TASKS[saved_from]
    architecture: dict[str, Any] = _dimensions(name, config)
    if modules is not None:
        architecture["pooling"] = hub_pooling(name, modules, documents)
    return Card(
        name=name,
        task=task,
        family="bert",
        summary=f"BERT from the Hub, {architecture['layers']} layers of width {architecture['width']}",
        architecture=architecture,
        input=TextInput(max_tokens=hub_max_tokens(documents, POSITIONS)),
        abilities=(MASKED_LM, *FINETUNING, predicting(task)),
        weights=taken,
        labels=labels,
    )


def _dimensions(name: str, config: dict[str, Any]) -> dict[str, int]:
    stated = {ours: config.get(theirs) for ours, theirs in DIMENSIONS.items()}
    sizes = {ours: value for ours, value in stated.items() if isinstance(value, int) and value > 0}
    absent = [DIMENSIONS[ours] for ours in DIMENSIONS if ours not in sizes]
    if absent:
        raise Unsupported(f"config.json of {name} does not state {', '.join(absent)}", "choose another model")
    return sizes


def _is_variant(config: dict[str, Any]) -> bool:
    """Whether positions or direction are others, there are fewer, or labels are those of entailment."""
    positions = config.get(DIMENSIONS["positions"])
    labels = config.get("id2label")
    return (
        (isinstance(positions, int) and positions < POSITIONS)
        or config.get("position_embedding_type", "absolute") != "absolute"
        or bool(config.get("is_decoder"))
        or (isinstance(labels, dict) and any(str(label).lower().startswith("entail") for label in labels.values()))
    )
