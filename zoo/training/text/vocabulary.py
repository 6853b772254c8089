"""Vocabularies of models that start from nothing: word pieces learnt from the training rows.

The same rows give the same vocabulary, ids included, in every process and on every machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""Their ids are 0 to 4 in a vocabulary learnt here."""
CONTINUED = "##"
ALPHABET = 1_000
"""Most characters kept; rarer ones become [UNK]."""
SMALLEST, LARGEST = 1_000, 30_522
"""Bounds of the automatic size; the upper one is BERT's (Devlin et al. 2018)."""
WORDS_PER_PIECE = 20
"""Words of text to each piece of an automatic vocabulary, so that most pieces are seen often enough to be learnt."""


def learn(texts: Sequence[str], size: int | None = None) -> Tokenizer:
    """Learn a lower-case WordPiece vocabulary, normalised as BERT's is.

    Args:
        texts: what to learn from.
        size: most pieces the vocabulary may hold; None goes by the number of words.
    """
    words = _count_words(texts)
    if size is None:
        size = min(LARGEST, max(SMALLEST, words.total() // WORDS_PER_PIECE))
    alphabet = _alphabet(words)
    # The trainer numbers the characters within words in the order of a hash table, and settles ties between equally
    # frequent pairs by those numbers; naming the characters beforehand fixes both.
    within = sorted({character for word in words for character in word[1:]} & set(alphabet))
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=2,
        limit_alphabet=len(alphabet),
        initial_alphabet=alphabet,
        special_tokens=[*SPECIAL, *(CONTINUED + character for character in within)],
        show_progress=False,
    )
    learner = _tokenizer(models.WordPiece(unk_token="[UNK]"))  # noqa: S106
    learner.train_from_iterator(texts, trainer)
    return _finished(learner.get_vocab())


def _count_words(texts: Sequence[str]) -> Counter[str]:
    normalizer, splitter = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    words: Counter[str] = Counter()
    for text in texts:
        words.update(word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)))
    return words


def _alphabet(words: Counter[str]) -> list[str]:
    """The most frequent characters, in the order of their code points."""
    characters: Counter[str] = Counter()
    for word, count in words.items():
        for character in word:
            characters[character] += count
    return sorted(sorted(characters, key=lambda character: (-characters[character], character))[:ALPHABET])


def _tokenizer(model: models.WordPiece) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix=CONTINUED)
    return tokenizer


def _finished(vocabulary: dict[str, int]) -> Tokenizer:
    """A tokenizer in which only the five special tokens are special."""
    tokenizer = _tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")],
    )
    return tokenizer
