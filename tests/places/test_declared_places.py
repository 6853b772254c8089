"""What `places.toml` declares, and what is wrong with it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import zoo
from tests.plugin_factory import write_plugin
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.errors import OptionInvalid, StoreInvalid, ZooError
from zoo.places.slurm import minutes
from zoo.places.table import _check_ours, places
from zoo.tui.screens.run_form import _places

Start = Callable[..., zoo.Run]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[gpu", "places.toml is no TOML"),
        ("time = 5", "line 1: time stands outside of any place"),
        ("[here]\nkind = 'slurm'", "line 1: here is this machine, and not declared"),
        ("\n[['gpu']]\nkind = 'slurm'", "line 2: gpu is a list, and a place is one table"),
        ("['my gpu']\nkind = 'slurm'", "line 1: 'my gpu' cannot be the name of a place"),
        ("['']\nkind = 'slurm'", "line 1: '' cannot be the name of a place"),
        ("[gpu]\ntime = 5", "line 1: there is no kind 'gpu'"),
        ("[gpu]\nkind = 'slrum'", "line 2: there is no kind 'slrum'"),
        ("[gpu]\nkind = 3", "line 2: kind is 3, but takes text"),
        ("[gpu]\nkind = 'slurm'\npartion = 'a'", "line 3: place gpu: there is no option 'partion'"),
        ("[pair]\nkind = 'hosts'\nhosts = ['a', 2]", "line 3: place pair: hosts is ['a', 2], but takes text"),
        ("[gpu]\nkind = 'slurm'\npartition = ['a']", "line 3: place gpu: partition is ['a'], but takes text"),
        ("[gpu]\nkind = 'slurm'\ngpus = -1", "line 3: place gpu: gpus is -1, but takes a whole number from 0 to 64"),
        ("[gpu]\nkind = 'slurm'\ntime = 'soon'", "line 3: place gpu: time is 'soon', but takes minutes"),
        ("[gpu]\nkind = 'slurm'\nfolder = 'me'", "line 3: place gpu: folder is 'me', which is no absolute path"),
        ("[gpu]\nkind = 'slurm'\nenvironment = 'me'", "line 3: place gpu: environment is 'me', which is no absolute"),
        (
            "[gpu]\nkind = 'slurm'\nsbatch = '--array=1-4'",
            "line 3: place gpu: sbatch has --array, which zoo says itself",
        ),
        ("[gpu]\nkind = 'slurm'\nsbatch = '--mem=4G'", "line 3: place gpu: sbatch has --mem, which zoo says itself"),
        ("[gpu]\nkind = 'slurm'\nsbatch = 'exclusive'", "line 3: place gpu: sbatch has 'exclusive', which is no flag"),
    ],
)
def test_what_means_nothing_is_told_with_file_line_and_key(
    text: str, message: str, declare: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    declare(text)

    assert ExitCode.STORE == main(["places"])
    assert message in capsys.readouterr().err
    with pytest.raises(ZooError, match="places"):
        places()
    assert ["here"] == _places()[0]


@pytest.mark.parametrize("flag", ["--mem=0", "--gpus-per-node=a100:2", "--exclusive"])
def test_flags_say_what_a_place_has_no_key_for(flag: str, declare: Callable[[str], Path]) -> None:
    declare(f"[gpu]\nkind = 'slurm'\nsbatch = '{flag}'")
    assert _places()[0] == ["here", "gpu"]


def test_a_folder_in_the_place_of_the_file_is_told(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (store / "places.toml").mkdir()
    assert ExitCode.STORE == main(["places"])
    assert f"{store / 'places.toml'} is a folder, not a file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "expected"),
    [("60", 60), ("0:30", 1), ("1:30:00", 90), ("2-0", 2880), ("1-12:30:01", 2191), ("90:00", 90)],
)
def test_times_are_those_of_slurm(text: str, expected: int) -> None:
    assert expected == minutes(text)


def test_places_are_listed(declare: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    declare("[gpu]\nkind = 'slurm'\ntime = 30\ngpus = 2\n[tent]\ncamp = 'CAMP'\n")

    assert ExitCode.OK == main(["places"])
    rows = [row.split() for row in capsys.readouterr().out.splitlines()]
    assert ["here", "gpu", "tent"] == [row[0] for row in rows[1:]]
    assert ExitCode.OK == main(["places", "--json"])
    listed = json.loads(capsys.readouterr().out)["places"]
    assert [("here", "here"), ("gpu", "slurm"), ("tent", "tent")] == [(one["place"], one["kind"]) for one in listed]
    assert ("30", 2) == (listed[1]["settings"]["time"], listed[1]["settings"]["gpus"])


def test_a_kind_that_is_broken_is_told(
    declare: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_plugin(tmp_path / "tent-site", "hut", "KIND = 3", distribution="zoo-hut", group="zoo.places")
    declare("")

    assert ExitCode.PLUGIN == main(["places"])
    assert "kind hut: zoo_hut has no KIND" in capsys.readouterr().err
    declare("[hut]\n")
    assert ExitCode.PLUGIN == main(["places"])
    assert "line 1: the kind hut of zoo-hut cannot be used" in capsys.readouterr().err


def test_a_place_that_is_not_there_is_refused(
    declare: Callable[[str], Path], finetune: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    declare("[tent]\n")

    with pytest.raises(OptionInvalid, match="there is no place 'tnet'") as error:
        finetune(on="tnet")
    assert "did you mean tent?" == error.value.hint
    assert ExitCode.USAGE == main(["finetune", "echo", "--data", "rows.csv", "--on", ""])
    assert "--on names no place" in capsys.readouterr().err
    with pytest.raises(OptionInvalid, match="--requeue is for runs that are handed over"):
        finetune(requeue=True)


@pytest.mark.skipif(sys.platform == "win32", reason="owners and modes of files")
def test_a_file_that_others_write_is_refused(
    declare: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = declare("[tent]\n")
    path.chmod(0o664)
    assert ExitCode.OK == main(["places"])
    path.chmod(0o666)
    assert ExitCode.STORE == main(["places"])
    assert f"everybody may write to {path}" in capsys.readouterr().err
    found = os.stat_result([0o600, 0, 0, 1, 12345, *[0] * 5])
    with pytest.raises(StoreInvalid, match="belongs to user 12345"):
        _check_ours(path, found)


@pytest.mark.parametrize("timeout", ["0", "-1", "nan", "soon"])
def test_a_check_waits_for_some_time(timeout: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ExitCode.USAGE == main(["places", "check", "here", "--timeout", timeout])
    assert ", but takes a number" in capsys.readouterr().err


@pytest.mark.slow
def test_a_place_is_checked_by_a_job(declare: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    declare("[tent]\n[far]\nkind = 'tent'\nenvironment = '/nowhere'\n")

    assert ExitCode.OK == main(["places", "check", "tent", "--json"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    marks = {one["about"]: one["mark"] for one in findings}
    assert {"ok"} == {marks[about] for about in ("job", "shared folder", "locks", "zoo-models", "plugins")}
    assert ExitCode.FAILED == main(["places", "check", "far"])
    assert "fault    job: check cannot be started here" in capsys.readouterr().out
