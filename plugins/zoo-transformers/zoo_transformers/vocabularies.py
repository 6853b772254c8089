"""Files that texts are made into tokens by."""

from __future__ import annotations

from collections.abc import Collection

from zoo import Unsupported

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
