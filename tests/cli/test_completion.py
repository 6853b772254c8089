"""`zoo completion`: scripts that real shells run, and what they are answered."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.echo_runs import until
from tests.plugin_site import Site, card, plugin
from tests.plugin_site import zoo as run_zoo
from tests.test_import_hygiene import COMMAND, HEAVY, imported_by
from zoo.cli import main
from zoo.cli.completion import INSTALL, REBUILD, answer
from zoo.cli.completion_index import build
from zoo.cli.exit_codes import ExitCode
from zoo.completion import index
from zoo.locking import try_lock


@pytest.fixture(autouse=True)
def made(site: Site) -> index.Index:
    """Two models."""
    site.install("toy", plugin(card("bold"), card("meek")))
    return build()


def zoo_in_path(folder: Path) -> str:
    """A folder with a command zoo, in front of all others."""
    command = folder / "zoo"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m zoo "$@"\n')
    command.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def in_shell(shell: str, text: str, folder: Path) -> str:
    """What a shell prints."""
    done = subprocess.run(
        [shell, *(["--norc", "--noprofile"] if shell == "bash" else ["-f"] if shell == "zsh" else []), "-c", text],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": zoo_in_path(folder)},
        timeout=60,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("shell", INSTALL)
def test_the_script_is_printed_and_help_says_how_it_is_installed(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == ExitCode.OK
    assert f"zoo __complete {shell}" in capsys.readouterr().out

    with pytest.raises(SystemExit):
        main(["completion", "--help"])
    assert INSTALL[shell] in capsys.readouterr().out


def test_another_shell_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "fsh"]) == ExitCode.USAGE
    assert capsys.readouterr().err.splitlines() == [
        "error: 'fsh' is not one of bash, zsh, fish",
        "hint: did you mean fish?",
    ]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes(tmp_path: Path) -> None:
    text = """
        eval "$(zoo completion bash)"
        try() { COMP_LINE=$1 COMP_POINT=${#1}; _zoo zoo "$2"; printf '%s\\n' "${COMPREPLY[*]}"; }
        try "zoo fine" fine
        try "zoo show " ""
        try "zoo predict bold --precision=b" b
        try "zoo dance " ""
        complete -p zoo
    """
    assert ["finetune", "bold meek", "bf16", "", "complete -F _zoo zoo"] == in_shell(
        "bash", text, tmp_path
    ).splitlines()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh")
def test_zsh_takes_the_script(tmp_path: Path) -> None:
    text = 'autoload -U compinit; compinit -D; eval "$(zoo completion zsh)"; print -- $_comps[zoo]'

    assert in_shell("zsh", text, tmp_path).strip() == "_zoo"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish")
def test_fish_completes(tmp_path: Path) -> None:
    text = "zoo completion fish | source; complete -C 'zoo show b'"

    assert in_shell("fish", text, tmp_path).strip() == "bold\ta toy"


def test_nothing_is_imported_that_would_be_waited_for(tmp_path: Path) -> None:
    words = "'__complete', 'fish', 'zoo', 'finetune', 'bold', '--d'"
    modules = imported_by(COMMAND.format(words=words), tmp_path / "modules.json")

    assert "zoo.completion.answering" in modules
    assert {"argparse", "zoo.plugins", "zoo.catalog", "zoo.card", "zoo.cli.parser", "subprocess"} & modules == set()
    assert HEAVY & modules == set()


@pytest.mark.slow
def test_an_index_that_is_out_of_date_serves_once_more_while_a_new_one_is_made(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.install("more", plugin(card("third")))
    assert run_zoo("__complete", "fish", "zoo", "show", "t").stdout == ""

    until(lambda: (known := index.read()) is not None and "third" in known["models"])
    assert answer(["fish", "zoo", "show", "t"]) == 0
    assert capsys.readouterr().out == "third\ta toy\n"


def test_one_process_makes_the_index_anew_however_often_tab_is_pressed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = list[object]()
    monkeypatch.setattr(subprocess, "Popen", lambda command, **how: started.append(command))
    site.install("more", plugin(card("third")))
    for _ in range(3):
        assert answer(["fish", "zoo", "show", "t"]) == 0
    assert len(started) == 1

    with index.lock_path().open("ab") as file:
        assert try_lock(file)
        assert answer([REBUILD]) == 0
    assert "third" not in (index.read() or {})["models"]

    assert answer([REBUILD]) == 0
    assert "third" in (index.read() or {})["models"]


def test_without_an_index_one_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    index.path().unlink()

    assert answer(["fish", "zoo", "show", "m"]) == 0
    assert capsys.readouterr().out == "meek\ta toy\n"
    assert index.read() is not None


@pytest.mark.parametrize("words", [[], ["tcsh", "zoo", ""], ["fish"], ["bash", "zoo "]])
def test_only_scripts_are_answered(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["__complete", *words]) == ExitCode.USAGE
    assert tuple(capsys.readouterr()) == ("", "error: zoo __complete is for the scripts that zoo completion prints\n")


def test_a_store_that_cannot_be_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("ZOO_HOME", str(file))

    assert main(["__complete", "fish", "zoo", ""]) == ExitCode.FAILED
    assert capsys.readouterr().err == f"error: the folder of zoo is to be {file}, but {file} is a file\n"
