"""The catalog: names resolve to one card or to advice, and results of runs are models like any other."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.plugin_site import Site, card, new_site, plugin
from zoo.abilities import fitting_models
from zoo.card import FolderSource
from zoo.catalog import Catalog, is_local
from zoo.errors import UnknownModel
from zoo.ranking import mark


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with new_site(tmp_path / "site", monkeypatch) as site:
        yield site


@pytest.fixture
def toys(site: Site) -> Site:
    """Two plugins that share the name `base`."""
    site.install(
        "red", plugin(card("base"), card("base-large"), card("tiny", family="'ant'", labels="('Six', 'Legs')"))
    )
    site.install(
        "blue",
        plugin(card("base"), card("huge", task="'fill-mask'", abilities="{'predict': zoo.Ability(task='fill-mask')}")),
    )
    return site


def write_result(store: Path, run: str, **fields: Any) -> Path:
    """What a finished run leaves; returns its model folder."""
    folder = store / "runs" / run / "model"
    folder.mkdir(parents=True)
    manifest = {
        "name": run,
        "plugin": "red",
        "base": "tiny",
        "parent": "tiny",
        "verb": "finetune",
        "task": "text-classification",
        "labels": ["no", "yes"],
        "parameters": 12,
        "metrics": {"accuracy": 0.91666},
        **fields,
    }
    (folder / "zoo.json").write_text(json.dumps(manifest), "utf-8")
    return folder


def advice(name: str) -> tuple[str, str]:
    with pytest.raises(UnknownModel) as caught:
        Catalog.load().resolve(name)
    return caught.value.message, caught.value.hint


@pytest.mark.parametrize(
    ("name", "full_name"),
    [
        ("tiny", "red/tiny"),
        ("red/tiny", "red/tiny"),
        ("ti", "red/tiny"),
        ("red/t", "red/tiny"),
        ("base-", "red/base-large"),
        ("red/base", "red/base"),
        ("blue/base", "blue/base"),
    ],
)
def test_a_name_resolves_exactly_in_full_or_by_its_unique_beginning(toys: Site, name: str, full_name: str) -> None:
    assert Catalog.load().resolve(name).full_name == full_name


def test_a_bare_name_that_two_plugins_use_is_refused_naming_both(toys: Site) -> None:
    assert advice("base") == ("'base' may be any of blue/base, red/base", "say which, such as blue/base")


def test_an_ambiguous_beginning_is_refused_with_names_that_do_resolve(toys: Site) -> None:
    message, _ = advice("b")

    assert message == "'b' may be any of blue/base, red/base, base-large, huge"
    assert [Catalog.load().resolve(name).name for name in ("blue/base", "huge", "red/base", "base-large")]


def test_an_unknown_name_gets_the_nearest_ones(toys: Site) -> None:
    assert advice("tinny") == ("there is no model 'tinny'", "did you mean tiny or red/tiny?")
    assert advice("nothing-like-it") == ("there is no model 'nothing-like-it'", "zoo ls lists the models")
    assert advice("")[0] == "there is no model ''"


def test_a_name_that_is_missing_may_be_that_of_a_broken_plugin(toys: Site) -> None:
    toys.install("green", "raise RuntimeError('no money')")

    broken = "green (RuntimeError: no money)"
    assert advice("nothing-like-it")[1] == f"zoo ls lists the models; plugins that failed to load: {broken}"
    assert Catalog.load().resolve("tiny").name == "tiny"


def test_search_needs_everything_given(toys: Site) -> None:
    catalog = Catalog.load()

    def names(*words: str, **filters: Any) -> list[str]:
        return [one.full_name for one in catalog.search(" ".join(words), **filters)]

    assert names() == ["blue/base", "blue/huge", "red/base", "red/base-large", "red/tiny"]
    assert names("BASE", "red") == ["red/base", "red/base-large"]
    assert names("legs") == names("ant") == ["red/tiny"]
    assert names(task="fill-mask") == ["blue/huge"]
    assert names(task="text") == []
    assert names(plugin="blue") == ["blue/base", "blue/huge"]
    assert names("base", plugin="blue", task="text-classification") == ["blue/base"]
    assert names(local=True) == []


def test_the_result_of_a_run_is_a_model(toys: Site, store: Path) -> None:
    sha256 = hashlib.sha256(b"1234").hexdigest()
    folder = write_result(store, "my-run", files=[{"name": "w.bin", "sha256": sha256, "size_bytes": 4}])
    (folder / "w.bin").write_bytes(b"1234")

    result = Catalog.load().resolve("my-run")

    assert (result.full_name, result.family, result.labels, result.parameters) == (
        "red/my-run",
        "ant",
        ("no", "yes"),
        12,
    )
    assert result.summary == "tiny, fine-tuned: accuracy 0.917"
    assert result.ability("predict").task == "text-classification"
    assert result.weights is not None
    assert result.weights.sources == (FolderSource(path=str(folder)),)
    assert result.weights.size_bytes == 4
    assert is_local(result)
    assert [card.name for card in Catalog.load().search(local=True)] == ["my-run"]


def test_models_that_take_a_kind_of_input_are_offered_recommended_ones_first(site: Site, store: Path) -> None:
    weights = "zoo.Weights(files=(), sources=(zoo.HubSource(repository='a/b', revision='1' * 40),))"
    both = "(zoo.Ability(verb='finetune', task='text-classification', options=zoo.FinetuneOptions), "
    both += "zoo.Ability(verb='predict', task='fill-mask'), zoo.Ability(verb='predict', task='feature-extraction'))"
    best = card("best", abilities=both, weights=weights, recommended_for="('feature-extraction',)")
    demonstration = card("shown", abilities=both, weights=weights, demonstration="True")
    site.install(
        "red", plugin(card("tiny", abilities=both), demonstration, card("old", abilities=both, weights=weights), best)
    )
    write_result(store, "mine")

    catalog = Catalog.load()

    for_predicting = [(one.name, task) for one, task in catalog.taking("text", "predict")]
    assert for_predicting[0] == ("best", "feature-extraction")
    assert [name for name, _ in for_predicting] == ["best", "mine", "old", "shown"]
    assert [one.name for one, _ in catalog.taking("text", "finetune")] == ["mine", "best", "old", "tiny", "shown"]
    assert fitting_models("text", "predict", catalog) == (
        "models that take texts: best (recommended), mine, old, shown (zoo ls --task feature-extraction)"
    )
    assert fitting_models("text", "finetune", catalog) == (
        "models that take texts: mine, best, old, tiny (zoo ls --task text-classification)"
    )


def test_a_result_is_not_recommended_because_its_base_is(site: Site, store: Path) -> None:
    site.install("red", plugin(card("tiny", recommended_for="('text-classification',)")))
    write_result(store, "mine")

    catalog = Catalog.load()

    assert [(one.name, mark(one)) for one in catalog.cards] == [("tiny", "from scratch"), ("mine", "own run")]
    assert catalog.resolve("mine").recommended_for == ()


def test_a_result_answers_the_task_it_was_made_for(toys: Site, store: Path) -> None:
    write_result(store, "masks", verb="pretrain", task="fill-mask", labels=[], metrics={})

    card = Catalog.load().resolve("masks")

    assert (card.task, card.ability("predict").task) == ("fill-mask", "fill-mask")
    assert card.summary == "tiny, pretrained"
    assert card.tasks == ("fill-mask",)


def test_results_come_the_newest_first_before_models_that_start_from_scratch(toys: Site, store: Path) -> None:
    for age, name in enumerate(("new", "older", "oldest")):
        manifest = write_result(store, name) / "zoo.json"
        os.utime(manifest, (1_700_000_000 - age, 1_700_000_000 - age))

    assert [one.name for one in Catalog.load().cards][:4] == ["new", "older", "oldest", "base"]


def test_a_result_whose_plugin_is_gone_is_left_out(toys: Site, store: Path) -> None:
    write_result(store, "orphan", plugin="black")
    write_result(store, "baseless", base="gone")

    catalog = Catalog.load()

    assert not {"orphan", "baseless"} & {one.name for one in catalog.cards}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"name": "\xff"}',
        b'{"name": "bad", "plugin": "red"}',
        b'{"name":"bad","plugin":"red","base":"tiny","parent":"tiny","verb":"finetune","task":"fill-mask",'
        b'"files":[{"name":"../../secret"}]}',
    ],
)
def test_a_broken_manifest_is_told_and_disturbs_nothing(toys: Site, store: Path, content: bytes) -> None:
    write_result(store, "fine")
    (write_result(store, "bad") / "zoo.json").write_bytes(content)

    catalog = Catalog.load()

    assert catalog.cards[0].name == "fine"
    assert len(catalog.problems) == 1
    assert catalog.problems[0].startswith("the result of run bad cannot be read: ")
    assert advice("bad")[0] == "there is no model 'bad'"


def test_a_manifest_that_is_a_folder_is_told(toys: Site, store: Path) -> None:
    (store / "runs" / "bad" / "model" / "zoo.json").mkdir(parents=True)

    assert Catalog.load().problems[0].startswith("the result of run bad cannot be read: ")


def test_a_result_in_a_folder_that_cannot_be_typed_is_told(toys: Site, store: Path) -> None:
    write_result(store, "my run", name="my-run")

    catalog = Catalog.load()

    assert len(catalog.problems) == 1
    assert "my run" not in {one.name for one in catalog.cards}


def test_a_run_named_like_a_model_of_its_plugin_leaves_that_model_reachable(toys: Site, store: Path) -> None:
    folder = write_result(store, "tiny")

    catalog = Catalog.load()

    assert catalog.resolve("tiny").labels == ("Six", "Legs")
    assert catalog.problems == (f"run tiny has the name of a model of plugin red: rename {folder.parent}",)


def test_a_run_named_like_a_model_of_another_plugin_is_reachable_in_full(toys: Site, store: Path) -> None:
    write_result(store, "huge")

    assert advice("huge") == ("'huge' may be any of red/huge, blue/huge", "say which, such as red/huge")
    assert Catalog.load().resolve("red/huge").labels == ("no", "yes")


def test_a_field_that_a_later_version_adds_to_a_manifest_is_no_obstacle(toys: Site, store: Path) -> None:
    write_result(store, "from-the-future", invented_later=True)

    assert Catalog.load().resolve("from-the-future").parameters == 12
