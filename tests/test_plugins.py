"""Discovery: a plugin that cannot be loaded is a failure that names it, and disturbs no other plugin."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugin_site import Site, card, only_failure, plugin
from zoo.errors import PluginBroken, UnknownPlugin
from zoo.plugins import load_plugin, load_plugins, plugin_names


def test_no_plugins_is_an_answer(site: Site) -> None:
    assert (plugin_names(), load_plugins()) == ((), ((), ()))


def test_a_plugin_tells_its_distribution_hooks_and_cards(site: Site) -> None:
    more = "@zoo.hookimpl\ndef predict(run): ...\n@zoo.hookimpl\ndef finetune(): ...\n"
    site.install("toy", plugin(card("one"), card("two"), more=more), distribution="toy-models", version="2.3")

    loaded = load_plugin("toy")

    assert (loaded.name, loaded.distribution, loaded.version) == ("toy", "toy-models", "2.3")
    assert loaded.hooks == ("cards", "finetune", "predict")
    assert [one.full_name for one in loaded.cards] == ["toy/one", "toy/two"]
    assert loaded.import_ms > 0


def test_cards_may_come_one_by_one(site: Site) -> None:
    predict = "@zoo.hookimpl\ndef predict(run): ...\n"
    cards = f"@zoo.hookimpl\ndef cards():\n    yield {card('one')}\n    yield {card('two')}\n"
    site.install("toy", f"import zoo\n{predict}{cards}")

    assert [one.name for one in load_plugin("toy").cards] == ["one", "two"]


def test_plugin_names_imports_nothing(site: Site) -> None:
    site.install("b", "raise ImportError('never')")
    site.install("a", plugin())

    assert plugin_names() == ("a", "b")
    assert not {"zoo_a", "zoo_b"} & set(sys.modules)


def test_load_plugin_imports_exactly_one(site: Site) -> None:
    site.install("a", plugin())
    site.install("b", plugin())

    load_plugin("a")

    assert {"zoo_a", "zoo_b"} & set(sys.modules) == {"zoo_a"}


def test_zoo_plugins_leaves_only_the_named_ones(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        site.install(name, plugin())
    monkeypatch.setenv("ZOO_PLUGINS", " c, a,missing")
    assert plugin_names() == ("a", "c")
    assert [one.name for one in load_plugins()[0]] == ["a", "c"]
    with pytest.raises(UnknownPlugin, match=r"(?s)'b'.*installed: a, c"):
        load_plugin("b")

    monkeypatch.setenv("ZOO_PLUGINS", "")
    assert plugin_names() == ()

    monkeypatch.delenv("ZOO_PLUGINS")
    assert {"a", "b", "c"} <= set(plugin_names())


def test_an_unknown_plugin_is_told_with_what_is_installed(site: Site) -> None:
    site.install("toy", plugin())
    with pytest.raises(UnknownPlugin) as caught:
        load_plugin("tyo")
    assert (caught.value.message, caught.value.hint) == ("there is no plugin 'tyo'", "installed: toy")


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("raise RuntimeError('no such luck')", "RuntimeError: no such luck"),
        ("import zoo_needs_this", "ModuleNotFoundError: No module named 'zoo_needs_this'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def broken(:", "SyntaxError: invalid syntax"),
        ("import zoo\nzoo.no_such_name", "AttributeError: module 'zoo' has no attribute 'no_such_name'"),
        ("raise RuntimeError('two\\nlines \\x1b[31mred\\x1b[0m')", "RuntimeError: two lines red"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_a_failure(site: Site, source: str, error: str) -> None:
    failure = only_failure(site, source)

    assert failure.error.startswith(error)
    assert (failure.distribution, failure.version) == ("zoo-bad", "1.0")
    assert failure.hint.startswith("update or uninstall zoo-bad")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("raise RuntimeError('no such luck')", "no such luck"),
        ("import zoo\n@zoo.hookimpl\ndef cards():\n    raise RuntimeError('no such luck')\n", "no such luck"),
        ("import zoo\n@zoo.hookimpl\ndef cards():\n    yield 1 / 0\n", "division by zero"),
    ],
)
def test_the_command_of_the_hint_shows_the_whole_error(site: Site, source: str, error: str) -> None:
    hint = only_failure(site, source).hint
    code = hint.partition("python -c '")[2].partition("'")[0]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False)

    assert "Traceback" in done.stderr
    assert error in done.stderr


def test_a_plugin_that_ends_the_process_is_told_without_a_command_that_would_show_nothing(site: Site) -> None:
    assert only_failure(site, "raise SystemExit(3)").hint == "update or uninstall zoo-bad; its code ends the process"


def test_a_plugin_is_imported_once_a_process_even_where_it_fails(site: Site, tmp_path: Path) -> None:
    log = tmp_path / "imports.txt"
    note = f"with open({str(log)!r}, 'a') as file:\n    file.write(__name__ + chr(10))\n"
    site.install("owner", plugin(card(), more=note + BUILDS))
    site.install("bad", f"{note}raise RuntimeError('no such luck')")

    first = load_plugins()
    assert load_plugins()[1] == first[1]
    load_plugin("owner").hook("finetune")(run=1)
    with pytest.raises(PluginBroken):
        load_plugin("bad")
    assert sorted(log.read_text().split()) == ["zoo_bad", "zoo_owner"]

    load_plugins(anew=True)
    assert sorted(log.read_text().split()) == ["zoo_bad", "zoo_bad", "zoo_owner"]


def test_loading_a_broken_plugin_by_name_raises_what_load_plugins_tells(site: Site) -> None:
    site.install("bad", "raise RuntimeError('no such luck')")
    with pytest.raises(PluginBroken, match=r"plugin bad \(zoo-bad 1\.0\): RuntimeError: no such luck"):
        load_plugin("bad")


def test_two_distributions_with_one_entry_point_name_are_a_failure_that_names_both(site: Site) -> None:
    site.install("good", plugin(card("fine")))
    site.install("toy", plugin(card("mine")), distribution="toy-one")
    site.install("toy", plugin(card("yours")), distribution="toy-two")

    plugins, failures = load_plugins()

    assert [one.name for one in plugins] == ["good"]
    assert [failure.error for failure in failures] == ["toy-one and toy-two both call their plugin 'toy'"]
    assert failures[0].hint == "uninstall one of toy-one and toy-two"
    assert plugin_names() == ("good", "toy")
    assert not {"toy_one", "toy_two"} & set(sys.modules)


def test_one_distribution_may_have_several_plugins(site: Site) -> None:
    site.install("a", plugin(card("one")))
    entry_points = site.path / "zoo_a-1.0.dist-info" / "entry_points.txt"
    entry_points.write_text(entry_points.read_text() + "b = zoo_a\n")
    site.install("b", plugin(), distribution="unused")
    (site.path / "unused-1.0.dist-info" / "entry_points.txt").unlink()

    assert [card.full_name for one in load_plugins()[0] for card in one.cards] == ["a/one", "b/one"]


@pytest.mark.parametrize("metadata", [None, "Metadata-Version: 2.1\n"])
def test_a_half_removed_distribution_disturbs_nobody(site: Site, metadata: str | None) -> None:
    site.install("good", plugin(card("fine")))
    site.install("bad", "raise ImportError('gone')")
    path = site.path / "zoo_bad-1.0.dist-info" / "METADATA"
    path.unlink()
    if metadata is not None:
        path.write_text(metadata)

    plugins, failures = load_plugins()

    assert [one.name for one in plugins] == ["good"]
    assert [(failure.name, failure.distribution) for failure in failures] == [("bad", "unknown")]


def test_what_a_plugin_prints_while_it_is_imported_stays_out_of_the_answers(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.install("loud", plugin(more="print('hello')"))

    load_plugin("loud")

    assert tuple(capsys.readouterr()) == ("", "hello\n")


BUILDS = "@zoo.hookimpl\ndef finetune(run):\n    return [run, 'built']\n"


WRAPS = (
    "import zoo\n@zoo.hookimpl(wrapper=True)\ndef finetune(run):\n    built = yield\n    return [*built, 'wrapped']\n"
)


def test_a_hook_is_the_owners_alone(site: Site) -> None:
    site.install("owner", plugin(card(), more=BUILDS))
    site.install("other", plugin(card(), more="@zoo.hookimpl\ndef finetune(run):\n    raise AssertionError\n"))

    assert load_plugin("owner").hook("finetune")(run=1) == [1, "built"]


def test_wrapper_hooks_of_another_plugin_surround_what_takes_the_place_of_a_hook(site: Site) -> None:
    """Such as zoo's own way of answering with a network for ONNX Runtime."""
    site.install("owner", plugin(card(), more=BUILDS))
    site.install("tracer", WRAPS)

    assert load_plugin("owner").surrounded("finetune", lambda run: [run])(run=1) == [1, "wrapped"]


