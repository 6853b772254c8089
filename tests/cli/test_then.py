"""`--then`: one command for several runs, each on the result of the one before; recipes have it, too."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import zoo
from tests.echo_runs import held_after, until
from tests.processes import popen
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.errors import OptionInvalid
from zoo.runs import liveness
from zoo.runs.launcher import launching

HERE = ("--device", "cpu", "--precision", "fp32")


def command(rows: Path, *words: str) -> list[str]:
    return ["finetune", "echo", "--data", str(rows), "--name", "first", *HERE, *words]


def then(rows: Path, words: str = "") -> tuple[str, str]:
    return ("--then", f'finetune --data "{rows}" {words}')


@pytest.mark.slow
def test_both_are_told_one_after_the_other(
    echo: None, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spaced = tmp_path / "my rows.csv"
    spaced.write_bytes(rows.read_bytes())
    assert (
        main(command(rows, *then(spaced, "--name second --pause-ms 1 --max-steps 7"), *then(rows), "--pause-ms", "5"))
        == 0
    )
    answer, talk = capsys.readouterr()

    told = [line for line in talk.splitlines() if line.startswith(("run:", "then:", "model:"))]
    assert [line.partition(",")[0] for line in told] == [
        "run: first",
        "then: second",
        "then: second-finetune-1",
        "model: first",
        "then: second",
        "model: second",
        "then: second-finetune-1",
        "model: second-finetune-1",
    ]
    assert answer.count("accuracy") == 3
    assert zoo.open_run("second").snapshot.step == 7
    assert zoo.open_run("second").folder.request.requested_precision == "fp32"

    recipe = zoo.open_run("first").folder.path / "recipe.toml"
    assert recipe.read_text().count("[then]") == recipe.read_text().count("[then.then]") == 1
    assert main(["finetune", "--recipe", str(recipe), "--name", "again", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [document["run"], *(one["run"] for one in document["before"])] == [
        "again-finetune-1-finetune-1",
        "again",
        "again-finetune-1",
    ]
    before, after = (zoo.open_run(name).folder.model_folder for name in ("second", "again-finetune-1"))
    assert (before / "counts.json").read_bytes() == (after / "counts.json").read_bytes()
    run = zoo.run_recipe(recipe, name="third")
    assert [one.name for one in run.followers] == ["third-finetune-1"]
    run.followers[0].wait(progress=False)


@pytest.mark.slow
def test_lists_show_what_waits_and_detaching_names_all(
    echo: None, rows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(rows, *then(rows, "--name second"), "--max-steps", "2000", "--pause-ms", "50", "--detach")) == 0
    assert capsys.readouterr().out.split() == ["first", "second"]
    for name in ("runs", "ps"):
        assert main([name]) == 0
        assert "waiting for first" in capsys.readouterr().out
    assert main(["logs", "second"]) == 0
    assert "begins when first has finished" in capsys.readouterr().out
    assert main(["rm", "first"]) == ExitCode.USAGE
    assert main(["stop", "first"]) == 0
    assert "second waits for its end, and does not begin" in capsys.readouterr().err
    assert main(["ps"]) == 0
    assert "second" not in capsys.readouterr().out
    assert main(["attach", "second"]) == ExitCode.FAILED
    assert "zoo resume first goes on with both" in capsys.readouterr().err
    assert main(["stop", "second"]) == 0
    assert capsys.readouterr().out == "second: cancelled\n"
    assert main(["resume", "second"]) == ExitCode.USAGE
    assert "go on with that, then with this one: zoo resume first, then zoo resume second" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_stops_the_first_and_resume_goes_on_with_both(
    echo: None, rows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = command(rows, *then(rows, "--name second"))
    with held_after(1, run="first") as held:
        process = popen([sys.executable, "-m", "zoo", *words], stderr=subprocess.PIPE, text=True)
        until(held.exists)
        process.send_signal(signal.SIGINT)
        _, talk = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED
    assert talk.endswith("go on with it: zoo resume first\nsecond waits for the end of first\n")
    assert zoo.open_run("second").status == "waiting"

    assert main(["resume", "first"]) == 0
    assert "model: second" in capsys.readouterr().err
    assert zoo.open_run("second").status == "finished"


@pytest.mark.slow
def test_whoever_watches_starts_what_a_killed_worker_has_not(echo: None, rows: Path) -> None:
    words = command(rows, *then(rows, "--name second"))
    with held_after(1, run="first") as held:
        process = popen([sys.executable, "-m", "zoo", *words], stderr=subprocess.PIPE, text=True)
        until(lambda: held.exists() and any(run.name == "second" for run in zoo.list_runs()))
        first, second = zoo.open_run("first"), zoo.open_run("second")
        with launching(second.folder):
            held.unlink()
            until(lambda: first.status == "finished")
            worker = liveness.recorded(first.folder)
            assert worker is not None
            psutil.Process(worker.pid).kill()
            until(lambda: not liveness.is_alive(first.folder))
    process.communicate(timeout=60)
    assert (process.returncode, second.status) == (0, "finished")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "message", "hint"),
    [
        (("--then", ""), "--then does '', but takes finetune or pretrain", 'such as --then "finetune'),
        (("--then", "evaluate --data x"), "--then does 'evaluate'", 'such as --then "finetune'),
        (("--then", "finetun --data x"), "--then does 'finetun'", "did you mean finetune?"),
        (("--then", "finetune --data 'x"), "cannot be read: no closing quotation", 'such as --then "finetune'),
        (("--then", "finetune --data {rows} --detach"), "--detach is about all that is done", "outside of --then"),
        (("--then", "finetune"), "--then finetune says nothing of the data", "in quotes"),
        (("--then", "finetune --data nowhere.csv"), "then finetune: there is no file or folder", "check"),
        (("--then", "finetune --data {rows} --epoch 3"), "then finetune: there is no option '--epoch'", "--epochs"),
        (("--then", "finetune --data {rows} --label no"), "then finetune: ", "text, label"),
        (("--then", "finetune --data {rows} --name first"), "'first' is the name of what is done before", "another"),
        (("--then", "finetune echo --data {rows}"), "echo is not the model that comes of what is done", "leave the"),
        (("--then", "pretrain --data {rows}"), "then pretrain: first cannot pretrain", ""),
        (
            ("--then", "finetune --data {rows} --name b", "--then", "finetune --data {rows} --name b"),
            "'b' is the name of what is done before",
            "another",
        ),
    ],
)
def test_what_cannot_be_is_told_in_front(
    flags: tuple[str, ...],
    message: str,
    hint: str,
    echo: None,
    rows: Path,
    store: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(command(rows, *(flag.format(rows=rows) for flag in flags))) != 0
    error = capsys.readouterr().err
    assert message in error
    assert hint in error
    assert "Traceback" not in error
    assert zoo.list_runs() == ()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('[then]\nmodel = "echo"\n', "line 4: there is no 'model'"),
        ('[then]\nverb = "predict"\n', "line 4: verb is 'predict'"),
        ('[then]\nverb = "finetune"\n', "line 3: then says nothing of the data"),
        ("[then.source]\ndat = 3\n", "line 4: there is no 'dat'"),
        ('[then.source]\ndata = "nowhere.csv"\n', "line 4: there is no"),
        ("[then.source]\ndata = 'rows.csv'\n[then.options]\nepochs = -1\n", "line 6: --epochs is -1"),
        ("[then]\nname = '../x'\n[then.source]\ndata = 'rows.csv'\n", "line 4: '../x' cannot be the name of a run"),
        ("[then.source]\ndata = 'rows.csv'\n[then.then.source]\ndata = 'no.csv'\n", "line 6: there is no"),
    ],
)
def test_what_is_wrong_in_a_recipe_has_its_line(table: str, message: str, echo: None, rows: Path) -> None:
    recipe = rows.with_name("recipe.toml")
    recipe.write_text(f'model = "echo"\nsource = {{ data = "{rows.name}" }}\n{table}')
    with pytest.raises(OptionInvalid if "no.csv" not in table and "nowhere" not in table else zoo.ZooError) as caught:
        zoo.run_recipe(recipe)
    assert f"{recipe} {message}" in str(caught.value)
    assert zoo.list_runs() == ()


@pytest.mark.slow
def test_a_dry_run_checks_all_of_it(echo: None, rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(rows, *then(rows, "--name second"), "--dry-run")) == 0
    assert "then: finetune as second" in capsys.readouterr().err
    assert zoo.list_runs() == ()
