"""Cards for BERT models of the Hub, made of what their configuration says."""

from __future__ import annotations

from typing import Any

from zoo import Card, TextInput, Unsupported, Weights
from zoo_bert.cards import CLASSIFICATION, MASKED_LM, predicting

TASKS = {
    "BertModel": "feature-extraction",
    "BertForMaskedLM": "fill-mask",
    "BertForPreTraining": "fill-mask",
    "BertForSequenceClassification": "text-classification",
}
"""Class that a model was saved from to what it answers."""
NEEDED = ("model.safetensors", "config.json", "tokenizer.json")
TAKEN = (*NEEDED, "tokenizer_config.json", "vocab.txt")
POSITIONS = 512
"""What the options of this plugin reach up to (Devlin et al. 2018)."""
DIMENSIONS = {
    "layers": "num_hidden_layers",
    "width": "hidden_size",
    "heads": "num_attention_heads",
    "feed_forward": "intermediate_size",
    "positions": "max_position_embeddings",
}
SENTENCE_MODULES = ("Transformer", "Pooling", "Normalize")
"""Of sentence-transformers; embeddings are scaled to length one whether or not the last is there."""


def describe(name: str, config: dict[str, Any], weights: Weights, documents: dict[str, Any]) -> Card:
    """The card of a BERT model.

    Args:
        name: of the card.
        config: content of `config.json`.
        weights: all files of the repository.
        documents: the small configuration files, by name.

    Raises:
        Unsupported: files are missing, or the model is a variant that is not computed here.
    """
    files = {file.name: file for file in weights.files}
    missing = [file for file in NEEDED if file not in files]
    if missing:
        raise Unsupported(f"{name} lacks {', '.join(missing)}", "choose a model that has it")
    saved_from = next(iter(config.get("architectures") or ["BertModel"]))
    modules = documents.get("modules.json")
    if saved_from not in TASKS:
        raise Unsupported(f"{name} is a {saved_from}", f"choose one of {', '.join(TASKS)}")
    task = TASKS[saved_from] if modules is None else "feature-extraction"
    architecture: dict[str, Any] = _dimensions(name, config)
    if modules is not None:
        architecture["pooling"] = _pooling(name, modules, documents)
    return Card(
        name=name,
        task=task,
        family="bert",
        summary=f"BERT from the Hub, {architecture['layers']} layers of width {architecture['width']}",
        architecture=architecture,
        input=TextInput(max_tokens=_max_tokens(documents)),
        abilities={"pretrain": MASKED_LM, "finetune": CLASSIFICATION, "predict": predicting(task)},
        weights=Weights(files=tuple(files[file] for file in TAKEN if file in files), sources=weights.sources),
        labels=_labels(name, config) if task == "text-classification" else (),
    )


def _dimensions(name: str, config: dict[str, Any]) -> dict[str, int]:
    stated = {ours: config.get(theirs) for ours, theirs in DIMENSIONS.items()}
    found = {ours: value for ours, value in stated.items() if isinstance(value, int) and value > 0}
    absent = [DIMENSIONS[ours] for ours in DIMENSIONS if ours not in found]
    if absent:
        raise Unsupported(f"config.json of {name} does not state {', '.join(absent)}", "choose another model")
    if found["positions"] < POSITIONS:
        raise Unsupported(f"{name} takes {found['positions']} tokens", f"choose one that takes {POSITIONS}")
    if config.get("position_embedding_type", "absolute") != "absolute" or config.get("is_decoder"):
        raise Unsupported(f"{name} is a variant of BERT (positions or direction)", "choose another model")
    return found


def _labels(name: str, config: dict[str, Any]) -> tuple[str, ...]:
    """Names of the classes, in the order of the outputs."""
    stated = config.get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"}  # what transformers assumes
    try:
        labels = tuple(str(stated[key]) for key in sorted(stated, key=int))
    except (TypeError, ValueError) as error:
        raise Unsupported(
            f"config.json of {name} numbers its labels otherwise than 0, 1, ...", "choose another"
        ) from error
    if len(labels) < 2 or config.get("problem_type") not in (None, "single_label_classification"):
        kind = config.get("problem_type") or "a single output"
        raise Unsupported(f"{name} does not choose one of several labels ({kind})", "choose another model")
    return labels


def _pooling(name: str, modules: object, documents: dict[str, Any]) -> str:
    """How the publisher makes one vector of a text: `mean` of the tokens, or `cls`, the first one."""
    listed = [module for module in modules if isinstance(module, dict)] if isinstance(modules, list) else []
    kinds = {str(module.get("type", "")).rpartition(".")[2]: str(module.get("path", "")) for module in listed}
    others = [kind for kind in kinds if kind not in SENTENCE_MODULES]
    if others or kinds.get("Transformer") != "" or "Pooling" not in kinds:
        raise Unsupported(f"{name} makes embeddings by {', '.join(kinds) or 'nothing'}", "choose another model")
    modes = _pooling_modes(documents.get(f"{kinds['Pooling']}/config.json"))
    if modes not in (["mean"], ["cls"]):
        raise Unsupported(f"{name} pools its tokens by {', '.join(modes) or 'nothing'}", "mean and cls are known")
    return modes[0]


def _pooling_modes(stated: object) -> list[str]:
    """What the pooling module of sentence-transformers is set to: one text, or a switch for each mode."""
    if not isinstance(stated, dict):
        return []
    if isinstance(mode := stated.get("pooling_mode"), str):
        return [mode]
    switched_on = [key for key, value in stated.items() if key.startswith("pooling_mode_") and value is True]
    return sorted(
        key.removeprefix("pooling_mode_").removesuffix("_tokens").removesuffix("_token") for key in switched_on
    )


def _max_tokens(documents: dict[str, Any]) -> int:
    """What the publisher advises, up to what the options allow."""
    for file, key in (("sentence_bert_config.json", "max_seq_length"), ("tokenizer_config.json", "model_max_length")):
        stated = documents.get(file)
        value = stated.get(key) if isinstance(stated, dict) else None
        if isinstance(value, int | float) and value >= 1:
            return int(min(value, POSITIONS))
    return POSITIONS
