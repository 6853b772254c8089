"""What a plugin's hooks, cards and options must keep; the failure names the plugin, the card and the field."""

from __future__ import annotations

import importlib
import inspect

import pytest

import zoo
from tests.plugin_site import Site, card, only_failure, plugin
from zoo.cli.commands import COMMANDS
from zoo.cli.parser import new_parser
from zoo.option_checks import RESERVED


def test_a_card_promises_only_what_there_is_a_hook_for(site: Site) -> None:
    failure = only_failure(site, f"import zoo\n@zoo.hookimpl\ndef cards():\n    return [{card('one')}]\n")

    assert failure.error == "card 'one' says it can predict, but the plugin has no hook predict, nor body"


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
        ({"labels": "('yes', 3)"}, "got `int` - at `$.labels[1]`"),
        ({"labels": "('caf\\udce9',)"}, "surrogates not allowed"),
        ({"architecture": "{'layers': object()}"}, "an object cannot be part of a card"),
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
            {"weights": weights(sources="(zoo.WheelSource(distribution='-r', version='1', folder='w'),)")},
            "`$.weights.sources[0].distribution`",
        ),
        (
            {"weights": weights(sources="(zoo.WheelSource(distribution='a', version='1,>2', folder='w'),)")},
            "`$.weights.sources[0].version`",
        ),
        (
            {"weights": weights(sources="(zoo.WheelSource(distribution='a', version='1', folder='w/../../x'),)")},
            "`$.weights.sources[0].folder`",
        ),
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
    message = "length <= 120" if len(name) > 120 else "a name is of letters, digits, dots, dashes and underscores"
    assert message in only_failure(site, plugin(card(name))).error


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
    reserved = set[str]()
    for commanded in (
        "finetune",
        "pretrain",
        "federate",
        "federate serve",
        "federate join",
        "predict",
        "evaluate",
        "audit",
        "shrink",
    ):
        verb, *words = commanded.split()
        command = importlib.import_module(COMMANDS[verb][0])
        parser = new_parser(verb, command, "")
        command.complete_parser(parser, words)
        actions = [action for action in parser._actions if not action.dest.startswith("option_")]
        reserved |= {
            flag[2:].replace("-", "_") for action in actions for flag in action.option_strings if flag[1] == "-"
        }
    functions = (
        zoo.finetune,
        zoo.pretrain,
        zoo.federate,
        zoo.evaluate,
        zoo.audit,
        zoo.predict_file,
        zoo.shrink,
        zoo.load,
    )
    for function in (*functions, zoo.serve_federation, zoo.join_federation):
        parameters = [one for one in inspect.signature(function).parameters.values() if one.kind is not one.VAR_KEYWORD]
        reserved |= {one.name for one in parameters}

    assert reserved == RESERVED, "a flag or an argument has come or gone: say so in zoo.option_checks.RESERVED"


def test_a_wrong_type_is_told_even_where_it_is_an_instance(site: Site) -> None:
    failure = only_failure(site, plugin(card(abilities="{'predict': zoo.Ability(task='fill-mask', options=None)}")))

    assert failure.error == "card 'model': the options to predict are no subclass of zoo.Options"
