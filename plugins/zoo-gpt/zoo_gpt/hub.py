"""Cards for GPT-2 and Llama models of the Hub, or in GGUF files, made of what their configuration says."""

from __future__ import annotations

from typing import Any

from zoo import Card, TextInput, Unsupported, Weights, hub_max_tokens, hub_weights
from zoo_gpt.cards import ABILITIES
from zoo_gpt.gguf_config import config_of
from zoo_gpt.shape import ARCHITECTURES, CONFIG_NAMES, LLAMA, Shape

NEEDED = ("config.json", "tokenizer.json")
OPTIONAL = (
    "tokenizer_config.json",
    "special_tokens_map.json",
    "generation_config.json",
    "chat_template.jinja",
)
NAMES = {"gpt2": "GPT-2", "llama": "Llama"}


def describe(name: str, config: dict[str, Any], weights: Weights, documents: dict[str, Any]) -> Card | None:
    """The card of a GPT-2 or a Llama; None where it does something else than writing, or is a variant of these.

    Args:
        name: of the card.
        config: content of `config.json`.
        weights: all files of the repository.
        documents: the small configuration files, by name.

    Raises:
        Unsupported: files are missing.
    """
    family = str(config["model_type"])
    saved_from = next(iter(config.get("architectures") or [ARCHITECTURES[family]]))
    try:
        shape = Shape.of(config)
    except Unsupported:
        return None  # another plugin may compute it
    if saved_from != ARCHITECTURES[family]:
        return None
    taken = hub_weights(name, weights, needed=NEEDED, optional=OPTIONAL)
    return _card(name, "from the Hub", shape, hub_max_tokens(documents, shape.positions), taken)


def describe_file(name: str, stated: dict[str, Any], weights: Weights) -> Card:
    """The card of a model in a GGUF file.

    Args:
        name: of the card.
        stated: `metadata` and shapes of `tensors`, as the file has them.
        weights: the file.

    Raises:
        Unsupported: it is a variant that is not computed here.
        StoreInvalid: the file lacks what every model has.
    """
    shape = Shape.of(config_of(stated["metadata"], stated["tensors"]))
    return _card(name, "in a GGUF file", shape, shape.positions, weights)


def _card(name: str, origin: str, shape: Shape, max_tokens: int, weights: Weights) -> Card:
    sizes = {ours: getattr(shape, ours) for ours in CONFIG_NAMES[shape.family]}
    if shape.family == LLAMA:
        sizes["key_value_heads"] = shape.key_value_heads
    return Card(
        name=name,
        task="text-generation",
        family=shape.family,
        summary=f"{NAMES[shape.family]} {origin}, {shape.layers} layers of width {shape.width}",
        architecture=sizes,
        input=TextInput(max_tokens=max_tokens),
        abilities=ABILITIES,
        weights=weights,
    )
