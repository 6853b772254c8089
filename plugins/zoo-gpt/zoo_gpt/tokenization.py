"""Texts to token ids: with the tokenizer a model came with, or one learnt from the training rows; and its files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from zoo import TrainingRun
from zoo.training.pretrained import read_json
from zoo.training.text.tokenizer_files import FILE, learnt_tokenizer, load_tokenizer

if TYPE_CHECKING:
    from zoo import PredictionRun

CONFIG, GENERATION = "tokenizer_config.json", "generation_config.json"
TEMPLATE = "chat_template.jinja"
COPIED = (
    FILE,
    CONFIG,
    TEMPLATE,
    GENERATION,
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
)
"""Files beside the weights that a result takes over from what it was trained from."""
END, PAD = "<|endoftext|>", "<|pad|>"
"""Special tokens of a vocabulary learnt here; padding is never an end."""
SMALLEST, LARGEST = 1_000, 50_257
"""Bounds of the automatic size; the upper one is GPT-2's (Radford et al. 2019)."""
WORDS_PER_TOKEN = 20
"""Words of text to each token of an automatic vocabulary, so that most tokens are seen often enough to be learnt."""


def tokenizer_of(run: TrainingRun | PredictionRun, folder: Path | None) -> Tokenizer:
    """The tokenizer that came with the weights; a model without any learns one from its training rows.

    Args:
        run: a training, or a prediction.
        folder: of the weights.

    Raises:
        StoreInvalid: it cannot be read.
    """
    if folder is not None:
        return load_tokenizer(folder, ())
    assert isinstance(run, TrainingRun)
    return learnt_tokenizer(run, lambda texts: learn(texts, run.options.vocabulary_size), (END, PAD))


def learn(texts: Sequence[str], size: int | None = None) -> Tokenizer:
    """Learn pairs of bytes (Radford et al. 2019, section 2.2); the same texts give the same vocabulary, ids included.

    Args:
        texts: what to learn from.
        size: most tokens the vocabulary may hold; None goes by the number of words.
    """
    if size is None:
        words = sum(len(text.split()) for text in texts)
        size = min(LARGEST, max(SMALLEST, words // WORDS_PER_TOKEN))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=2,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=[END, PAD],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def end_ids(folder: Path, config: dict[str, Any]) -> tuple[int, ...]:
    """Ids of the tokens that end a text: what is said of generation counts before what is said of the network."""
    path = folder / GENERATION
    stated = (read_json(path) if path.exists() else {}).get("eos_token_id", config.get("eos_token_id"))
    ids = stated if isinstance(stated, list) else [stated]
    return tuple(number for number in ids if isinstance(number, int))


def chat_template(folder: Path) -> str:
    """How messages become one text, in Jinja; empty where the model was not taught to talk."""
    if (folder / TEMPLATE).exists():
        return (folder / TEMPLATE).read_text(encoding="utf-8")
    stated = _tokenizer_config(folder).get("chat_template")
    if isinstance(stated, list):  # several, by name
        named = {one.get("name"): one.get("template") for one in stated if isinstance(one, dict)}
        stated = named.get("default")
    return stated if isinstance(stated, str) else ""


def special_tokens(folder: Path) -> dict[str, str]:
    """Texts of the tokens that a chat template names, such as `bos_token`."""
    stated = _tokenizer_config(folder)
    tokens = {name: stated.get(name) for name in ("bos_token", "eos_token", "pad_token", "unk_token")}
    texts = {name: one.get("content") if isinstance(one, dict) else one for name, one in tokens.items()}
    return {name: text for name, text in texts.items() if isinstance(text, str)}


def max_tokens_of(folder: Path, positions: int) -> int:
    """Most tokens of an input: what the network and the tokenizer of a folder allow."""
    advised = _tokenizer_config(folder).get("model_max_length", positions)
    return min(positions, int(advised)) if isinstance(advised, int | float) and advised >= 1 else positions


def save_tokenizer(tokenizer: Tokenizer, source: Path | None, positions: int, folder: Path) -> None:
    """Write a tokenizer, and what belongs to it, as transformers loads it.

    Args:
        tokenizer: of the model.
        source: the folder that it came from, whose files are taken over; None for one that was learnt here.
        positions: most tokens of a text.
        folder: where to write.
    """
    if source is not None:
        for name in COPIED:
            if (source / name).exists():
                shutil.copyfile(source / name, folder / name)
        return
    tokenizer.save(str(folder / FILE))
    tokens = {"bos_token": END, "eos_token": END, "unk_token": END, "pad_token": PAD}
    write_json({"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": positions, **tokens}, folder / CONFIG)
    ids = {f"{name}_id": tokenizer.token_to_id(text) for name, text in tokens.items() if name != "unk_token"}
    write_json(ids, folder / GENERATION)


def write_json(content: dict[str, Any], path: Path) -> None:
    """Write one of a model's small files."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _tokenizer_config(folder: Path) -> dict[str, Any]:
    return read_json(folder / CONFIG) if (folder / CONFIG).exists() else {}
