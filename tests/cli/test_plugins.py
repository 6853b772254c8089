"""`zoo plugins`, as typed."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin_site import Site, card, new_site, plugin, zoo
from tests.wheel_factory import ROOT
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.errors import UnknownPlugin
from zoo.guide import PAGES
from zoo.plugins import load_plugin


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with new_site(tmp_path / "site", monkeypatch) as site:
        site.install(
            "toy",
            plugin(card("one"), card("two"), more="@zoo.hookimpl\ndef predict(run): ...\n"),
            distribution="toy-models",
            version="2.3",
        )
        yield site


def test_plugins_are_a_table(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins"]) == ExitCode.OK

    out, err = capsys.readouterr()
    header, row = (line.split() for line in out.splitlines())
    assert header == ["NAME", "DISTRIBUTION", "VERSION", "MODELS", "HOOKS", "IMPORT", "MS"]
    assert row[:-1] == ["toy", "toy-models", "2.3", "2", "cards", "predict"]
    assert row[-1].isdecimal()
    assert err == ""


def test_a_broken_plugin_is_a_row_a_warning_and_the_exit_code(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.install("bad", "import zoo\n@zoo.hookimpl\ndef finetun(run): ...", version="0.1")

    assert main(["plugins"]) == ExitCode.PLUGIN == 5

    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == ["NAME", "toy", "bad"]
    assert out.splitlines()[2].split()[1:5] == ["zoo-bad", "0.1", "-", "failed:"]
    assert err.splitlines() == [
        "warning: plugin bad: 'finetun' is no hook; did the author mean 'finetune'?",
        "hint: zoo plugins guide hooks describes them all",
    ]


@pytest.mark.slow
def test_json_is_one_document_with_plugins_and_failures(site: Site) -> None:
    site.install("bad", "raise SystemExit('\\x1b[2Jbye')")

    done = zoo("plugins", "--json")

    assert done.returncode == ExitCode.PLUGIN
    answer = json.loads(done.stdout)
    (toy,) = answer["plugins"]
    assert toy.pop("import_ms") > 0
    assert toy == {
        "name": "toy",
        "distribution": "toy-models",
        "version": "2.3",
        "models": ["one", "two"],
        "hooks": ["cards", "predict"],
    }
    assert answer["failures"] == [
        {
            "name": "bad",
            "distribution": "zoo-bad",
            "version": "1.0",
            "error": "SystemExit: bye",
            "hint": "update or uninstall zoo-bad; its code ends the process",
        }
    ]


def test_a_name_that_two_distributions_use_is_told_with_both(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.install("toy", plugin(), distribution="other-toys")

    assert main(["plugins"]) == ExitCode.PLUGIN
    assert capsys.readouterr().err.splitlines() == [
        "warning: plugin toy: other-toys and toy-models both call their plugin 'toy'",
        "hint: uninstall one of other-toys and toy-models",
    ]


def test_no_plugin_at_all_is_an_empty_table(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZOO_PLUGINS", "")

    assert main(["plugins"]) == ExitCode.OK
    assert capsys.readouterr().out == "NAME  DISTRIBUTION  VERSION  MODELS  HOOKS  IMPORT MS\n"


def test_the_failure_of_a_plugin_cannot_act_on_the_terminal(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.install("bad", "raise RuntimeError('\\x1b[2J[red]\\nwarning: all is well\\x07')")

    assert main(["plugins"]) == ExitCode.PLUGIN

    out, err = capsys.readouterr()
    assert not set(out + err) & set("\x1b\x07")
    assert err.splitlines()[0] == "warning: plugin bad: RuntimeError: [red] warning: all is well"


def test_a_disabled_plugin_stays_installed_and_is_left_out(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.install("other", plugin(card("three")))

    assert main(["plugins", "disable", "toy"]) == ExitCode.OK
    assert capsys.readouterr().out == "disabled toy; its models are hidden\n"

    assert main(["plugins"]) == ExitCode.OK
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows] == ["NAME", "other", "toy"]
    assert rows[2] == ["toy", "toy-models", "2.3", "-", "disabled", "-"]
    assert main(["plugins", "--json"]) == ExitCode.OK
    answer = json.loads(capsys.readouterr().out)
    assert answer["disabled"] == [{"name": "toy", "distribution": "toy-models", "version": "2.3"}]
    assert main(["ls", "--json"]) == ExitCode.OK
    assert [model["name"] for model in json.loads(capsys.readouterr().out)] == ["three"]
    assert "toy_models" not in sys.modules


@pytest.mark.slow
def test_what_a_disabled_plugin_is_needed_for_says_how_to_enable_it(site: Site) -> None:
    assert zoo("plugins", "disable", "toy").returncode == ExitCode.OK

    with pytest.raises(UnknownPlugin, match="plugin toy is disabled") as caught:
        load_plugin("toy")
    assert caught.value.hint == "zoo plugins enable toy"


def test_enabling_undoes_disabling(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "disable", "toy", "toy"]) == ExitCode.OK
    assert main(["plugins", "disable", "toy"]) == ExitCode.OK
    assert main(["plugins", "enable", "toy"]) == ExitCode.OK
    assert main(["plugins", "enable", "toy"]) == ExitCode.OK

    assert capsys.readouterr().out.splitlines() == [
        "disabled toy; its models are hidden",
        "toy is disabled already",
        "enabled toy",
        "toy is enabled already",
    ]
    assert load_plugin("toy").name == "toy"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["disable", "toi"], "error: there is no plugin 'toi'\nhint: did you mean toy?\n"),
        (["enable", "x", "toy"], "error: there is no plugin 'x'\nhint: installed: toy\n"),
        (["disable"], "error: which plugin is to be disabled?\nhint: zoo plugins disable NAME\n"),
        (["disable", "toy", "--json"], "error: --json is for the list of plugins\n"),
        (["restore", "toy"], "error: restore takes no names\n"),
    ],
)
def test_what_cannot_be_done_changes_nothing(
    site: Site, capsys: pytest.CaptureFixture[str], words: list[str], error: str
) -> None:
    assert main(["plugins", *words]) == ExitCode.USAGE
    assert capsys.readouterr().err.startswith(error)
    assert load_plugin("toy").name == "toy"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"disabled": "toy"}', b"\xff"])
def test_a_list_that_cannot_be_read_is_one_message(
    site: Site, store: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    (store / "plugins.json").write_bytes(content)

    assert main(["plugins"]) == ExitCode.STORE
    assert capsys.readouterr().err.startswith(f"error: {store / 'plugins.json'} cannot be read: ")
    assert (store / "plugins.json").read_bytes() == content


def test_the_guide_for_authors_is_at_hand(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "guide"]) == ExitCode.OK
    pages = [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]]
    for page in pages:
        assert main(["plugins", "guide", page]) == ExitCode.OK
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("# ")
        assert len(lines) > 30
    assert "contract" in pages

    assert main(["plugins", "guide", "contracts"]) == ExitCode.USAGE
    assert capsys.readouterr().err.splitlines() == [
        "error: there is no page 'contracts' in the guide",
        "hint: did you mean contract?",
    ]


def test_messages_send_authors_to_pages_that_there_are() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "zoo").rglob("*.py")]
    pages = {page for text in sources for page in re.findall(r"zoo plugins guide ([a-z-]+)", text)}

    assert {"contract", "hooks"} <= pages <= set(PAGES)
