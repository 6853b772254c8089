"""Which of the heads of a result is meant: by its name, by a task, by the data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.plugin_site import Site, card, new_site, plugin
from tests.test_catalog import write_result
from zoo.catalog import Catalog
from zoo.cli import main
from zoo.errors import UnknownModel
from zoo.model_choice import choose_model
from zoo.sources import Source, choose_sources

LABELLED, NAMES, TEXTS = "text-classification", "token-classification", "fill-mask"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with new_site(tmp_path / "site", monkeypatch) as site:
        abilities = "{'pretrain': zoo.Ability(task='fill-mask', options=zoo.DataOptions)}"
        site.install("red", plugin(card("tiny", abilities=abilities)))
        yield site


@pytest.fixture
def catalog(site: Site, store: Path) -> Catalog:
    """With a result of three heads, and one of two that do the same."""
    columns = {"input": "text", "target": "label"}
    write_heads(store, "joint", mood=(LABELLED, columns), names=(NAMES, {}), texts=(TEXTS, {}))
    write_heads(store, "pair", mood=(LABELLED, columns), haste=(LABELLED, {"input": "text", "target": "haste"}))
    return Catalog.load()


def write_heads(store: Path, run: str, **heads: tuple[str, dict[str, str]]) -> None:
    listed = [
        {"name": name, "verb": "finetune", "task": task, "columns": columns} for name, (task, columns) in heads.items()
    ]
    write_result(store, run, heads=listed)


def written(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.mark.parametrize("name", ["joint", "red/joint", "join"])
def test_a_task_chooses_its_head(catalog: Catalog, name: str) -> None:
    assert choose_model(catalog, name, "predict", NAMES).card.name == "joint.names"
    assert [card.name for card in catalog.heads(name)] == ["joint.mood", "joint.names", "joint.texts"]


@pytest.mark.parametrize("name", ["joint.names", "red/joint.names", "joint.n", "tiny"])
def test_a_model_that_is_named_is_that_one(catalog: Catalog, name: str) -> None:
    assert catalog.heads(name) == ()
    assert choose_model(catalog, name, "predict").card is catalog.resolve(name)


def test_a_training_for_another_task_begins_at_the_body(catalog: Catalog) -> None:
    assert choose_model(catalog, "pair", "pretrain", TEXTS).card.name == "pair.mood"
    assert choose_model(catalog, "pair", "pretrain").card.name == "pair.mood"
    assert choose_model(catalog, "joint", "pretrain").card.name == "joint.texts"


def test_data_choose_the_head_whose_targets_they_have(catalog: Catalog, tmp_path: Path) -> None:
    labelled = written(tmp_path / "a.jsonl", *({"text": f"a {i}", "label": "ab"[i % 2]} for i in range(6)))
    tagged = written(tmp_path / "b.jsonl", *({"tokens": ["Ada", "ran"], "tags": ["B-x", "O"]} for _ in range(3)))
    for verb in ("evaluate", "finetune"):
        assert choose_model(catalog, "joint", verb, data=str(labelled)).card.name == "joint.mood"
        choice = choose_model(catalog, "joint", verb, data=tagged)
        assert choice[:3] == (
            catalog.resolve("joint.names"),
            "joint.names is the head for these data: they hold spans",
            "names",
        )
        assert [card.name for card in choice.others] == ["joint.mood", "joint.texts"]


def test_of_two_heads_of_a_task_the_columns_decide_or_the_name(catalog: Catalog, tmp_path: Path) -> None:
    hasty = written(tmp_path / "a.jsonl", *({"text": f"a {i}", "haste": "ab"[i % 2]} for i in range(6)))
    assert choose_model(catalog, "pair", "evaluate", data=hasty).card.name == "pair.haste"

    other = written(tmp_path / "b.jsonl", *({"sentence": f"a {i}", "class": "ab"[i % 2]} for i in range(6)))
    with pytest.raises(UnknownModel, match=r"the data may be for any of them: pair\.mood .*, pair\.haste"):
        choose_model(catalog, "pair", "evaluate", data=other)


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["predict", "joint", "a"], "joint has several heads, joint.mood", "or a task: --task text-classification"),
        (["predict", "pair", "a", "--task", LABELLED], "pair has several heads, pair.mood", "such as pair.mood"),
        (["predict", "joint", "a", "--task", "text-generation"], "none of them does text-generation", "joint.mood"),
    ],
)
def test_what_does_not_choose_is_told_in_one_line(
    catalog: Catalog, words: list[str], message: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) != 0
    error = capsys.readouterr().err
    assert message in error
    assert hint in error
    assert "Traceback" not in error


def test_a_result_is_shown_with_its_heads(catalog: Catalog, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "joint"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("joint: 3 heads on one body")
    assert main(["show", "joint", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["name"] == "joint"
    assert [head["name"] for head in document["heads"]] == ["joint.mood", "joint.names", "joint.texts"]


@pytest.mark.parametrize("verb", ["predict", "evaluate", "finetune"])
def test_the_help_of_a_command_says_which_heads_there_are(
    catalog: Catalog, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as leaving:
        main([verb, "joint", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert not leaving.value.code
    assert shown.startswith(f"usage: zoo {verb}")
    assert "joint has 3 heads: name one in its place, or let --task choose:" in shown
    assert f"joint.mood {LABELLED} joint.names {NAMES} joint.texts {TEXTS}" in shown


def test_sources_on_a_result_are_for_what_their_data_are(store: Path, tmp_path: Path) -> None:
    pytest.importorskip("zoo_bert")
    labelled = written(tmp_path / "a.jsonl", *({"text": f"a {i}", "label": "ab"[i % 2]} for i in range(6)))
    tagged = written(tmp_path / "b.jsonl", *({"tokens": ["Ada", "ran"], "tags": ["B-x", "O"]} for _ in range(3)))
    write_result(store, "mine", plugin="bert", base="bert-tiny", columns={"input": "text", "label": "label"})
    sources = (Source(name="mood", data=labelled), Source(name="names", data=tagged))
    choices = choose_sources(Catalog.load().resolve("mine"), sources)
    assert [choice.ability.task for choice in choices] == [LABELLED, NAMES]
