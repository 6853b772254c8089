"""What the files of a text model of the Hub are and say, whatever its architecture."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from zoo.card import Weights
from zoo.errors import Unsupported
from zoo.plurals import counted

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
"""Names the shard of each tensor, where the weights are in several files."""
TOKENS = "token_classification"
"""What a head on the vectors of tokens is for."""
TOKEN_CLASSIFIER = "ForTokenClassification"  # noqa: S105
"""Ends transformers' name of such an architecture."""
TAG_SCHEME = "tag_scheme"
"""Says in a configuration which tags may follow which, where a training has kept to it."""
WORDS_SPACED = "tag_words_spaced"
"""Says in a configuration that words were told apart by blanks, where a training had them so."""
_SHARD = re.compile(r"model-\d+-of-(\d+)\.safetensors")

SENTENCE_MODULES = ("Transformer", "Pooling", "Normalize")
"""Of sentence-transformers; embeddings are scaled to length one whether or not the last is there."""


def hub_weights(
    name: str, weights: Weights, *, needed: Iterable[str] = (CONFIG,), optional: Iterable[str] = ()
) -> Weights:
    """What a card takes of the files of a repository: the safetensors, whole or in shards, and some others.

    Args:
        name: of the card.
        weights: all files, as `card_for` has them.
        needed: files without which the model cannot be used.
        optional: files that are taken where they are there.

    Raises:
        Unsupported: a needed one is missing, or the safetensors or some of their shards are.
    """
    files, needed = {file.name: file for file in weights.files}, tuple(needed)
    if missing := [file for file in needed if file not in files]:
        raise Unsupported(f"{name} lacks {', '.join(missing)}", "choose a model that has it")
    names = dict.fromkeys((*_weights_files(name, files), *needed, *optional))
    return msgspec.structs.replace(weights, files=tuple(files[file] for file in names if file in files))


def _weights_files(name: str, files: Collection[str]) -> tuple[str, ...]:
    """Which of a repository's files are its weights: one, or the shards and their index.

    Raises:
        Unsupported: there is neither, or not all of the shards.
    """
    if WEIGHTS in files:
        return (WEIGHTS,)
    shards = sorted(file for file in files if _SHARD.fullmatch(file))
    if not shards:
        raise Unsupported(f"{name} lacks {WEIGHTS}", "choose a model that has it")
    counts = {int(match[1]) for shard in shards if (match := _SHARD.fullmatch(shard))}
    if counts != {len(shards)} or INDEX not in files:
        stated = "no index" if INDEX not in files else f"{len(shards)} of {max(counts)} shards"
        raise Unsupported(f"{name} has its weights in shards, but {stated}", "it is damaged; choose another model")
    return (INDEX, *shards)


def config_labels(config: dict[str, Any]) -> tuple[str, ...]:
    """Names of a classifier's labels, in the order of the outputs; those transformers assumes where none are stated.

    Raises:
        TypeError, ValueError: they are not numbered.
    """
    names = config.get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"}
    return tuple(str(names[key]) for key in sorted(names, key=int))


def problem_type(config: dict[str, Any]) -> str:
    """What a classifier of transformers is for; one output is a number, unless something else is stated.

    Of a classifier of tokens, transformers states it by the name of the architecture alone.
    """
    if config.get(TAG_SCHEME) or any(name.endswith(TOKEN_CLASSIFIER) for name in config.get("architectures") or ()):
        return TOKENS
    stated = config.get("problem_type")
    return str(stated) if stated else "regression" if len(config_labels(config)) == 1 else "single_label_classification"


def hub_labels(name: str, config: dict[str, Any]) -> tuple[str, ...]:
    """Names of a classifier's labels, in the order of the outputs; none for one that says a number.

    Those of a classifier of tokens are the types of its spans, such as `PER` of `B-PER` and `I-PER`.

    Raises:
        Unsupported: it numbers them otherwise, has several numbers or one label, or is for something else.
    """
    try:
        labels, kind = config_labels(config), problem_type(config)
    except (TypeError, ValueError) as error:
        raise Unsupported(
            f"config.json of {name} numbers its labels otherwise than 0, 1, ...", "choose another"
        ) from error
    if kind == TOKENS:
        from zoo.metrics.tags import tag_types

        return tag_types(labels)
    fewest, most = {
        "single_label_classification": (2, len(labels)),
        "multi_label_classification": (1, len(labels)),
        "regression": (1, 1),
    }.get(kind, (1, 0))
    if not fewest <= len(labels) <= most:
        outputs = f"{kind} with {counted(len(labels), 'output')}"
        raise Unsupported(f"{name} neither chooses among labels nor says a number ({outputs})", "choose another model")
    return () if kind == "regression" else labels


def hub_pooling(name: str, modules: object, documents: dict[str, Any]) -> str:
    """How the publisher makes one vector of a text: `mean` of the tokens, or `cls`, the first one.

    Raises:
        Unsupported: by something else.
    """
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


def hub_max_tokens(documents: dict[str, Any], most: int) -> int:
    """The longest input that the publisher advises, at most so many tokens."""
    for file, key in (("sentence_bert_config.json", "max_seq_length"), ("tokenizer_config.json", "model_max_length")):
        stated = documents.get(file)
        value = stated.get(key) if isinstance(stated, dict) else None
        if isinstance(value, int | float) and value >= 1:
            return int(min(value, most))
    return most
