"""`zoo config`: settings are shown and changed, and hold where no flag says otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin_site import Site, card, plugin
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.settings import file

FINETUNED = "{'finetune': zoo.Ability(task='text-classification', options=zoo.DataOptions)}"


@pytest.fixture(autouse=True)
def config(store: Path, site: Site) -> Iterator[Path]:
    """The file, which is read anew."""
    file.forget()
    yield store / "config.toml"
    file.forget()


def shown(capsys: pytest.CaptureFixture[str], *words: str, code: ExitCode = ExitCode.OK) -> str:
    capsys.readouterr()
    assert main(["config", *words]) == code
    out, err = capsys.readouterr()
    return out if code == ExitCode.OK else err


def test_settings_are_changed_shown_and_given_back(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "device     auto" in shown(capsys)

    shown(capsys, "device=cuda", "precision=bf16")
    assert shown(capsys, "device", "precision") == "cuda\nbf16\n"
    rows = shown(capsys, "--where").splitlines()
    assert f"device     cuda          {config}, line 2" in rows or any(
        row.split()[:2] == ["device", "cuda"] and row.endswith(f"{config}, line 2") for row in rows
    )

    shown(capsys, "--unset", "device", "precision=fp32")
    assert shown(capsys, "device", "precision") == "auto\nfp32\n"


def test_programs_are_told_who_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    shown(capsys, "device=cuda", "precision=bf16")
    monkeypatch.setenv("ZOO_DEVICE", "cpu")

    document = json.loads(shown(capsys, "--json"))
    device, precision, *_ = document["settings"]
    assert ("cpu", "environment", None) == (device["value"], device["from"], device["line"])
    assert ("bf16", "file", 3) == (precision["value"], precision["from"], precision["line"])
    assert "ZOO_PRECISION" == precision["variable"]


def test_a_variable_that_goes_before_the_file_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_DEVICE", "cpu")
    assert main(["config", "device=cuda"]) == ExitCode.OK

    assert "device: ZOO_DEVICE goes before the file, which says cuda\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "err"),
    [
        ("devcie", "error: there is no setting 'devcie'\nhint: did you mean device?\n"),
        (
            "precision=bf61",
            "error: precision is 'bf61', but takes auto, fp32, bf16, fp16\nhint: did you mean bf16?\n",
        ),
        ("precision=int8", "error: precision is 'int8', but takes auto, fp32, bf16, fp16\n"),
        (
            "home=~nobody-of-this-name/x",
            "error: home is '~nobody-of-this-name/x', but takes the path of a folder\nhint: zoo config --help\n",
        ),
        (
            "device=",
            "error: device is '', but takes auto, cpu, cuda, cuda:N, mps, xpu or xpu:N\nhint: zoo config --help\n",
        ),
        ("theme=nrod", "error: there is no theme 'nrod'\nhint: did you mean nord?\n"),
        ("device precision=bf16", "error: settings are either shown or changed\nhint: zoo config device\n"),
        ("--unset colour", "error: there is no setting 'colour'\n"),
    ],
)
def test_what_means_nothing_is_refused(words: str, err: str, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, *words.split(), code=ExitCode.USAGE).startswith(err)
    assert not config.exists()


def test_a_file_that_means_nothing_is_one_message_of_any_command_and_can_be_mended(
    config: Path, capsys: pytest.CaptureFixture[str], site: Site
) -> None:
    site.install("toy", plugin(card(abilities=FINETUNED)))
    config.write_text('precision = "fp99"\n')
    for words in (["finetune", "model", "--data", "x.csv"], ["config"]):
        assert main(words) == ExitCode.STORE
        error, hint = capsys.readouterr().err.splitlines()
        assert error.startswith(f'error: {config}, line 1: precision is "fp99", but takes')
        assert hint == "hint: mend the line, or zoo config --unset precision"

    assert main(["config", "--unset", "precision"]) == ExitCode.OK


def test_a_flag_goes_before_a_setting_and_help_says_what_holds(
    capsys: pytest.CaptureFixture[str], site: Site, accelerators: None, tmp_path: Path
) -> None:
    site.install("toy", plugin(card(abilities=FINETUNED)))
    (tmp_path / "rows.csv").write_text("text,label\nfine,good\nawful,bad\n" * 20)
    shown(capsys, "device=mps", "precision=fp32")
    job = ["finetune", "model", "--data", str(tmp_path / "rows.csv")]

    assert main(job) == ExitCode.USAGE
    assert "there is no mps here" in capsys.readouterr().err
    assert main([*job, "--device", "cuda:7"]) == ExitCode.USAGE
    assert "there is no cuda:7 here" in capsys.readouterr().err

    with pytest.raises(SystemExit):
        main(["finetune", "model", "--help"])
    assert "mps or xpu (default: mps)" in " ".join(capsys.readouterr().out.split())
