"""What config.json may say, and what is made of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from zoo_bert.config import ACTIVATIONS, Shape, head_of, new_config, read_config, with_dropout

from zoo import StoreInvalid, Unsupported
from zoo.training.head import HeadConfig


def written(folder: Path, **config: object) -> Path:
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_code_from_a_repository_is_never_run(tmp_path: Path) -> None:
    (tmp_path / "modeling.py").write_text("raise SystemExit('ran')")
    with pytest.raises(Unsupported, match="asks for code of its own"):
        read_config(written(tmp_path, model_type="bert", auto_map={"AutoModel": "modeling.Model"}))


@pytest.mark.parametrize("stated", [{"model_type": "gpt2"}, {}])
def test_another_architecture_is_refused(stated: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="not BERT"):
        read_config(written(tmp_path, **stated))


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_an_unreadable_configuration_is_named(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(StoreInvalid, match=r"config\.json"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    ("stated", "complaint"),
    [
        ({"hidden_act": "silu"}, r"uses 'silu' as activation"),
        ({"position_embedding_type": "relative_key"}, "variant"),
        ({"is_decoder": True}, "variant"),
    ],
)
def test_variants_that_are_not_computed_here_are_refused(stated: dict[str, object], complaint: str, card) -> None:
    with pytest.raises(Unsupported, match=complaint):
        Shape.of(new_config(card("bert-tiny"), 50) | stated)


def test_both_ways_to_compute_know_the_same_activations() -> None:
    from zoo_bert import bert

    assert set(ACTIVATIONS) == set(bert.ACTIVATIONS)


def test_labels_of_a_folder_are_those_of_its_classifier(classifier: Path, language_model: Path, minilm: Path) -> None:
    assert HeadConfig(labels=("delivery", "refund", "app")) == head_of(read_config(classifier))
    assert None is head_of(read_config(language_model)) is head_of(read_config(minilm))


def test_dropout_is_the_one_asked_for_or_the_models_own(minilm: Path) -> None:
    stated = read_config(minilm)
    assert stated == with_dropout(stated, None)
    changed = with_dropout(stated, 0.3)
    assert [0.3, 0.3] == [changed[f"{kind}_dropout_prob"] for kind in ("hidden", "attention_probs")]
