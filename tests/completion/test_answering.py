"""What may stand where the cursor is, by an index of one plugin."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from tests.plugin_site import Site, card, plugin
from zoo import plugin_list
from zoo.cli.commands import COMMANDS
from zoo.cli.completion_index import build
from zoo.completion import index
from zoo.completion.answering import FILES_LINE, lines
from zoo.completion.line import split

OPTIONS = """
from typing import Annotated, Literal
class Mine(zoo.DataOptions, frozen=True, kw_only=True):
    depth: Annotated[int, zoo.option("How deep.", ge=1)] = 2
    way: Annotated[Literal["up", "down"], zoo.option("Where to.")] = "up"
    deaf: Annotated[bool, zoo.option("Hear nothing.")] = False
"""
ABILITIES = "{'finetune': zoo.Ability(task='text-classification', options=Mine)}"


@pytest.fixture(autouse=True)
def made(site: Site) -> index.Index:
    """The index of two models, one of which can be trained."""
    trained = card("bold", abilities=ABILITIES, summary="'a \\x1b[31mbold\\x1b[0m one'")
    site.install("toy", plugin(trained, card("meek"), more=OPTIONS))
    return build()


def answered(line: str) -> list[str]:
    """What fish would be offered, without what is said of it."""
    known = index.read()
    assert known is not None
    return [one.partition("\t")[0] for one in lines("fish", split(line), known)]


def result_of(store: Path, name: str, base: str = "bold", *heads: str) -> None:
    """A run that has left a model."""
    folder = store / "runs" / name / "model"
    folder.mkdir(parents=True)
    (folder / "zoo.json").write_text(json.dumps({"base": base}))
    (folder.parent / "run.json").write_text("{}")
    for head in heads:
        (folder / "heads" / head).mkdir(parents=True)


def test_commands_come_first() -> None:
    assert list(COMMANDS) == answered("zoo ")
    assert ["finetune"] == answered("zoo fine")
    assert ["finetune"] == answered("zoo -v fine")
    assert "--version" in answered("zoo --")
    assert answered("zoo dance ") == []


def test_models_are_named_with_what_is_said_of_them(made: index.Index) -> None:
    assert ["bold", "meek"] == answered("zoo show ")
    assert ["toy/bold", "toy/meek"] == answered("zoo show toy/")
    assert ["bold\ta bold one"] == lines("fish", ["zoo", "show", "b"], made)
    assert ["bold:a bold one"] == lines("zsh", ["zoo", "show", "b"], made)
    assert ["bold"] == answered("zoo data inspect rows.csv --model b")
    assert ["bold", "meek"] == answered("zoo compare ")


def test_the_options_of_the_named_model_are_flags() -> None:
    assert ["--depth"] == answered("zoo finetune bold --dep")
    assert ["--deaf"] == answered("zoo finetune bold --dea")
    assert ["--no-deaf"] == answered("zoo finetune bold --no-dea")
    assert answered("zoo finetune meek --dep") == []
    assert ["up", "down"] == answered("zoo finetune bold --way ")
    assert ["--way=up", "--way=down"] == answered("zoo finetune bold --way=")


def test_a_flag_is_offered_once_unless_it_may_stand_there_several_times() -> None:
    assert "--depth" not in answered("zoo finetune bold --depth 3 --d")
    assert "--column" in answered("zoo finetune bold --column a=b --col")
    assert answered("zoo finetune bold -- --d") == []


def test_flags_that_few_people_need_are_offered_to_those_who_begin_to_type_them() -> None:
    assert "--data" in answered("zoo finetune bold --")
    assert "--shard" not in answered("zoo finetune bold --")
    assert "--shard" in answered("zoo finetune bold --s")


def test_a_value_is_not_taken_for_a_model_nor_a_flag_of_another_tool_for_a_switch() -> None:
    assert ["bold", "meek"] == answered("zoo finetune --data rows.csv ")
    assert ["bold", "meek"] == answered("zoo finetune --micro_batch_size 3 ")
    assert ["bold", "meek"] == answered("zoo finetune --gradient-checkpointing ")


def test_files_are_left_to_the_shell() -> None:
    for line in (
        "zoo finetune bold --data ",
        "zoo finetune bold --data=",
        "zoo finetune bold --source mood=",
        "zoo predict bold ",
        "zoo data inspect ",
        "zoo federate bold --clients ",
        "zoo export mine --bundle ",
    ):
        assert [FILES_LINE] == answered(line)
    assert FILES_LINE not in answered("zoo show ")


def test_devices_precisions_tasks_and_plugins_are_known(store: Path, made: index.Index) -> None:
    devices = store / "cache" / "devices.json"
    devices.parent.mkdir(exist_ok=True)
    before = devices.read_bytes() if devices.exists() else None
    devices.write_text(json.dumps({"devices": [{"name": "cpu"}, {"name": "cuda:0", "description": "Made up"}]}))
    try:
        assert ["auto", "cpu", "cuda", "cuda:0"] == answered("zoo finetune bold --device ")
        for damaged in ('{"devices": [1]}', '{"devices": ["cpu"]}', '{"devices": [{}]}', "[]"):
            devices.write_text(damaged)
            assert ["auto", "cpu"] == answered("zoo finetune bold --device ")
        said = "a\x1b[31mn\na"
        devices.write_text(json.dumps({"devices": [{"name": "cpu", "description": said}, {"name": "\x1b[0m"}]}))
        assert ["cpu\tan a"] == lines("fish", ["zoo", "finetune", "bold", "--device", "c"], made)
        assert ["auto", "cpu"] == answered("zoo finetune bold --device ")
    finally:
        devices.unlink() if before is None else devices.write_bytes(before)
    assert ["bf16"] == answered("zoo predict bold --precision b")
    assert "text-classification" in answered("zoo ls --task text")
    assert ["toy"] == answered("zoo plugins disable ")
    assert ["toy"] == answered("zoo ls --plugin ")


def test_places_that_are_declared_are_known(store: Path, made: index.Index) -> None:
    assert ["here"] == answered("zoo finetune bold --on ")
    declared = store / "places.toml"
    declared.write_text('[gpu]\nkind = "slurm"\nfolder = "/shared/me"\n')
    assert made["key"] != index.key()
    build()
    assert ["here", "gpu"] == answered("zoo finetune bold --on ")
    assert ["gpu"] == answered("zoo places check g")
    declared.write_text("[")
    build()
    assert FILES_LINE not in answered("zoo finetune bold --on ")
    assert "finetune" in answered("zoo ")


def test_a_verb_decides_on_what_follows() -> None:
    assert ["ls", "verify", "rm", "prune"] == answered("zoo cache ")
    assert "--older-than" in answered("zoo cache prune --")
    assert "--older-than" not in answered("zoo cache rm --")
    assert ["bold", "meek"] == answered("zoo cache verify bold ")


def test_a_command_without_anything_left_to_name_offers_its_flags() -> None:
    assert "--json" in answered("zoo ls ")
    assert "--json" in answered("zoo show bold ")


def test_runs_are_looked_at_anew_each_time(store: Path) -> None:
    assert answered("zoo resume ")[0].startswith("--")  # there is nothing to name yet
    result_of(store, "mine")
    result_of(store, "joint", "bold", "mood", "names")
    os.utime(store / "runs" / "mine" / "run.json", (1, 1))

    assert ["joint", "mine"] == answered("zoo resume ")
    assert {"joint", "joint.mood", "joint.names", "mine", "bold", "meek"} == set(answered("zoo predict "))
    assert ["mine"] == answered("zoo export mi")


@pytest.mark.parametrize("name", ["a\x1b]0;x\x07", "a\n$(id)", "$(id)", "a b", "-rf", "é"])
def test_folders_that_zoo_has_not_made_are_not_offered(name: str, store: Path, made: index.Index) -> None:
    result_of(store, name)
    result_of(store, "mine", "bold", name)

    for line in ("zoo resume ", "zoo export ", "zoo export mine."):
        assert {"mine"} >= set(answered(line))
        assert {"mine"} >= set(lines("bash", [line, ""], made))


def test_a_result_has_the_options_of_the_model_that_it_came_of(store: Path) -> None:
    result_of(store, "mine")
    result_of(store, "joint", "bold", "mood")

    assert ["--depth"] == answered("zoo finetune mine --dep")
    assert ["--depth"] == answered("zoo finetune joint.mood --dep")
    (store / "runs" / "mine" / "model" / "zoo.json").write_text("{")
    assert answered("zoo finetune mine --dep") == []


def test_runs_that_have_given_a_sign_of_life_are_those_to_stop(store: Path) -> None:
    result_of(store, "old")
    result_of(store, "new")
    for name, seconds in (("old", 600), ("new", 1)):
        worker = store / "runs" / name / "worker.json"
        worker.write_text("{}")
        os.utime(worker, (time.time() - seconds,) * 2)

    assert ["new"] == answered("zoo stop ")
    (store / "runs" / "new" / "worker.json").unlink()
    assert {"old", "new"} == set(answered("zoo stop "))  # one that waits has no worker yet


@pytest.mark.parametrize(
    ("line", "word", "expected"),
    [
        ("zoo show b", "b", ["bold"]),
        ("zoo finetune bold --way=u", "u", ["up"]),
        ("zoo finetune bold --way=", "", ["up", "down"]),
        ("zoo finetune bold --way=", "=", ["up", "down"]),
        ("zoo show 'b", "'b", ["bold"]),
        ("zoo finetune bold --data=", "", [FILES_LINE]),
    ],
)
def test_bash_gets_what_takes_the_place_of_the_word_as_it_divides_them(
    line: str, word: str, expected: list[str], made: index.Index
) -> None:
    assert expected == lines("bash", [line, word], made)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["config", "precision=b"], ["bf16"]),
        (["finetune", "bold", "--way=u"], ["up"]),
        (["finetune", "bold", "--way", "u"], ["up"]),
    ],
)
def test_zsh_gets_what_follows_the_sign_that_its_script_leaves_alone(
    words: list[str], expected: list[str], made: index.Index
) -> None:
    assert expected == lines("zsh", ["zoo", *words], made)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("zoo ", ["zoo", ""]),
        ("zoo  show   b", ["zoo", "show", "b"]),
        ("zoo 'a b", ["zoo", "a b"]),
        ("zoo \"a 'b", ["zoo", "a 'b"]),
        ("zoo a\\ b", ["zoo", "a b"]),
        ("zoo a\\", ["zoo", "a"]),
        ("zoo it's", ["zoo", "its"]),
    ],
)
def test_a_line_is_divided_as_a_shell_does_even_where_a_quote_is_open(line: str, words: list[str]) -> None:
    assert words == split(line)


class TestIndex:
    """Is it up to date?"""

    def test_what_is_installed_pulled_aliased_or_disabled_decides(self, made: index.Index, site: Site) -> None:
        assert made["key"] == index.key()
        plugin_list.disable("toy")
        disabled = index.key()
        assert disabled != made["key"]
        site.install("more", plugin(card("third")))
        assert disabled != index.key()

    @pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"key": []}', '{"key": ["0.0.1"]}'])
    def test_one_that_is_damaged_or_of_another_version_is_none(self, content: str) -> None:
        assert index.read() is not None
        index.path().write_text(content)
        assert index.read() is None

    def test_plugins_that_cannot_be_listed_leave_the_commands(self, store: Path) -> None:
        (store / "plugins.json").write_text("[]")

        assert build()["models"] == {}
        assert ["finetune"] == answered("zoo fine")

    def test_results_of_runs_are_none_of_it(self, made: index.Index) -> None:
        assert {"bold", "meek"} == set(made["models"])

    def test_one_that_cannot_be_kept_serves_once(self, store: Path) -> None:
        index.path().unlink()
        index.path().parent.rmdir()
        index.path().parent.write_text("in the way")

        assert "finetune" in build()["commands"]
