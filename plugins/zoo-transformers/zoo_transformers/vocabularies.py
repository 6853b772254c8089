"""Files that texts are made into tokens by."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from zoo import Unsupported
from zoo_transformers.installed import slow_tokenizers

TOKENIZERS = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "spm.model",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "source.spm",
    "target.spm",
    "target_vocab.json",
    "vocab-src.json",
    "vocab-tgt.json",
    "prophetnet.tokenizer",
    "chat_template.jinja",
    "generation_config.json",
)
"""Files that say how texts are made into tokens, and how they are written; a model has some of them."""
VOCABULARIES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "spm.model",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "source.spm",
    "vocab-src.json",
    "prophetnet.tokenizer",
)
"""Those of which it needs one."""


def check_vocabulary(name: str, files: Collection[str]) -> None:
    """Refuse a repository without a vocabulary.

    Raises:
        Unsupported: it has none.
    """
    if not any(file in files for file in VOCABULARIES):
        raise Unsupported(f"{name} has no vocabulary: none of {', '.join(VOCABULARIES)}", "choose another model")


def check_tokenizer(name: str, config: dict[str, Any], stated: dict[str, Any]) -> None:
    """Refuse a repository whose tokenizer cannot say where in a text its tokens stand.

    Args:
        name: of the card.
        config: content of `config.json`.
        stated: content of `tokenizer_config.json`.

    Raises:
        Unsupported: it is one that transformers computes in Python alone.
    """
    kind = str(stated.get("tokenizer_class") or config.get("tokenizer_class") or "").removesuffix("Fast")
    if kind in slow_tokenizers():
        raise slow_tokenizer(kind, of=f" of {name}")


def slow_tokenizer(kind: str, of: str = "") -> Unsupported:
    """Why a tokenizer is not taken.

    Args:
        kind: name of its class.
        of: whose it is.
    """
    return Unsupported(
        f"the tokenizer{of} is a {kind}, which transformers computes in Python and which does not say where in a text "
        "its tokens stand",
        "choose a model whose tokenizer the library tokenizers computes",
    )
