"""Trials that are trained at a place, several at once: the same bits as here, and what fails there is left out."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.plugin_factory import use_site, write_plugin
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.recipe_writing import recipe_of
from zoo.recipes import read_recipe
from zoo.runs import placement, store
from zoo.runs.attempt import Worker
from zoo.runs.candidate import CandidateMeasured, CandidateStepped
from zoo.runs.checkpoints import MANIFEST
from zoo.runs.events import Noted, RunFinished
from zoo.runs.log import read_events
from zoo.runs.snapshot import fold
from zoo.runs.store import RunFolder
from zoo.runs.sweeping.job import sweep
from zoo.runs.sweeping.trial import FAILED, _stopped, stage_folder
from zoo.sweeps import sweep_request

pytestmark = pytest.mark.usefixtures("echo", "store")

YARD = """
from zoo.places.here import Here
from zoo.places.kinds import PlaceKind
from zoo.places.place import PlaceSettings

class YardSettings(PlaceSettings, frozen=True, kw_only=True):
    pass

KIND = PlaceKind("yard", YardSettings, Here, "processes of this machine")
"""
RECIPE = """model = "echo"
device = "cpu"
precision = "fp32"
[options]
eval_share = 0.5
[source]
data = "rows.csv"
[sweep]
ties = "best"
[sweep.vary]
max_steps = [1, 20]
fail_at = [0, 2]
"""


@pytest.fixture
def recipe(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a sweep of four trials, one of which fails; a place is declared that starts processes here."""
    write_plugin(tmp_path / "site", "yard", YARD, distribution="zoo-yard", group="zoo.places")
    use_site(tmp_path / "site", monkeypatch)
    (store / "places.toml").write_text('[yard]\nkind = "yard"\n')
    lines = [f"good{row % 8} {row},positive\nbad{row % 8} {row},negative" for row in range(40)]
    (tmp_path / "rows.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


def swept(recipe: Path, name: str, on: str = "") -> RunFolder:
    folder = store.create(sweep_request(read_recipe(recipe), {}, {}, name=name, place={"on": on}))
    worker = Worker(folder, folder.request, 0, 1)
    ended = sweep(worker)
    assert isinstance(ended, RunFinished)
    worker.emit(ended)
    return folder


@pytest.mark.slow
def test_trials_at_a_place_come_to_the_same_as_here(recipe: Path) -> None:
    there, here = swept(recipe, "there", "yard"), swept(recipe, "here")
    request = there.request
    assert (request.place, {one.training.place for one in request.students}) == ("", {"yard"})
    events = read_events(there)[0]
    assert "4 trials at place yard: all rows" in [event.message for event in events if isinstance(event, Noted)]
    assert any(isinstance(event, CandidateStepped) for event in events)
    told = [event.candidate for event in events if isinstance(event, CandidateMeasured)]
    assert all(one != other for one, other in pairwise(told))
    trials, same = ({one.name: one for one in fold(read_events(one)[0]).candidates} for one in (there, here))
    assert {name: (one.figure, one.chosen, one.rows_learnt) for name, one in trials.items()} == {
        name: (one.figure, one.chosen, one.rows_learnt) for name, one in same.items()
    }
    assert trials["trial-4"].reason == "ValueError: told to fail at step 2"
    for name in ("trial-1", "trial-4"):
        placed = placement.recorded(stage_folder(there, name, "all rows"))
        assert placed is not None
        assert placed.place == "yard"
    weights = [(folder.model_folder / "counts.json").read_bytes() for folder in (there, here)]
    assert weights[0] == weights[1]
    assert 'on = "yard"' in recipe_of(request, there.path)


def test_a_place_that_is_not_declared_is_said_to_be(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", str(recipe), "--on", "yrad"]) == ExitCode.USAGE
    error = capsys.readouterr().err
    assert "there is no place 'yrad'" in error
    assert "did you mean yard?" in error


def test_a_trial_whose_time_is_over_leaves_word(tmp_path: Path) -> None:
    sweep_folder, stage = RunFolder(tmp_path), RunFolder(tmp_path / "stage")
    stage.path.mkdir()
    stage.interrupt_path.touch()
    assert _stopped(sweep_folder, stage, requeue=True) == 0
    assert stage.interrupt_path.exists()  # so that its place begins it again
    assert not (stage.path / FAILED).exists()
    checkpoint = tmp_path / "40-rows" / "checkpoints" / "step-00000004"
    checkpoint.mkdir(parents=True)
    (checkpoint / MANIFEST).touch()
    _stopped(sweep_folder, stage, requeue=True)
    assert stage.interrupt_path.exists()
    _stopped(sweep_folder, stage, requeue=True)
    assert not stage.interrupt_path.exists()
    assert "as before, with no checkpoint in between" in (stage.path / FAILED).read_text()
    stage.interrupt_path.touch()
    _stopped(sweep_folder, stage, requeue=False)
    assert "its time at the place was over" in (stage.path / FAILED).read_text()
    (stage.path / FAILED).unlink()
    stage.interrupt_path.touch()
    sweep_folder.stop_path.touch()
    _stopped(sweep_folder, stage, requeue=True)
    assert not stage.interrupt_path.exists()
    assert not (stage.path / FAILED).exists()
