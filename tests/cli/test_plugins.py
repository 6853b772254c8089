"""`zoo plugins`, as typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin_site import Site, card, new_site, plugin, zoo
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode


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
        "hint: the hooks are described in zoo.hookspecs",
    ]


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
            "hint": "update or uninstall zoo-bad; python -c 'import zoo_bad' shows the whole error",
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
