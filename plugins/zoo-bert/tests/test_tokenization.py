"""Texts become the ids that transformers would give them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import WhitespaceSplit
from zoo_bert.tokenization import save_tokenizer, tokenizer_of

from zoo import StoreInvalid, Unsupported
from zoo.training.text import encode
from zoo.training.text.tokenizer_files import load_tokenizer
from zoo.training.text.vocabulary import SPECIAL, learn

TEXTS = ["Hello, wörld!", "a [MASK] of 你好", "don't… " * 60, "x"]


def ids(tokenizer: Tokenizer) -> list[list[int]]:
    return [text.ids for text in encode(tokenizer, TEXTS, 40)]


def test_ids_are_those_of_transformers(minilm: Path) -> None:
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(minilm)
    expected = theirs(TEXTS, truncation=True, max_length=40)["input_ids"]
    assert expected == ids(load_tokenizer(minilm, SPECIAL))


def test_padding_and_truncation_asked_for_by_the_file_are_ours_to_do(minilm: Path) -> None:
    stated = json.loads((minilm / "tokenizer.json").read_text(encoding="utf-8"))
    assert stated["padding"]
    assert stated["truncation"]["max_length"] == 128
    short, exact, long = encode(load_tokenizer(minilm, SPECIAL), ["hi", "word " * 254, "word " * 255], 256)
    assert (3, 256, 256) == (len(short.ids), len(exact.ids), len(long.ids))
    assert (False, False, True) == (short.truncated, exact.truncated, long.truncated)


@pytest.mark.parametrize("origin", ["minilm", "learnt"])
def test_a_saved_tokenizer_loads_with_auto_tokenizer_alone(origin: str, minilm: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = load_tokenizer(minilm, SPECIAL) if origin == "minilm" else learn(TEXTS, 150)
    save_tokenizer(tokenizer, 40, tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert 40 == loaded.model_max_length
    assert ids(tokenizer) == loaded(TEXTS, truncation=True)["input_ids"]
    assert ids(tokenizer) == ids(load_tokenizer(tmp_path, SPECIAL))
    assert "[MASK]" == loaded.mask_token
    assert "BertTokenizer" == json.loads((tmp_path / "tokenizer_config.json").read_text())["tokenizer_class"]


def test_a_learnt_tokenizer_is_kept_with_the_checkpoints_and_read_back(make_run) -> None:
    run = make_run()
    learnt = tokenizer_of(run).to_str()
    stored = run.checkpoints_folder / "tokenizer.json"
    assert learnt == stored.read_text(encoding="utf-8")
    other = make_run(folder=run.folder, train=run.train[:2])
    assert learnt == tokenizer_of(other).to_str()


def test_other_ranks_and_dry_runs_write_nothing_and_learn_the_same(make_run) -> None:
    first, second, dry = make_run(), make_run(rank=1, world_size=2), make_run(dry_run=True)
    assert tokenizer_of(first).to_str() == tokenizer_of(second).to_str() == tokenizer_of(dry).to_str()
    assert not second.checkpoints_folder.exists()
    assert not dry.checkpoints_folder.exists()


def test_a_damaged_tokenizer_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(StoreInvalid, match=r"tokenizer\.json cannot be read as a tokenizer"):
        load_tokenizer(tmp_path, SPECIAL)


def test_a_tokenizer_without_berts_special_tokens_is_refused(tmp_path: Path) -> None:
    Tokenizer(WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]")).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(StoreInvalid, match=r"lacks \[PAD\], \[CLS\], \[SEP\], \[MASK\]"):
        load_tokenizer(tmp_path, SPECIAL)


def in_pieces(tokenizer: Tokenizer) -> None:
    tokenizer.pre_tokenizer = WhitespaceSplit()


def with_longer_words(tokenizer: Tokenizer) -> None:
    tokenizer.model.max_input_chars_per_word = 200


@pytest.mark.parametrize("change", [in_pieces, with_longer_words])
def test_a_tokenizer_that_splits_texts_its_own_way_is_not_trained_with(
    change: Callable[[Tokenizer], None], minilm: Path, make_run, tmp_path: Path
) -> None:
    tokenizer = load_tokenizer(minilm, SPECIAL)
    change(tokenizer)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(Unsupported, match="does not prepare texts as BERT does"):
        tokenizer_of(make_run(weights=tmp_path))
