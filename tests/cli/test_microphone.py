"""`zoo predict MODEL --microphone`, as typed: what is said is recorded, drawn and answered."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hearing_plugin import HEARD, install_hearer
from tests.microphone_standin import install_microphone
from tests.plugin_site import Site, card, new_site, plugin
from tests.terminal_output import CommandTerminal, command_output
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.rendering.sounds import MIDDLE

pytest.importorskip("soundfile")
COMMAND = ("predict", "hearer", "--microphone", "--device", "cpu", "--precision", "fp32")
SHORT = ("--seconds", "0.3")


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Path) -> Iterator[Site]:
    """A recogniser and a microphone; a folder of its own for what is temporary."""
    with new_site(tmp_path / "site", monkeypatch) as site:
        install_hearer(site)
        install_microphone(site.path)
        (tmp_path / "temporary").mkdir()
        monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
        monkeypatch.setattr(tempfile, "tempdir", None)
        monkeypatch.chdir(tmp_path)
        yield site


def test_what_is_said_is_answered_and_not_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ExitCode.OK == main([*COMMAND, *SHORT])

    out, err = capsys.readouterr()
    assert ["microphone", f"  {HEARD}"] == out.splitlines()
    assert ["recording; Ctrl-C ends it", "0.3 s recorded"] == err.splitlines()[-2:]
    assert [] == list((tmp_path / "temporary").rglob("*.wav"))


@pytest.mark.parametrize(
    ("flags", "expected"),
    [(("-f", "text"), f"{HEARD}\n"), (("--json",), '{"row":1,"input":"microphone",')],
)
def test_answers_have_the_forms_of_those_to_files(
    flags: tuple[str, ...], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ExitCode.OK == main([*COMMAND, *SHORT, *flags])

    assert capsys.readouterr().out.startswith(expected)


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")
def test_a_terminal_draws_what_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TERM": "xterm-256color", "NO_COLOR": "1", "COLUMNS": "60", "LINES": "40"}.items():
        monkeypatch.setenv(name, value)

    name, *drawing, heard = command_output(monkeypatch, *COMMAND, *SHORT).splitlines()

    assert ("microphone", f"  {HEARD}") == (name, heard)
    assert "█" * 59 in drawing
    assert MIDDLE not in drawing[2]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"level": 0.0}, "warning: the microphone gave nothing but silence"),
        ({"blocks": 2}, "warning: the microphone went away after 0.2 s"),
    ],
)
def test_what_is_odd_is_told_and_answered(
    settings: dict[str, int], said: str, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    install_microphone(site.path, **settings)  # type: ignore[arg-type]

    assert ExitCode.OK == main([*COMMAND, *SHORT])

    out, err = capsys.readouterr()
    assert HEARD in out
    assert said in err


@pytest.mark.parametrize(
    ("settings", "code", "said"),
    [
        ({"absent": True}, ExitCode.USAGE, "error: there is no microphone\nhint: plug one in"),
        ({"blocks": 0}, ExitCode.DATA, "error: nothing was recorded\n"),
    ],
)
def test_nothing_to_answer_is_an_error(
    settings: dict[str, int], code: ExitCode, said: str, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    install_microphone(site.path, **settings)  # type: ignore[arg-type]

    assert code == main([*COMMAND, *SHORT])

    assert said in capsys.readouterr().err


def test_what_does_not_go_together_is_refused_before_the_model_loads(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = "zoo.Weights(files=(zoo.WeightsFile(name='w.bin'),), sources=(zoo.FolderSource(path='.'),))"
    site.install("reading", plugin(card("reader", weights=weights)))
    others = "models that take recordings: hearer"
    for words, message in (
        ((*COMMAND, "one.wav"), "inputs and --microphone were both given"),
        ((*COMMAND, "--file", "one.csv"), "--file and --microphone were both given"),
        (("predict", "hearer", "one.wav", *SHORT), "--seconds goes with --microphone"),
        ((*COMMAND, "--seconds", "0"), "--seconds"),
        (
            ("predict", "reader", "--microphone"),
            f"reader takes texts, not recordings\nhint: {others}",
        ),
    ):
        assert ExitCode.USAGE == main([*words])
        assert message in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert ExitCode.USAGE == main([*COMMAND])
    err = capsys.readouterr().err
    assert "error: a microphone needs sounddevice\nhint: pip install 'zoo-models[microphone]'" in err
    assert "loading" not in err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")
@pytest.mark.parametrize("end", ["enter", "interrupt"])
def test_a_person_ends_it(end: str) -> None:
    terminal = CommandTerminal(*COMMAND, typed=True)
    try:
        for line in terminal.process.stderr:
            if line == b"recording; Enter ends it\n":
                break
        terminal.type("\n") if end == "enter" else terminal.interrupt()
        shown, code, err = terminal.rest(), terminal.wait(), terminal.errors()
    finally:
        terminal.close()
    assert ExitCode.OK == code, err
    assert shown.endswith(f"\n  {HEARD}\n")
    assert "█" in shown
    assert " s recorded\n" in err
