"""Cards for GPT-2 and Llama models of the Hub, made of what their configuration says."""

from __future__ import annotations

from typing import Any

from zoo import Card, TextInput, Unsupported, Weights, hub_max_tokens, hub_weights_files
from zoo_gpt.cards import ABILITIES
from zoo_gpt.shape import ARCHITECTURES, CONFIG_NAMES, LLAMA, Shape

NEEDED = ("config.json", "tokenizer.json")
FILES = (
    *NEEDED,
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
    files = {file.name: file for file in weights.files}
    if missing := [file for file in NEEDED if file not in files]:
        raise Unsupported(f"{name} lacks {', '.join(missing)}", "choose a model that has it")
    names = (*hub_weights_files(name, files), *FILES)
    sizes = {ours: getattr(shape, ours) for ours in CONFIG_NAMES[family]}
    if family == LLAMA:
        sizes["key_value_heads"] = shape.key_value_heads
    return Card(
        name=name,
        task="text-generation",
        family=family,
        summary=f"{NAMES[family]} from the Hub, {shape.layers} layers of width {shape.width}",
        architecture=sizes,
        input=TextInput(max_tokens=hub_max_tokens(documents, shape.positions)),
        abilities=ABILITIES,
        weights=Weights(files=tuple(files[file] for file in names if file in files), sources=weights.sources),
    )
