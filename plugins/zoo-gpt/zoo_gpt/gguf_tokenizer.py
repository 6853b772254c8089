"""The tokenizer of a GGUF file, as the library `tokenizers` has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from zoo import StoreInvalid, Unsupported
from zoo_gpt.gguf_config import KEY, texts_of, token_id

UNKNOWN, CONTROL, USER_DEFINED, BYTE = 2, 3, 4, 6
"""Types of tokens."""
SPACE = "▁"
"""Stands for a blank in the vocabularies of SentencePiece."""
_LLAMA3_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Llama 3 takes texts apart before its bytes are paired (github.com/meta-llama/llama3, tokenizer.py)."""
_WHOLE, _DIGITS, _LLAMA3 = "whole", "digits", "llama3"
PREPARATIONS = {
    "default": _WHOLE,
    "gpt-2": _WHOLE,
    "smollm": _DIGITS,
    "llama-bpe": _LLAMA3,
    "llama3": _LLAMA3,
    "smaug-bpe": _LLAMA3,
}
"""`tokenizer.ggml.pre` to how texts are taken apart."""


def tokenizer_of(metadata: dict[str, Any]) -> Tokenizer:
    """Build the tokenizer that a file describes.

    Raises:
        StoreInvalid: what it says does not fit together.
        Unsupported: it is of a kind that is not known here.
    """
    tokens = texts_of(metadata, "tokens")
    kind = metadata.get(f"{KEY}model")
    if kind == "gpt2":
        tokenizer = _byte_level(tokens, metadata)
    elif kind == "llama":
        tokenizer = _sentencepiece(tokens, metadata)
    else:
        raise Unsupported(f"this GGUF file has a tokenizer of kind {kind!r}", "gpt2 and llama are known")
    types = metadata.get(f"{KEY}token_type") or [1] * len(tokens)
    if len(types) != len(tokens):
        raise StoreInvalid(f"{KEY}token_type has {len(types):,} values for {len(tokens):,} tokens", "fetch it again")
    for token, type_ in zip(tokens, types, strict=True):
        if type_ in (CONTROL, USER_DEFINED) or (type_ == UNKNOWN and kind == "llama"):
            added = AddedToken(token, special=type_ != USER_DEFINED, normalized=False)
            (tokenizer.add_tokens if type_ == USER_DEFINED else tokenizer.add_special_tokens)([added])
    _add_beginning(tokenizer, tokens, metadata, default=kind == "llama")
    return tokenizer


def _byte_level(tokens: Sequence[str], metadata: dict[str, Any]) -> Tokenizer:
    """Pairs of bytes (Radford et al. 2019, section 2.2)."""
    pairs = [merge.partition(" ")[::2] for merge in texts_of(metadata, "merges")]
    named = str(metadata.get(f"{KEY}pre", "default"))
    preparation = PREPARATIONS.get(named)
    if preparation is None:
        raise Unsupported(f"the tokenizer takes texts apart in way {named!r}", f"known are {', '.join(PREPARATIONS)}")
    vocabulary = {token: i for i, token in enumerate(tokens)}
    if any(first + second not in vocabulary for first, second in pairs):
        raise StoreInvalid(f"{KEY}merges does not fit {KEY}tokens", "fetch it again")
    tokenizer = Tokenizer(models.BPE(vocabulary, pairs, ignore_merges=preparation == _LLAMA3))
    tokenizer.pre_tokenizer = _preparation(preparation)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _preparation(kind: str) -> pre_tokenizers.PreTokenizer:
    bytes_of_words = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=kind != _LLAMA3)
    if kind == _DIGITS:
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), bytes_of_words])
    if kind == _LLAMA3:
        return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(_LLAMA3_WORDS), "isolated"), bytes_of_words])
    return bytes_of_words


def _sentencepiece(tokens: Sequence[str], metadata: dict[str, Any]) -> Tokenizer:
    """Pieces of SentencePiece: two are joined wherever they make a third, those of the best score first."""
    scores = metadata.get(f"{KEY}scores") or []
    if len(scores) != len(tokens):
        raise StoreInvalid(f"{KEY}scores has {len(scores):,} values for {len(tokens):,} tokens", "fetch it again")
    vocabulary = {token: i for i, token in enumerate(tokens)}
    merges = [
        (-scores[vocabulary[token]], vocabulary[token[:cut]], vocabulary[token[cut:]], token[:cut], token[cut:])
        for token in tokens
        for cut in range(1, len(token))
        if token[:cut] in vocabulary and token[cut:] in vocabulary
    ]
    pairs = [(first, second) for *_, first, second in sorted(merges)]
    unknown = tokens[token_id(metadata, "unknown", len(tokens)) or 0]
    tokenizer = Tokenizer(models.BPE(vocabulary, pairs, unk_token=unknown, fuse_unk=True, byte_fallback=True))
    blanks = [normalizers.Replace(" ", SPACE)]
    starts = bool(metadata.get(f"{KEY}add_space_prefix", True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), *blanks] if starts else blanks)
    back = [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence([*back, decoders.Strip(" ", 1, 0)] if starts else back)
    return tokenizer


def _add_beginning(tokenizer: Tokenizer, tokens: Sequence[str], metadata: dict[str, Any], *, default: bool) -> None:
    """Have each text begin with the token for that, where the model was trained so."""
    bos = token_id(metadata, "bos", len(tokens))
    if bos is not None and metadata.get(f"{KEY}add_bos_token", default):
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{tokens[bos]} $A",
            pair=f"{tokens[bos]} $A {tokens[bos]}:1 $B:1",
            special_tokens=[(tokens[bos], bos)],
        )
