"""The frame of every command: what was typed is understood or answered, and every end has its code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from tests.plugin_site import Site, card, plugin
from tests.plugin_site import zoo as run_zoo
from zoo import errors
from zoo.cli import main
from zoo.cli.commands import COMMANDS
from zoo.cli.exit_codes import ExitCode, exit_code, exit_code_of_kind


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"], ["-v"], ["-q", "--help"], ["--help", "ls"]])
def test_help_lists_every_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == ExitCode.OK

    out, err = capsys.readouterr()
    assert out.startswith("usage: zoo [-h] [--version] [-q | -v] COMMAND ...")
    assert {line.split()[0] for line in out.splitlines() if line.startswith("  ")} >= set(COMMANDS)
    assert err == ""


@pytest.mark.parametrize("words", [["--version"], ["-v", "--version"], ["--version", "ls"]])
def test_the_version_is_told(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == ExitCode.OK
    assert tuple(capsys.readouterr()) == (f"zoo {zoo.__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "err"),
    [
        (["finetun"], "error: there is no command 'finetun'\nhint: did you mean zoo finetune?\n"),
        (["dance"], "error: there is no command 'dance'\nhint: zoo --help lists the commands\n"),
        (["-q", "dance"], "error: there is no command 'dance'\nhint: zoo --help lists the commands\n"),
        (["--colour"], "error: there is no option '--colour'\nhint: zoo --help\n"),
        (["ls", "--colour"], "error: there is no option '--colour'\nhint: zoo ls --help\n"),
        (["ls", "--jso"], "error: there is no option '--jso'\nhint: did you mean --json?\n"),
        (["--colour", "ls"], "error: there is no option '--colour'\nhint: zoo ls --help\n"),
        (["ls", "-x"], "error: there is no option '-x'\nhint: zoo ls --help\n"),
        (["show", "a", "b"], "error: 'b' is one word too many\nhint: zoo show --help\n"),
        (["show"], "error: the following arguments are required: MODEL\nhint: zoo show --help\n"),
        (["ls", "-q", "-v"], "error: argument -v/--verbose: not allowed with argument -q/--quiet\n"),
    ],
)
def test_what_is_not_understood_is_a_usage_error(
    words: list[str], err: str, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == ExitCode.USAGE

    out, talk = capsys.readouterr()
    assert out == ""
    assert talk.startswith(err)


def test_what_was_typed_is_told_without_its_control_sequences(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "\x1b[31mred\x1b[0m"]) == ExitCode.USAGE
    assert main(["\x1b[31mred\x1b[0m"]) == ExitCode.USAGE
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])

    assert caught.value.code == ExitCode.OK
    out = capsys.readouterr().out
    assert out.startswith(f"usage: zoo {name} ")
    assert "--verbose" in out


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.ZooError, 1),
        (errors.RunFailed, 1),
        (errors.PlaceFull, 1),
        (errors.UnknownModel, 2),
        (errors.UnknownPlugin, 2),
        (errors.UnknownRun, 2),
        (errors.OptionInvalid, 2),
        (errors.Unsupported, 2),
        (errors.DeviceUnavailable, 2),
        (errors.DownloadFailed, 3),
        (errors.ChecksumMismatch, 3),
        (errors.DatasetInvalid, 4),
        (errors.InputMismatch, 4),
        (errors.NoSuchFigure, 2),
        (errors.PluginBroken, 5),
        (errors.StoreInvalid, 6),
        (errors.GateNotPassed, 7),
        (errors.RunCancelled, 130),
    ],
)
def test_every_kind_of_error_has_its_code(kind: type[errors.ZooError], code: int) -> None:
    assert exit_code(kind("what happened")) == code
    assert exit_code_of_kind(kind.__name__) == code


def test_every_error_class_is_among_them() -> None:
    kinds = [value for value in vars(errors).values() if isinstance(value, type)]

    assert len(kinds) == 18
    assert exit_code_of_kind("SomethingElse") == ExitCode.FAILED


def test_a_kind_that_a_plugin_derives_counts_as_the_one_it_is_derived_from() -> None:
    class RowTooLong(errors.DatasetInvalid):
        """A plugin's own."""

    assert exit_code(RowTooLong("row 3")) == ExitCode.DATA