def test_wrapper_hooks_of_another_plugin_surround_it(site: Site) -> None:
    site.install("owner", plugin(card(), more=BUILDS))
    site.install("tracer", WRAPS)

    assert load_plugin("owner").hook("finetune")(run=1) == [1, "built", "wrapped"]
    assert load_plugin("tracer").hooks == ("finetune",)


def test_a_broken_plugin_disturbs_no_hook_of_another(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.install("owner", plugin(card(), more=BUILDS))
    site.install("exits", "raise SystemExit(1)")
    site.install("raises", "raise RuntimeError('no such luck')")
    site.install("misfit", "import zoo\n@zoo.hookimpl(wrapper=True)\ndef finetune(rnu):\n    yield\n")
    site.install("tracer", WRAPS)

    assert load_plugin("owner").hook("finetune")(run=1) == [1, "built", "wrapped"]
    assert {"exits", "raises", "misfit"} == {record.getMessage().split()[1] for record in caplog.records}


def test_a_hook_that_is_not_there_is_told_with_those_that_are(site: Site) -> None:
    site.install("owner", plugin(card(), more=BUILDS))
    with pytest.raises(PluginBroken) as caught:
        load_plugin("owner").hook("pretrain")
    assert (caught.value.message, caught.value.hint) == (
        "plugin owner has no hook 'pretrain'",
        "it has cards, finetune, predict",
    )
