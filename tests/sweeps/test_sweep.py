"""`zoo sweep`: from a recipe, and what of it varies, to a model, in real runs of the torch-free plugin."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest

import zoo
from tests.echo_runs import until
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.errors import DatasetInvalid, NoSuchFigure, OptionInvalid
from zoo.metrics import ClassificationMetrics
from zoo.recipes import read_recipe
from zoo.runs import store
from zoo.runs.attempt import Worker
from zoo.runs.candidate import CandidateMeasured, CandidateStepped
from zoo.runs.events import AnyEvent, RunCancelled, RunFinished
from zoo.runs.log import read_events
from zoo.runs.overview import candidate_table
from zoo.runs.snapshot import fold
from zoo.runs.store import RunFolder
from zoo.runs.sweeping.job import sweep
from zoo.sweeps import sweep_request
from zoo.sweeps.recipe_words import in_words_of_recipe
from zoo.sweeps.rounds import lengths_of, measured_trial, trainings_of
from zoo.sweeps.values import vary_of

pytestmark = pytest.mark.usefixtures("echo", "store")

TRAINING = """model = "echo"
device = "cpu"
precision = "fp32"
[options]
eval_share = 0.5
[source]
data = "rows.csv"
"""
SWEEP = """[sweep]
ties = "best"
[sweep.vary]
max_steps = [1, 2, 20]
fail_at = [0, 2]
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """Of a training on eighty rows, each with one of sixteen words that tell the label; and six trials, two of which
    fail.
    """
    lines = [f"good{row % 8} {row},positive\nbad{row % 8} {row},negative" for row in range(40)]
    (tmp_path / "rows.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    return written(tmp_path, TRAINING + SWEEP)


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


class Stopping(Worker):
    """A worker that is asked to stop once so many trials have learnt all rows."""

    after = 2

    def emit(self, event: AnyEvent) -> None:
        super().emit(event)
        if isinstance(event, CandidateMeasured) and event.candidate.stage == "all rows":
            self.after -= 1
            self.signalled |= self.after == 0


def begun(recipe: Path, name: str, **sweeping: object) -> RunFolder:
    return store.create(sweep_request(read_recipe(recipe), {}, sweeping, name=name))


def done(folder: RunFolder, worker: type[Worker] = Worker) -> AnyEvent:
    """One attempt, in this process."""
    at_work = worker(folder, folder.request, 0, 1)
    ended = sweep(at_work)
    at_work.emit(ended)
    return ended


def model_bytes(folder: RunFolder) -> bytes:
    return (folder.model_folder / "counts.json").read_bytes()


@pytest.mark.slow
def test_the_best_is_taken_and_what_fails_is_left_out(recipe: Path) -> None:
    folder = begun(recipe, "swept")
    ended = done(folder)
    assert isinstance(ended, RunFinished)
    trials = {one.name: one for one in fold(read_events(folder)[0]).candidates}
    assert [one.settings for one in trials.values()] == [
        {"max_steps": steps, "fail_at": step} for steps in (1, 2, 20) for step in (0, 2)
    ]
    failed = [name for name, one in trials.items() if one.stage == "failed"]
    assert failed == ["trial-4", "trial-6"]
    assert "told to fail at step 2" in trials["trial-4"].reason
    (chosen,) = (one for one in trials.values() if one.chosen)
    assert (chosen.name, chosen.rows_learnt, chosen.figure) == ("trial-5", 20, 0.85)
    assert chosen.interval is not None
    assert ended.metrics["accuracy"] == chosen.figure
    assert trials["trial-1"].drop
    readme = (folder.model_folder / "README.md").read_text()
    assert "## Why trial-5" in readme
    assert "max-steps 20, fail-at 0" in readme
    assert "flattered" in readme
    table = candidate_table(tuple(trials.values()))
    assert table.headers[:4] == ("trial", "max-steps", "fail-at", "learnt from")
    kept = {path.parents[2].name for path in folder.students_folder.glob("*/*/*/model")}
    assert "trial-5" in kept
    assert "trial-2" not in kept  # as dear as the first, and no better


def test_a_figure_that_no_judge_has_ends_a_sweep_before_all_are_trained(
    recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a judge that does not say which figures it gives; an attempt to come trains nothing either."""
    monkeypatch.setattr(ClassificationMetrics, "FIGURES", ())
    folder = begun(recipe, "swept", metric="macrof1")
    for _ in range(2):
        with pytest.raises(NoSuchFigure, match="--metric is 'macrof1', but answers to text-classification"):
            done(folder)
        judged = [event.candidate for event in read_events(folder)[0] if isinstance(event, CandidateMeasured)]
        assert {one.name for one in judged if one.stage == "all rows"} == {"trial-1", "trial-2"}


@pytest.mark.slow
def test_what_is_done_is_not_done_again_and_the_bits_are_the_same(recipe: Path) -> None:
    whole, stopped = begun(recipe, "whole"), begun(recipe, "stopped")
    done(whole)
    assert isinstance(done(stopped, Stopping), RunCancelled)
    attempt = len(read_events(stopped)[0])
    assert isinstance(done(stopped), RunFinished)
    again = {event.name for event in read_events(stopped)[0][attempt:] if isinstance(event, CandidateStepped)}
    assert {"trial-3", "trial-5"} <= again <= {"trial-3", "trial-4", "trial-5", "trial-6"}  # the first two had learnt
    assert model_bytes(stopped) == model_bytes(whole)


@pytest.mark.slow
def test_halving_gives_more_rows_to_the_better_half(recipe: Path, tmp_path: Path) -> None:
    text = recipe.read_text().replace("max_steps = [1, 2, 20]\nfail_at = [0, 2]", "pause_ms = [0, 1, 2, 3]")
    folder = begun(written(tmp_path, text), "halved", strategy="halving", finalists=1)
    assert isinstance(done(folder), RunFinished)
    trials = fold(read_events(folder)[0]).candidates
    assert sorted(one.stage for one in trials) == ["1/4 of the rows"] * 3 + ["all rows"]  # 32 rows twice is once
    assert sum(one.chosen for one in trials) == 1


@pytest.mark.slow
def test_all_that_fail_fail_the_run(recipe: Path, tmp_path: Path) -> None:
    text = recipe.read_text().replace("max_steps = [1, 2, 20]\nfail_at = [0, 2]", "fail_at = [1, 2]")
    with pytest.raises(zoo.RunFailed, match="none is left to choose from; trial-2 was the last"):
        done(begun(written(tmp_path, text), "failing"))


@pytest.mark.slow
def test_a_sweep_is_a_run_whose_recipe_does_it_again(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", str(recipe), "--vary", "fail-at=0", "--name", "mood"]) == ExitCode.OK
    out = capsys.readouterr()
    assert "grid: 3 trials of echo/echo" in out.err
    assert "taken" in out.out
    run = zoo.open_run("mood")
    assert run.model.predict("good3").label in ("positive", "negative")
    assert {one.name for one in run.candidates} == {"trial-1", "trial-2", "trial-3"}
    until(lambda: not run.folder.students_folder.exists())  # removed after the last event
    again = sweep_request(read_recipe(run.folder.path / "recipe.toml"), {}, {})
    asked = run.folder.request
    assert [one.settings for one in again.students] == [one.settings for one in asked.students]
    assert (again.sweeping, again.vary) == (asked.sweeping, asked.vary)
    assert msgspec.structs.replace(again.students[2].training, created_at=0) == msgspec.structs.replace(
        asked.students[2].training, created_at=0
    )


@pytest.mark.slow
def test_a_dry_run_says_how_many_there_would_be(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", str(recipe), "--vary", "fail_at=0", "--dry-run", "--json"]) == ExitCode.OK
    answer = json.loads(capsys.readouterr().out)
    assert answer["trials"]["trial-3"] == {"max_steps": 20, "fail_at": 0}
    assert answer["trainings"] == [1.0, 1.0, 1.0]
    assert answer["plan"]["eval_rows"] == 40
    assert zoo.list_runs() == ()


def test_how_long_trials_are_is_told_by_what_varies(recipe: Path, tmp_path: Path) -> None:
    text = recipe.read_text().replace("max_steps = [1, 2, 20]\nfail_at = [0, 2]", "epochs = [1, 10]\npause_ms = [0, 1]")
    recipe = read_recipe(written(tmp_path, text))
    assert lengths_of(sweep_request(recipe, {}, {}), steps=40, epochs=1.0) == [1.0, 1.0, 10.0, 10.0]
    halved = sweep_request(recipe, {}, {"strategy": "halving", "finalists": 2})
    assert trainings_of(halved, 40) == [Fraction(32, 40)] * 4 + [Fraction(1)] * 2
    capped = sweep_request(recipe, {"max_steps": [10, 60], "pause_ms": 0}, {})
    assert lengths_of(capped, steps=10, epochs=0.25) == [1.0, 4.0, 1.0, 6.0]
    usual = sweep_request(recipe, {"max_steps": [10, "auto"], "epochs": [3, "auto"], "pause_ms": 0}, {})
    assert measured_trial(usual).name == "trial-4"
    assert lengths_of(usual, steps=40, epochs=2.0) == [0.25, 1.5, 0.25, 1.0]
    assert lengths_of(usual, steps=5, epochs=2.0) == [1.5, 1.5, 1.0, 1.0]


@pytest.mark.parametrize(
    ("replaced", "by", "message"),
    [
        ('ties = "best"', 'tise = "best"', "line 9: there is no option 'tise'"),
        ('ties = "best"', 'ties = "worst"', "line 9: --ties is 'worst'"),
        ('ties = "best"', 'metric = "macrof1"', "line 9: --metric is 'macrof1', but answers to text-classification"),
        ('ties = "best"', 'strategy = "grid"\ntrials = 3', "line 10: --trials is 3, but a grid"),
        ("max_steps = [1, 2, 20]", "max_stesp = [1, 2]", "line 11: there is no option 'max_stesp' to vary"),
        ("max_steps = [1, 2, 20]", "max_steps = [0, 2]", "line 11: --max-steps is 0"),
        ("max_steps = [1, 2, 20]", "lr = [1e-5, 100]", "line 11: --lr is 100"),
        ("max_steps = [1, 2, 20]", "eval_share = [0.1, 0.2]", "line 11: eval_share cannot vary: all trials are judged"),
        ("max_steps = [1, 2, 20]", 'model = ["echo", "other"]', "line 11: the model cannot vary"),
        ("max_steps = [1, 2, 20]", "lr = { low = 1, hihg = 2 }", "line 11: the range of lr has 'hihg'"),
        (
            "max_steps = [1, 2, 20]",
            "lr = [1e-5]\nlearning_rate = [1e-3]",
            "line 12: what learning_rate may be is said twice",
        ),
        ("max_steps = [1, 2, 20]\nfail_at = [0, 2]", "max_steps = [1]", "nothing varies"),
        (SWEEP, "", "says nothing of what varies"),
        (SWEEP, "[sweep]\nvary = 3\n", "line 9: vary is to be a table"),
        (SWEEP, "sweep = 3\n", "there is no 'sweep'"),
        ("eval_share = 0.5", "folds = 3", "folds"),
        ('model = "echo"', 'model = "echo"\nverb = "pretrain"', "line 2: the recipe is to pretrain"),
        ('model = "echo"', 'model = "echo"\nprocesses = 2', "line 2: the recipe is in several processes"),
        ('model = "echo"', 'model = "echo"\nnodes = 2', "line 2: the recipe is on several machines"),
        ("[sweep]", '[then]\nsource = { data = "rows.csv" }\n[sweep]', "line 8: the recipe is with something"),
    ],
)
def test_what_is_wrong_has_one_message(
    replaced: str, by: str, message: str, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = recipe.read_text()
    assert replaced in text
    assert main(["sweep", str(written(tmp_path, text.replace(replaced, by)))]) == ExitCode.USAGE
    error = capsys.readouterr().err
    assert message in error
    assert error.count("error: ") == 1
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("replaced", "by", "message"),
    [
        ("eval_share = 0.5", "eval_share = 0.1", "line 5: 8 rows to choose by cannot tell trials apart"),
        ("eval_share = 0.5", "eval_share = 0", "line 5: 0 rows to choose by cannot tell trials apart"),
        ("eval_share = 0.5", "seed = 1", "line 6: 8 rows to choose by cannot tell trials apart"),
        (
            'data = "rows.csv"',
            'data = "rows.csv"\neval = "few.csv"',
            "line 8: 2 rows to choose by cannot tell trials apart",
        ),
    ],
)
def test_too_few_rows_are_told_before_there_is_a_run(
    replaced: str, by: str, message: str, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "few.csv").write_text("text,label\na,positive\nb,negative\n")
    written(tmp_path, recipe.read_text().replace(replaced, by))
    assert main(["sweep", str(recipe)]) == ExitCode.DATA
    error = capsys.readouterr().err
    assert message in error
    assert "20 are needed at least" in error
    assert zoo.list_runs() == ()


def test_of_very_many_rows_the_worker_sees_whether_they_are_enough(
    recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.sweeps.request.MOST_DIVIDED", 10)
    recipe.write_text(recipe.read_text().replace("eval_share = 0.5", "eval_share = 0.1"))
    folder = begun(recipe, "swept")
    with pytest.raises(DatasetInvalid, match="8 rows to choose by cannot tell trials apart"):
        done(folder)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"recipe": None}, "the recipe is a NoneType, but takes the path of a TOML file"),
        ({"vary": ["lr=1,2"]}, "--vary is ['lr=1,2'], but takes a table of options and their values"),
        ({"vary": {5: [1, 2]}}, "but takes a table of options"),
        ({"vary": {"lr": [{"low": 1}]}}, "--lr is {'low': 1}"),
        ({"name": "echo"}, "'echo' is the name of a model"),
        ({"precision": "fp8"}, "--precision is 'fp8', but takes"),
        ({"device": "tpu"}, "--device is 'tpu', but takes"),
    ],
)
def test_what_is_wrong_from_python_has_one_message(recipe: Path, asked: dict[str, Any], message: str) -> None:
    """What the recipe says otherwise is not at fault, and has no line."""
    with pytest.raises(OptionInvalid) as refusal:
        zoo.sweep(**{"recipe": recipe} | asked)
    assert message in refusal.value.message
    assert "line" not in refusal.value.message


def test_what_is_said_twice_is_said_at_once_in_a_recipe_too() -> None:
    with pytest.raises(OptionInvalid, match="what lr may be is said twice") as told:
        vary_of(["lr=1e-5", "lr=3e-5"])
    assert told.value.hint == "give all values at once: lr=A,B,C, or in a recipe lr = [A, B, C]"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--vary", "data=a.csv,b.csv"], "there is no option 'data' to vary"),
        (["--vary", "lr"], "--vary is 'lr', which gives no option values"),
        (["--vary", "lrr=1,2"], "there is no option 'lrr' to vary"),
        (["--vary", "lr=1e-5", "--vary", "lr=3e-5"], "what lr may be is said twice"),
        (["--vary", "lr=1e-5", "--vary", "learning-rate=3e-5"], "what learning-rate may be is said twice, also as lr"),
        (["--strategy", "bayes"], "--strategy is 'bayes'"),
        (["--metric", "macrof1"], "--metric is 'macrof1', but answers to text-classification are judged by accuracy, "),
        (["--metric", "label_coverage"], "--metric is label_coverage, which does not say how good answers are"),
        (["--strategy", "halving"], "max_steps says how long a training is"),
        (["--vary", "max-steps=1..9", "--strategy", "grid"], "max_steps has a range"),
    ],
)
def test_flags_that_are_wrong_have_one_message(
    words: list[str], message: str, recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", str(recipe), *words]) == ExitCode.USAGE
    assert message in capsys.readouterr().err


def test_advice_is_in_the_words_of_a_recipe(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "texts.csv").write_text("text\n" + "".join(f"good {row}\n" for row in range(80)))
    written(tmp_path, recipe.read_text().replace("rows.csv", "texts.csv"))
    assert main(["sweep", str(recipe)]) == ExitCode.DATA
    assert 'hint: say which it is with columns = { label = "NAME" }; the first row' in capsys.readouterr().err
    assert in_words_of_recipe("say --eval-share 0.2, or zoo data inspect F --label L") == (
        "say eval_share 0.2, or zoo data inspect F --label L"
    )
    assert in_words_of_recipe("name one: --metric, --strategy grid, --device cpu") == (
        "name one: --metric, --strategy grid, --device cpu"
    )


def test_a_recipe_that_is_not_there_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "nowhere.toml"]) == ExitCode.USAGE
    assert "the recipe nowhere.toml cannot be read" in capsys.readouterr().err
