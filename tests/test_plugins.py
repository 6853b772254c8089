"""Discovery: whatever a plugin does wrong is told as a value that names it, and disturbs no other plugin."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import zoo
from tests.plugin_site import Site, card, new_site, plugin
from zoo.cli.commands import COMMANDS
from zoo.cli.parser import new_parser
from zoo.errors import PluginBroken, UnknownPlugin
from zoo.plugin_checks import RESERVED
from zoo.plugins import PluginFailure, load_plugin, load_plugins, plugin_names


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with new_site(tmp_path / "site", monkeypatch) as site:
        yield site


def only_failure(site: Site, source: str) -> PluginFailure:
    """What becomes of a plugin called bad, beside one that must go on working."""
    site.install("good", plugin(card("fine")))
    site.install("bad", source)
    plugins, failures = load_plugins()
    assert [(p.name, [c.name for c in p.cards]) for p in plugins] == [("good", ["fine"])]
    assert [failure.name for failure in failures] == ["bad"]
    return failures[0]


def test_no_plugins_is_an_answer(site: Site) -> None:
    assert (plugin_names(), load_plugins()) == ((), ((), ()))


def test_a_plugin_tells_its_distribution_hooks_and_cards(site: Site) -> None:
    more = "@zoo.hookimpl\ndef predict(run): ...\n@zoo.hookimpl\ndef finetune(): ...\n"
    site.install("toy", plugin(card("one"), card("two"), more=more), distribution="toy-models", version="2.3")

    found = load_plugin("toy")

    assert (found.name, found.distribution, found.version) == ("toy", "toy-models", "2.3")
    assert found.hooks == ("cards", "finetune", "predict")
    assert [one.full_name for one in found.cards] == ["toy/one", "toy/two"]
    assert found.import_ms > 0


def test_cards_may_come_one_by_one(site: Site) -> None:
    predict = "@zoo.hookimpl\ndef predict(run): ...\n"
    cards = f"@zoo.hookimpl\ndef cards():\n    yield {card('one')}\n    yield {card('two')}\n"
    site.install("toy", f"import zoo\n{predict}{cards}")

    assert [one.name for one in load_plugin("toy").cards] == ["one", "two"]


def test_a_card_promises_only_what_there_is_a_hook_for(site: Site) -> None:
    failure = only_failure(site, f"import zoo\n@zoo.hookimpl\ndef cards():\n    return [{card('one')}]\n")

    assert failure.error == "card 'one' says it can predict, but the plugin has no hook predict"


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


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("raise RuntimeError('no such luck')", "no such luck"),
        ("import zoo\n@zoo.hookimpl\ndef cards():\n    raise RuntimeError('no such luck')\n", "no such luck"),
        ("import zoo\n@zoo.hookimpl\ndef cards():\n    yield 1 / 0\n", "division by zero"),
    ],
)
def test_the_command_of_the_hint_shows_the_whole_error(site: Site, source: str, shown: str) -> None:
    hint = only_failure(site, source).hint
    code = hint.partition("python -c '")[2].partition("'")[0]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False)

    assert "Traceback" in done.stderr
    assert shown in done.stderr


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


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import zoo\n@zoo.hookimpl\ndef finetun(run): ...", "'finetun' is no hook; did the author mean 'finetune'?"),
        ("import zoo\n@zoo.hookimpl\ndef xyz(run): ...", "'xyz' is no hook"),
        ("import zoo\n@zoo.hookimpl\ndef predict(rnu): ...", "predict() takes rnu, but the hook gives run"),
        ("import zoo\n@zoo.hookimpl\ndef cards(run): ...", "cards() takes run, but the hook gives no arguments"),
        ("import zoo\ndef cards(): return []", "cards() is not marked as a hook"),
        ("", "zoo_bad implements no hook"),
    ],
)
def test_a_plugin_whose_hooks_are_wrong_is_a_failure(site: Site, source: str, error: str) -> None:
    assert error in only_failure(site, source).error


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("return ['model']", "cards() gives a str, not a zoo.Card"),
        ("return [None]", "cards() gives a NoneType, not a zoo.Card"),
        ("pass", "cards() gives None, not a list of cards"),
        ("return 3", "TypeError: 'int' object is not iterable"),
        (f"return {card()}", "TypeError: 'Card' object is not iterable"),
        (f"yield {card()}\n    raise RuntimeError('half way')", "RuntimeError: half way"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        (f"return [{card('a')}, {card('b')}, {card('a')}]", "cards() gives a twice"),
    ],
)
def test_cards_that_are_none_are_a_failure(site: Site, body: str, error: str) -> None:
    assert error in only_failure(site, f"import zoo\n@zoo.hookimpl\ndef cards():\n    {body}\n").error


def weights(name: str = "model.safetensors", sha256: str = "a" * 64, sources: str = "()") -> str:
    return f"zoo.Weights(files=(zoo.WeightsFile(name={name!r}, sha256={sha256!r}),), sources={sources})"


ABILITY = "zoo.Ability(task='text-classification')"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"summary": "7"}, "`$.summary`"),
        ({"summary": "'\\udc80'"}, "surrogates not allowed"),
        ({"parameters": "-1"}, "`$.parameters`"),
        ({"parameters": "'many'"}, "`$.parameters`"),
        ({"labels": "'yes'"}, "`$.labels`"),
        ({"architecture": "{'layers': object()}"}, "a object cannot be part of a card"),
        ({"architecture": "{'layers': int}"}, "a type cannot be part of a card"),
        ({"input": "zoo.TextInput(max_tokens=0)"}, "`$.input.max_tokens`"),
        ({"task": "'text-clasification'"}, "there is no task 'text-clasification'"),
        ({"task": "[]"}, "`$.task`"),
        ({"abilities": "None"}, "`$.abilities`"),
        ({"abilities": "{'train': " + ABILITY + "}"}, "'train' is no verb; verbs are pretrain, finetune, predict"),
        ({"abilities": "{'predict': 'text-classification'}"}, "the ability to predict is a str, not a zoo.Ability"),
        ({"abilities": "{'predict': zoo.Ability(task='dance')}"}, "there is no task 'dance'"),
        ({"recommended_for": "'text-classification'"}, "`$.recommended_for`"),
        (
            {"recommended_for": "('text-clasification',)"},
            "it is recommended for text-clasification, but has abilities for text-classification",
        ),
        (
            {"recommended_for": "('fill-mask',)", "task": "'fill-mask'", "abilities": "()"},
            "it is recommended for fill-mask, but has no abilities",
        ),
        (
            {"recommended_for": "('text-classification',)", "demonstration": "True"},
            "it is a demonstration, and recommended for text-classification; choose one",
        ),
        ({"weights": "'model.safetensors'"}, "`$.weights`"),
        ({"weights": weights(sha256="abc")}, "`$.weights.files[0].sha256`"),
        ({"weights": weights(sha256="A" * 64)}, "`$.weights.files[0].sha256`"),
        ({"weights": weights(sha256="a" * 64 + "\n")}, "`$.weights.files[0].sha256`"),
        ({"weights": weights(name="../../.bashrc")}, "`$.weights.files[0].name`"),
        ({"weights": weights(name="a/../../b")}, "`$.weights.files[0].name`"),
        ({"weights": weights(name="..")}, "`$.weights.files[0].name`"),
        ({"weights": weights(name="/etc/passwd")}, "`$.weights.files[0].name`"),
        ({"weights": weights(name="~/file")}, "`$.weights.files[0].name`"),
        ({"weights": weights(name="..\\file")}, "`$.weights.files[0].name`"),
        ({"weights": weights(name="C:file")}, "`$.weights.files[0].name`"),
        ({"weights": weights(name="")}, "`$.weights.files[0].name`"),
        ({"weights": weights(sources="(zoo.UrlSource(base_url='file:///etc'),)")}, "`$.weights.sources[0].base_url`"),
        (
            {"weights": weights(sources="(zoo.HubSource(repository='a/b', revision='main'),)")},
            "`$.weights.sources[0].revision`",
        ),
    ],
)
def test_a_card_with_wrong_content_is_a_failure_that_names_card_and_field(
    site: Site, fields: dict[str, str], error: str
) -> None:
    failure = only_failure(site, plugin(card(), card("culprit", **fields)))

    assert failure.error.startswith("card 'culprit': ")
    assert error in failure.error


@pytest.mark.parametrize("name", ["", "../x", "a b", "a/b", "-x", "x\n", "x" * 121])
def test_a_model_name_must_be_one_that_can_be_typed(site: Site, name: str) -> None:
    told = "length <= 120" if len(name) > 120 else "a name is of letters, digits, dots, dashes and underscores"
    assert told in only_failure(site, plugin(card(name))).error


@pytest.mark.parametrize(
    ("declaration", "error"),
    [
        ("class Mine(zoo.Options, frozen=True):\n    depth: int = 1", "Mine.depth is not annotated with option(...)"),
        (
            "class Mine(zoo.Options, frozen=True):\n    depth: Annotated[int, zoo.option('')] = 1",
            "Mine.depth has no option(...) with a help text",
        ),
        (
            "class Mine(zoo.Options, frozen=True):\n    depth: Annotated[int, zoo.option('Deep.')]",
            "Mine.depth has no default",
        ),
        (
            "class Mine(zoo.Options, frozen=True):\n    depth: Annotated[list, zoo.option('Deep.')] = None",
            "Mine.depth is <class 'list'>; an option is",
        ),
        (
            "class Mine(zoo.Options, frozen=True):\n    depth: Annotated[int, zoo.option('Deep.', ge=3)] = 2",
            "--depth is 2, but takes a whole number, at least 3",
        ),
        ("class Mine(zoo.Options, frozen=True): pass", "lack eval_share, max_rejected, seed; extend zoo.DataOptions"),
        (
            "class Mine(zoo.DataOptions, frozen=True):\n    device: Annotated[int, zoo.option('Where.', ge=0)] = 0",
            "the option device to finetune has the name of --device, which zoo itself takes",
        ),
        (
            "class Mine(zoo.DataOptions, frozen=True):\n    dry_run: Annotated[bool, zoo.option('Dry.')] = False",
            "the option dry_run to finetune has the name of --dry-run, which zoo itself takes",
        ),
        (
            "class Mine(zoo.DataOptions, frozen=True, kw_only=True):\n"
            "    where: Annotated[int, zoo.option('Where.', ge=0, aliases=('eval-data',))] = 0",
            "the option where to finetune has the name of --eval-data, which zoo itself takes",
        ),
        (
            "class Mine(zoo.DataOptions, frozen=True, kw_only=True):\n"
            "    fold: Annotated[bool, zoo.option('Fold.')] = True\n"
            "    no_fold: Annotated[bool, zoo.option('Do not.')] = False",
            "the options fold and no_fold to finetune both have the name of --no-fold",
        ),
        (
            "class Mine(zoo.DataOptions, frozen=True, kw_only=True):\n"
            "    width: Annotated[int, zoo.option('Wide.', ge=0)] = 0\n"
            "    size: Annotated[int, zoo.option('Large.', ge=0, aliases=('width',))] = 0",
            "the options width and size to finetune both have the name of --width",
        ),
        ("class Mine: pass", "the options to finetune are no subclass of zoo.Options"),
        ("Mine = zoo.Options()", "the options to finetune are"),
    ],
)
def test_an_option_set_that_no_view_can_render_is_a_failure(site: Site, declaration: str, error: str) -> None:
    ability = "zoo.Ability(task='text-classification', options=Mine)"
    source = plugin(card(abilities=f"{{'finetune': {ability}}}"), more=f"from typing import Annotated\n{declaration}\n")

    assert error in only_failure(site, source).error


def test_no_option_can_have_the_name_of_what_the_commands_and_functions_take() -> None:
    taken = set[str]()
    for verb in ("finetune", "pretrain", "predict", "evaluate"):
        command = importlib.import_module(COMMANDS[verb][0])
        parser = new_parser(verb, command, "")
        command.complete_parser(parser, [])
        actions = [action for action in parser._actions if not action.dest.startswith("option_")]
        taken |= {flag[2:].replace("-", "_") for action in actions for flag in action.option_strings if flag[1] == "-"}
    for function in (zoo.finetune, zoo.pretrain, zoo.evaluate, zoo.predict_file, zoo.load):
        named = [one for one in inspect.signature(function).parameters.values() if one.kind is not one.VAR_KEYWORD]
        taken |= {one.name for one in named}

    assert taken == RESERVED, "a flag or an argument has come or gone: say so in zoo.plugin_checks.RESERVED"


def test_a_wrong_type_is_told_even_where_it_is_an_instance(site: Site) -> None:
    failure = only_failure(site, plugin(card(abilities="{'predict': zoo.Ability(task='fill-mask', options=None)}")))

    assert failure.error == "card 'model': the options to predict are no subclass of zoo.Options"


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