@pytest.fixture
def unreadable_store(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which something fails that nobody thought of."""
    monkeypatch.setenv("ZOO_HOME", "bad\udcff" * 2_000)


@pytest.mark.usefixtures("site", "unreadable_store")
class TestUnexpected:
    """An error that nobody thought of."""

    @pytest.mark.slow
    def test_is_one_line_without_a_traceback(self) -> None:
        done = run_zoo("runs")

        assert done.returncode == ExitCode.FAILED
        assert done.stdout == ""
        error, hint = done.stderr.splitlines()
        assert error.startswith("error: something unexpected happened: OSError: ")
        assert hint == "hint: zoo -v runs ... shows the traceback; please report it"

    @pytest.mark.slow
    @pytest.mark.parametrize("words", [("-v", "runs"), ("runs", "-v"), ("runs", "--verbose")])
    def test_shows_its_traceback_on_demand(self, words: tuple[str, ...]) -> None:
        done = run_zoo(*words)

        assert done.returncode == ExitCode.FAILED
        assert done.stderr.startswith("error: something unexpected happened: OSError: ")
        assert "\nTraceback (most recent call last):\n" in done.stderr


def test_an_error_on_purpose_shows_its_traceback_on_demand_even_while_flags_are_declared(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["finetune", "nothing", "--data", "x.csv"]) == ExitCode.USAGE
    assert "Traceback" not in capsys.readouterr().err
    assert main(["-v", "finetune", "nothing", "--data", "x.csv"]) == ExitCode.USAGE
    assert "Traceback" in capsys.readouterr().err


def test_talk_is_silenced_by_quiet_but_answers_warnings_and_errors_are_not(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ls"]) == ExitCode.OK
    assert tuple(capsys.readouterr()) == ("", "there are no models: no plugin is installed (zoo install)\n")
    assert main(["-q", "ls"]) == ExitCode.OK
    assert tuple(capsys.readouterr()) == ("", "")

    site.install("bad", "raise RuntimeError('no such luck')")
    site.install("toy", plugin(card()))
    assert main(["ls", "-q"]) == ExitCode.OK
    out, err = capsys.readouterr()
    assert "model" in out
    assert err == "warning: plugin bad: RuntimeError: no such luck (zoo plugins)\n"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no head")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["ls", "ls --json", "--help", "ls --help", "--version"])
def test_a_reader_that_has_seen_enough_is_no_error(
    words: str, unbuffered: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    site.install("toy", plugin(card(labels="tuple(map(str, range(90_000)))")))
    read_fd, write_fd = os.pipe()
    os.close(read_fd)
    done = subprocess.run(
        [sys.executable, "-m", "zoo", *words.split()],
        stdout=write_fd,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(write_fd)

    assert (done.returncode, done.stderr) == (ExitCode.OK, "")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no head")
def test_ls_into_head_gives_one_line(site: Site) -> None:
    site.install("toy", plugin(*(card(f"model-{i}", summary="'much to say ' * 40") for i in range(300))))
    done = subprocess.run(
        f"'{sys.executable}' -m zoo ls | head -1", shell=True, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout.splitlines()[0].startswith("NAME")
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_an_encoding_that_lacks_a_letter_is_no_obstacle(
    encoding: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    site.install("toy", plugin(card(summary="'a zebra → 🦓'")))

    for words in (["ls"], ["show", "model"], ["ls", "--json"]):
        done = subprocess.run([sys.executable, "-m", "zoo", *words], capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (ExitCode.OK, b"")
        assert b"a zebra" in done.stdout
    assert json.loads(done.stdout.decode(encoding))[0]["name"] == "model"


@pytest.mark.slow
def test_an_interrupt_ends_with_130(site: Site) -> None:
    site.install("toy", "raise KeyboardInterrupt")

    done = run_zoo("ls")

    assert (done.returncode, done.stdout, done.stderr) == (ExitCode.INTERRUPTED, "", "interrupted\n")


OPTIONS = r"""
from typing import Annotated, Literal
class Mine(zoo.DataOptions, frozen=True, kw_only=True):
    depth: Annotated[int, zoo.option("How \x1b[31mdeep\x1b[0m, in 100% of cases.", ge=1, unit="layers")] = 2
    way: Annotated[Literal["up", "down"], zoo.option("Where to.")] = "up"
    deaf: Annotated[bool, zoo.option("Hear nothing.")] = False
"""


def test_the_options_of_a_model_are_flags_of_the_command(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    ability = "{'finetune': zoo.Ability(task='text-classification', options=Mine)}"
    site.install("toy", plugin(card(abilities=ability), more=OPTIONS))
    with pytest.raises(SystemExit):
        main(["finetune", "model", "--help"])

    out = capsys.readouterr().out
    assert "options of model:" in out
    assert "--depth N" in out
    assert "How deep, in 100% of cases. (layers; 1 <= depth; default: 2)" in " ".join(out.split())
    assert "--way up|down" in out
    assert "--deaf, --no-deaf" in out
    assert "\x1b" not in out


@pytest.mark.parametrize("name", ["json", "data", "quiet", "help"])
def test_an_option_called_like_a_flag_of_the_command_is_the_plugins_fault(
    name: str, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    ability = "{'finetune': zoo.Ability(task='text-classification', options=Mine)}"
    site.install("toy", plugin(card(abilities=ability), more=OPTIONS.replace("depth:", f"{name}:")))

    assert main(["finetune", "model", "--data", "x.csv"]) == ExitCode.USAGE
    message = f"card 'model': the option {name} to finetune has the name of --{name}, which zoo itself takes"
    assert message in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["ls", "ls --json", "--help", "finetune --help", "--version"])
def test_an_answer_that_cannot_be_written_is_one_line(
    words: str, unbuffered: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    site.install("toy", plugin(card(summary=repr("long " * 4000))))  # more than a buffer holds
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "zoo", *words.split()], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert done.returncode == ExitCode.FAILED
    assert done.stderr.startswith("error: ")
    assert "No space left on device" in done.stderr.splitlines()[0]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("below", [False, True])
@pytest.mark.parametrize("words", ["ls", "runs", "devices", "finetune model --data rows.csv", "rm one -y"])
def test_a_home_that_is_a_file_is_said_to_be_one(
    words: str,
    below: bool,
    site: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    site.install("toy", plugin(card()))
    file = tmp_path / "file"
    file.touch()
    home = file / "below" if below else file
    monkeypatch.setenv("ZOO_HOME", str(home))

    assert main(words.split()) == ExitCode.STORE
    assert capsys.readouterr().err.splitlines() == [
        f"error: the folder of zoo is to be {home}, but {file} is a file",
        "hint: set ZOO_HOME to a folder, or move the file away",
    ]


@pytest.mark.skipif(not Path("/proc/sys").is_dir(), reason="there is no folder that not even root may write to")
def test_a_home_that_may_not_be_written_is_said_to_be_so(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site.install("toy", plugin(card()))
    monkeypatch.setenv("ZOO_HOME", "/proc/sys/zoo")

    assert main(["plugins", "disable", "toy"]) != ExitCode.OK
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("error: the list of plugins cannot be written: /proc/sys/zoo")
    assert "report" not in error + hint


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the shell cannot close a stream")
@pytest.mark.parametrize("closed", [">&-", "2>&-"])
@pytest.mark.parametrize("words", ["ls", "--help"])
def test_a_stream_the_caller_closed_is_no_error(words: str, closed: str, site: Site) -> None:
    site.install("toy", plugin(card()))
    done = subprocess.run(
        f"'{sys.executable}' -m zoo {words} {closed}", shell=True, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (ExitCode.OK, "")


def test_flags_before_the_command_are_no_operands_after_a_double_dash(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.install("toy", plugin(card()))

    assert main(["-q", "show", "--", "model"]) == ExitCode.OK
    assert capsys.readouterr().out.startswith("model: a toy\n")


@pytest.mark.parametrize(("flag", "listed"), [("--help", False), ("--help-all", True)])
def test_options_that_few_people_need_are_shown_on_demand(
    flag: str, listed: bool, site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ability = "{'finetune': zoo.Ability(task='text-classification', options=Mine)}"
    more = OPTIONS.replace("zoo.DataOptions", "zoo.FinetuneOptions").replace("ge=1,", "ge=1, advanced=True,")
    site.install("toy", plugin(card(abilities=ability), more=more))
    with pytest.raises(SystemExit) as caught:
        main(["finetune", "model", flag])

    out = capsys.readouterr().out
    assert caught.value.code == ExitCode.OK
    assert out.startswith("usage: zoo finetune MODEL --data DATA [options]\n")
    assert ("--depth" in out, "--weight-decay" in out, "--processes" in out) == (listed, listed, listed)
    assert ("more options that few people need: --help-all" in out) != listed
    assert all(usual in out for usual in ("--epochs", "--lr", "--way up|down", "--eval-share"))
    assert out.index("--epochs") < out.index("examples:\n  zoo finetune model --data reviews.csv --name mine\n")
    assert listed or len(out.splitlines()) <= 60


def test_an_example_is_the_hint_where_something_required_is_missing(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["finetune"]) == ExitCode.USAGE
    assert capsys.readouterr().err.splitlines() == [
        "error: the following arguments are required: MODEL, --data",
        "hint: such as zoo finetune all-minilm-l6-v2 --data reviews.csv --name mine; zoo finetune --help",
    ]


def test_an_option_that_help_leaves_out_can_be_given(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    ability = "{'finetune': zoo.Ability(task='text-classification', options=Mine)}"
    site.install("toy", plugin(card(abilities=ability), more=OPTIONS.replace("ge=1,", "ge=1, advanced=True,")))

    assert main(["finetune", "model", "--data", "missing.csv", "--depth", "0"]) == ExitCode.USAGE
    assert "--depth is '0', but takes a whole number, at least 1 (layers)" in capsys.readouterr().err


def test_the_choices_of_an_option_are_shown(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    ability = "{'finetune': zoo.Ability(task='text-classification', options=Mine)}"
    site.install("toy", plugin(card(abilities=ability), more=OPTIONS))

    assert main(["show", "model"]) == ExitCode.OK
    assert "Where to. (one of up, down; default: up)\n" in capsys.readouterr().out
