"""`zoo ls`, as typed."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tests.plugin_site import Site, card, plugin, zoo
from zoo import devices, terminal
from zoo.api import models as zoo_models
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.devices import Device
from zoo.errors import OptionInvalid, UnknownModel
from zoo.hub_reference import parse_reference
from zoo.tasks import check_task

WEIGHTS = (
    "zoo.Weights(files=(zoo.WeightsFile(name='w.bin', sha256='0' * 64, size_bytes=1_500_000),),"
    " sources=(zoo.FolderSource(path='/nowhere'),))"
)


@pytest.fixture
def toys(site: Site) -> Site:
    site.install("red", plugin(card("base", parameters="12_300_000", weights=WEIGHTS), card("tiny")))
    site.install(
        "blue",
        plugin(card("base"), card("huge", task="'fill-mask'", abilities="{'predict': zoo.Ability(task='fill-mask')}")),
    )
    return site


def names(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert main(["ls", *words]) == ExitCode.OK
    return [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]]


def test_models_are_a_table_with_full_names_where_bare_ones_clash(
    toys: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ls"]) == ExitCode.OK

    out, err = capsys.readouterr()
    assert [line.split() for line in out.splitlines()] == [
        ["NAME", "MARK", "PARAMS", "SIZE", "HERE", "FAMILY", "TASKS", "(*", "recommended)", "SUMMARY"],
        ["red/base", "pretrained", "12.3M", "1.5", "MB", "no", "toy", "text-classification", "a", "toy"],
        ["blue/base", "from", "scratch", "-", "toy", "text-classification", "a", "toy"],
        ["huge", "from", "scratch", "-", "toy", "fill-mask", "a", "toy"],
        ["tiny", "from", "scratch", "-", "toy", "text-classification", "a", "toy"],
    ]
    assert err == ""


def test_what_is_recommended_for_the_task_is_marked_and_comes_first_and_demonstrations_come_last(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    both = "(zoo.Ability(verb='finetune', task='text-classification', options=zoo.FinetuneOptions), "
    both += "zoo.Ability(verb='predict', task='fill-mask'))"
    hub = WEIGHTS.replace("FolderSource(path='/nowhere')", "HubSource(repository='a/b', revision='1' * 40)")
    demonstration = card("shown", abilities=both, demonstration="True", weights=hub)
    site.install("a", plugin(demonstration, card("scratch", abilities=both), card("old", abilities=both, weights=hub)))
    best = card("best", abilities=both, weights=hub, recommended_for="('text-classification',)")
    masks = card("masks", abilities=both, recommended_for="('fill-mask', 'text-classification')")
    site.install("b", plugin(best, masks))

    assert main(["ls", "--task", "text-classification"]) == ExitCode.OK
    for_classification = capsys.readouterr().out
    assert main(["ls", "--task", "fill-mask"]) == ExitCode.OK
    for_masks = capsys.readouterr().out

    assert [re.split(r"  +", line)[:2] for line in for_classification.splitlines()[1:]] == [
        ["best", "recommended"],
        ["masks", "from scratch"],
        ["old", "pretrained"],
        ["scratch", "from scratch"],
        ["shown", "demonstration"],
    ]
    assert [re.split(r"  +", line)[:2] for line in for_masks.splitlines()[1:]] == [
        ["masks", "from scratch"],
        ["best", "pretrained"],
        ["old", "pretrained"],
        ["scratch", "from scratch"],
        ["shown", "demonstration"],
    ]
    assert "  *text-classification, fill-mask " in for_classification
    assert "  *fill-mask, *text-classification " in for_classification


def test_a_terminal_has_what_is_recommended_in_bold(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install("red", plugin(card("base", recommended_for="('text-classification',)"), card("tiny")))
    monkeypatch.setattr(terminal, "colours", lambda stream: True)

    assert main(["ls"]) == ExitCode.OK

    _, base, tiny = capsys.readouterr().out.splitlines()
    assert (base[:8], base[-4:]) == ("\x1b[1mbase", "\x1b[0m")
    assert tiny.startswith("tiny")


def test_words_find_names_of_models_before_runs_and_those_before_what_mentions_them(
    toys: Site, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for run in ("mine", "tiny-1", "tiny-2"):
        manifest = store / "runs" / run / "model" / "zoo.json"
        manifest.parent.mkdir(parents=True)
        about = {"name": run, "plugin": "red", "base": "tiny", "parent": "tiny", "verb": "finetune"}
        manifest.write_text(json.dumps({**about, "task": "text-classification"}), "utf-8")

    assert names(capsys, "tiny")[0] == "tiny"
    assert names(capsys, "tin")[0] == "tiny"
    assert set(names(capsys, "tiny")[1:3]) == {"tiny-1", "tiny-2"}
    assert names(capsys, "tiny")[3:] == ["mine"]


def test_filters_narrow_it_down(toys: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert names(capsys, "--task", "fill-mask") == ["huge"]
    assert names(capsys, "--plugin", "red") == ["red/base", "tiny"]
    assert names(capsys, "RED", "toy", "base") == ["red/base"]
    assert names(capsys, "--local") == []


def test_nothing_found_is_said_on_stderr(toys: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", "zebra"]) == ExitCode.OK
    assert tuple(capsys.readouterr()) == ("", "no model matches\n")


def test_nothing_found_beside_a_broken_plugin_names_it(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.install("bad", "raise RuntimeError('no such luck')")
    warning = "warning: plugin bad: RuntimeError: no such luck (zoo plugins)"

    assert main(["ls"]) == ExitCode.OK
    assert capsys.readouterr().err.splitlines() == ["there are no models; what could not be loaded: bad", warning]

    site.install("red", plugin(card("base")))
    assert main(["ls", "zebra"]) == ExitCode.OK
    message = "no model of the other plugins matches; what could not be loaded: bad"
    assert capsys.readouterr().err.splitlines() == [message, warning]


def test_no_plugin_at_all_is_said(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls"]) == ExitCode.OK
    assert capsys.readouterr().err == "there are no models: no plugin is installed (zoo install)\n"


def test_a_model_that_may_be_of_a_broken_plugin_is_told_with_it(toys: Site, capsys: pytest.CaptureFixture[str]) -> None:
    toys.install("bad", "raise RuntimeError('no such luck')")

    assert main(["show", "tinny"]) == ExitCode.USAGE
    hint = "did you mean tiny or red/tiny?; plugins that failed to load: bad (RuntimeError: no such luck)"
    assert capsys.readouterr().err.splitlines()[1] == f"hint: {hint}"


@pytest.mark.slow
def test_a_plugin_that_is_slow_to_import_is_told_once_where_one_waits_for_it(toys: Site) -> None:
    toys.install("slow", plugin(card("late"), more="import time\ntime.sleep(2.1)"))

    slow, quiet = zoo("show", "late"), zoo("ls", "-q")

    (note,) = [line for line in slow.stderr.splitlines() if "slow" in line]
    assert re.fullmatch(r"plugin slow took \d+\.\d s to be imported; every command waits for it \(zoo plugins\)", note)
    assert quiet.stderr == ""


def test_json_is_one_document_of_whole_cards(toys: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", "--json", "--plugin", "red"]) == ExitCode.OK

    answer = json.loads(capsys.readouterr().out)
    assert [(one["plugin"], one["name"], one["parameters"]) for one in answer] == [
        ("red", "base", 12_300_000),
        ("red", "tiny", None),
    ]
    file = answer[0]["weights"]["files"][0]
    assert (file["name"], file["sha256"], file["size_bytes"]) == ("w.bin", "0" * 64, 1_500_000)
    (ability,) = answer[0]["abilities"]
    assert [option["name"] for option in ability.pop("options")] == ["abstain"]
    assert ability == {
        "verb": "predict",
        "task": "text-classification",
        "precisions": ["fp32", "bf16", "fp16"],
        "preferred_precision": "",
    }


def test_json_of_nothing_is_an_empty_list(toys: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", "--json", "zebra"]) == ExitCode.OK
    assert tuple(capsys.readouterr()) == ("[]\n", "")


def test_failures_are_told_on_stderr_beside_the_models_that_work(
    toys: Site, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toys.install("bad", "raise RuntimeError('no such luck')")
    manifest = store / "runs" / "broken" / "model" / "zoo.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("{")

    assert main(["ls", "--json"]) == ExitCode.OK

    out, err = capsys.readouterr()
    assert len(json.loads(out)) == 4
    assert err.splitlines() == [
        "warning: plugin bad: RuntimeError: no such luck (zoo plugins)",
        "warning: the result of run broken cannot be read: Input data was truncated",
    ]


@pytest.mark.slow
def test_a_plugin_that_prints_does_not_spoil_the_document(toys: Site) -> None:
    toys.install("loud", plugin(card("noise"), more="print('hello')"))

    done = zoo("ls", "--json")

    assert [one["name"] for one in json.loads(done.stdout)] == ["base", "base", "huge", "noise", "tiny"]
    assert done.stderr == "hello\n"


def test_text_of_a_card_cannot_act_on_the_terminal(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    summary = r"'\x1b]0;title\x07\x1b[2Jtwo\nlines \u202e[bold]loud[/bold]'"
    site.install("toy", plugin(card(summary=summary)))

    assert main(["ls"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 2
    assert out.endswith("  two lines [bold]loud[/bold]\n")

    assert main(["ls", "--json"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "[bold]loud[/bold]" in json.loads(out)[0]["summary"]


def test_json_has_nothing_a_terminal_acts_on_and_keeps_every_character(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = "a\x9b31m b\u202ec \x7f naïve 🦓"
    site.install("toy", plugin(card(summary=ascii(summary))))

    assert main(["ls", "--json"]) == ExitCode.OK

    out = capsys.readouterr().out
    assert not set(out) & set("\x9b\u202e\x7f")
    assert "naïve 🦓" in out
    assert json.loads(out)[0]["summary"] == summary


@pytest.mark.skipif(os.name == "nt", reason="a folder name has one line there")
def test_the_name_of_a_run_cannot_fake_a_line(toys: Site, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (store / "runs" / "a\nerror: fake" / "model" / "zoo.json").mkdir(parents=True)

    assert main(["ls"]) == ExitCode.OK
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: the result of run a error: fake cannot be read: ")


def test_older_weights_are_folded_away_until_they_are_asked_for(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.install("nets", plugin(card("net"), card("net-v1", superseded_by="'net'"), card("bird", family="'birds'")))

    assert names(capsys) == ["net", "bird"]
    assert names(capsys, "--all") == ["net", "net-v1", "bird"]
    assert names(capsys, "v1") == ["net-v1"]
    assert names(capsys, "--family", "birds") == ["bird"]
    assert main(["ls", "--family", "toy"]) == ExitCode.OK
    assert capsys.readouterr().err == "1 older or other set of weights of these is left out: --all lists it\n"
    assert main(["ls", "--family", "bird"]) == ExitCode.USAGE
    assert "there is no family 'bird'" in capsys.readouterr().err


@pytest.mark.slow
def test_what_is_superseded_by_a_model_that_is_not_there_is_told(site: Site) -> None:
    site.install("nets", plugin(card("net-v1", superseded_by="'net'")))

    listed = zoo("plugins")
    assert "card 'net-v1' is superseded by 'net', which cards() does not give" in listed.stdout + listed.stderr


@pytest.fixture
def families(site: Site) -> Site:
    """More models than a screen holds: of two tasks, and of families that a plugin names in turn."""
    hub = WEIGHTS.replace("FolderSource(path='/nowhere')", "HubSource(repository='a/b', revision='1' * 40)")
    text, masks = (f"{{'predict': zoo.Ability(task={task!r})}}" for task in ("text-classification", "fill-mask"))
    cards = [
        card(f"{family}-{i}", family=repr(family), parameters=f"{10**i}_000_000", weights=hub, abilities=text)
        for i in range(9)
        for family in ("wren", "owl")
    ]
    cards += [card(f"mask-{i}", task="'fill-mask'", abilities=masks) for i in range(6)]
    best = card("best", weights=hub, recommended_for="('text-classification',)", abilities=text)
    site.install("many", plugin(*cards, best, card("shown", abilities=text, demonstration="True")))
    return site


def test_a_long_list_comes_in_sections_by_task_and_family(families: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls"]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    starts = [i for i, line in enumerate(lines) if not line]

    assert [lines[i + 1] for i in starts] == ["recommended", "text-classification", "fill-mask", "demonstrations"]
    sections = [[one.split()[0] for one in lines[a + 2 : b]] for a, b in zip(starts, [*starts[1:], None], strict=True)]
    birds = [f"{family}-{i}" for family in ("owl", "wren") for i in range(9)]
    assert sections == [["best"], birds, [f"mask-{i}" for i in range(6)], ["shown"]]
    assert "" not in names(capsys, "--task", "text-classification", "--max-parameters", "1M")
    assert names(capsys, "owl")[0] == "owl-0"


def test_small_models_are_found_by_their_parameters(families: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert names(capsys, "--max-parameters", "10M", "--family", "owl") == ["owl-0", "owl-1"]
    assert names(capsys, "--max-parameters", "9,999,999", "--family", "owl") == ["owl-0"]
    for most in ("9,999,999", 9_999_999):
        assert [one.name for one in zoo_models(family="owl", max_parameters=most)] == ["owl-0"], "Python is asked alike"
    with pytest.raises(UnknownModel, match="there is no family 'fish'"):
        zoo_models(family="fish")
    with pytest.raises(OptionInvalid, match="fits is 'swim', but takes a verb"):
        zoo_models(fits="swim")
    for wrong in ("25X", "-1", "nan", "many"):
        assert main(["ls", f"--max-parameters={wrong}"]) == ExitCode.USAGE
        assert capsys.readouterr().err == (
            f"error: --max-parameters is {wrong!r}, but takes a number of parameters\nhint: such as 25M, 1.5B or 300k\n"
        )


def test_models_that_memory_has_room_for(
    families: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu = Device(name="cpu", kind="cpu", description="", memory_bytes=64 * 10**9, free_bytes=5 * 10**6)
    card = Device(name="cuda:0", kind="cuda", description="", memory_bytes=41 * 10**6)
    monkeypatch.setattr(devices, "available", lambda: (cpu, card))

    assert names(capsys, "--fits", "predict", "--family", "owl") == ["owl-0", "owl-1"]
    assert names(capsys, "--fits", "predict", "--task", "fill-mask") == [], "what states no number is left out"
    assert names(capsys, "--fits", "finetune") == [], "none of them can be"
    assert [one.name for one in zoo_models(family="owl", fits="predict")] == ["owl-0", "owl-1"]


def suggestions(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, object]]:
    capsys.readouterr()
    assert main(["ls", "--suggested", "--json", *words]) == ExitCode.OK
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return found


def test_well_known_models_are_suggested_by_task_and_size(capsys: pytest.CaptureFixture[str]) -> None:
    everything = suggestions(capsys)
    names = [str(one["repository"]) for one in everything]
    assert len(names) == len(set(names)) >= 60
    for one in everything:
        parse_reference(f"hub:{one['repository']}")
        check_task(str(one["task"]))
    small = suggestions(capsys, "--task", "feature-extraction", "--max-parameters", "40M", "BGE")
    assert [one["repository"] for one in small] == ["BAAI/bge-small-en-v1.5"]

    assert main(["ls", "--suggested", "mpnet"]) == ExitCode.OK
    printed = capsys.readouterr()
    assert "\nfeature-extraction\nsentence-transformers/all-mpnet-base-v2  109.0M  Apache-2.0\n" in printed.out
    assert "zoo pull hub:NAME" in printed.err


def test_what_is_not_known_of_suggested_models_narrows_nothing_down(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", "--suggested", "--fits", "predict"]) == ExitCode.USAGE
    assert capsys.readouterr().err == (
        "error: --fits is not known of models that are not here\n"
        "hint: --suggested takes words, --task, --max-parameters\n"
    )
