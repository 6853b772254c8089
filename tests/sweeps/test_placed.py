"""Trials that are trained at a place, several at once: the same bits as here, and what fails there is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.places.test_arrays import Camp, Tent
from tests.yard import declare_yard
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.errors import NoSuchFigure, PlaceFull, RunFailed, StoreInvalid
from zoo.jobs import Job, Place
from zoo.places.place import JobState
from zoo.recipe_writing import recipe_of
from zoo.recipes import read_recipe
from zoo.requests import request_of
from zoo.runs import liveness, placement, store
from zoo.runs.attempt import Worker
from zoo.runs.candidate import Candidate, CandidateMeasured, CandidateStepped
from zoo.runs.checkpoints import MANIFEST
from zoo.runs.events import Noted, RunFinished
from zoo.runs.log import read_events
from zoo.runs.picking.field import Field
from zoo.runs.placement import Placement
from zoo.runs.snapshot import fold
from zoo.runs.store import RunFolder
from zoo.runs.sweeping import placed as placed_trials
from zoo.runs.sweeping import trial
from zoo.runs.sweeping.job import sweep
from zoo.runs.sweeping.placed import PlacedTrials
from zoo.runs.sweeping.trial import FAILED, _stopped, stage_folder
from zoo.sources import Source
from zoo.sweeps import sweep_request

pytestmark = pytest.mark.usefixtures("echo", "store")

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
    declare_yard(store, tmp_path / "yard-site", monkeypatch)
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
    assert [f"trial-{number}" for number in range(1, 5)] == list(trials), "whichever was the first to end"
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


def test_a_place_without_a_queue_takes_no_sweep(recipe: Path, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (store / "places.toml").write_text('[pair]\nkind = "hosts"\nhosts = "a, b"\n')
    assert main(["sweep", str(recipe), "--on", "pair"]) == ExitCode.USAGE
    assert "place pair is of the kind hosts, which has no queue" in capsys.readouterr().err
    (store / "places.toml").write_text('[box]\nkind = "here"\n')
    assert main(["sweep", str(recipe), "--on", "box"]) == ExitCode.USAGE
    assert "give no place, as --on or in the recipe: here trials follow one another" in capsys.readouterr().err


class Trial:
    """One that is known once its place has taken it."""

    seconds = 0.0
    settings: dict[str, Any] = {}

    def __init__(self, name: str) -> None:
        self.name, self.is_taken = name, False

    def known(self, stage: str) -> object:
        return stage if self.is_taken else None


@pytest.fixture
def trials(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Field, list[int]]]:
    """Let a field of four be handed over to a place that has room for so many at a time; says in which numbers."""
    monkeypatch.setattr(placed_trials, "AGAIN_S", 0.0)
    monkeypatch.setattr(placed_trials, "POLL_S", 0.0)
    folder = store.create(sweep_request(read_recipe(recipe), {}, {}, name="full", place={"on": "yard"}))
    worker = Worker(folder, folder.request, 0, 1)

    def learn(
        room: int,
        *,
        has_arrays: bool,
        check: Callable[[Iterable[Candidate]], None] = lambda judged: None,
        is_well: bool = True,
        named: Callable[[str], Any] | None = None,
        before: Sequence[Candidate] = (),
    ) -> tuple[Field, list[int]]:
        field = Field(worker, [Trial(name) for name in ("a", "b", "c", "d")])  # type: ignore[misc]
        for one in before:
            field.report(one)
        left, numbers = [room], list[int]()

        def hand_over(self: object, some: Sequence[Trial], stage: str, rows: int) -> dict[str, Placement]:
            numbers.append(len(some))
            if len(some) > left[0]:
                left[0] = room if len(some) == 1 else left[0]
                raise PlaceFull("its queue is full", "come again")
            left[0] -= len(some)
            for one in some:
                one.is_taken = is_well
            return {one.name: Placement(place="yard", job="1", placed_at=0.0) for one in some}

        place = Camp(room) if has_arrays else Tent(room)
        monkeypatch.setattr(placed_trials, "place_named", named or (lambda name: place))
        monkeypatch.setattr(PlacedTrials, "_handed_over", hand_over)
        PlacedTrials(worker, "yard", requeue=False).learn(field, "all rows", 40, check)
        return field, numbers

    return learn


@pytest.mark.parametrize(("has_arrays", "numbers"), [(False, [1, 1, 1, 1]), (True, [4])])
def test_trials_are_one_array_where_a_place_has_those(
    has_arrays: bool, numbers: list[int], trials: Callable[..., tuple[Field, list[int]]]
) -> None:
    assert numbers == trials(4, has_arrays=has_arrays)[1]


@pytest.mark.parametrize(("has_arrays", "numbers"), [(False, [1, 1, 1, 1, 1]), (True, [4, 2, 2, 1, 2])])
def test_what_a_place_refuses_for_now_is_handed_over_later(
    has_arrays: bool, numbers: list[int], trials: Callable[..., tuple[Field, list[int]]]
) -> None:
    field, tried = trials(2, has_arrays=has_arrays)
    assert ["a", "b", "c", "d"] == list(field.entrants)
    assert numbers == tried
    notes = [event.message for event in read_events(field._worker.folder)[0] if isinstance(event, Noted)]
    assert ["4 trials at place yard: all rows", "2 trials to be handed over later: its queue is full"] == notes


def test_a_declaration_that_is_being_edited_is_waited_for_while_trials_are_there(
    trials: Callable[..., tuple[Field, list[int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not looked at where nothing is left to hand over."""
    looks: list[str] = []

    def named(name: str) -> Camp:
        looks.append(name)
        if len(looks) == 3:  # the first two are there
            raise StoreInvalid("places.toml is no TOML", "mend it")
        return Camp(2)

    field, numbers = trials(2, has_arrays=True, named=named)
    assert ["a", "b", "c", "d"] == list(field.entrants)
    notes = [event.message for event in read_events(field._worker.folder)[0] if isinstance(event, Noted)]
    assert "2 trials to be handed over later: places.toml is no TOML" in notes
    assert len(looks) == len(numbers) + 1


def test_what_is_known_of_trials_is_in_their_order(
    trials: Callable[..., tuple[Field, list[int]]],
) -> None:
    field, _ = trials(4, has_arrays=True)
    for name in ("trial-10", "trial-2", "trial-1"):
        field.report(Candidate(name=name, stage="failed", settings={"lr": 0.1}))
    assert list(field.candidates) == ["trial-1", "trial-2", "trial-10"]


def test_what_earlier_stages_have_shown_counts(trials: Callable[..., tuple[Field, list[int]]]) -> None:
    counts: list[int] = []
    before = Candidate(name="a", stage="a half", metric="f", figure=1.0)
    trials(4, has_arrays=True, check=lambda judged: counts.append(len(list(judged))), before=[before])
    assert counts == [1, 2, 3, 4, 5]


def test_what_no_trial_can_come_to_cancels_the_others(
    trials: Callable[..., tuple[Field, list[int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(judged: Iterable[Candidate]) -> None:
        if len(list(judged)) > 1:
            raise NoSuchFigure("--metric is 'macrof1'")

    cancelled: list[list[str]] = []
    monkeypatch.setattr(
        PlacedTrials, "_cancel", lambda self, jobs: cancelled.append([folder.path.parent.name for folder in jobs])
    )
    with pytest.raises(NoSuchFigure):
        trials(4, has_arrays=True, check=check)
    assert cancelled == [["c", "d"]]


@pytest.mark.parametrize("has_arrays", [False, True])
def test_what_a_place_takes_none_of_fails(has_arrays: bool, trials: Callable[..., tuple[Field, list[int]]]) -> None:
    with pytest.raises(RunFailed, match="its queue is full") as told:
        trials(0, has_arrays=has_arrays)
    assert "come again; when it takes trials, zoo resume full goes on" == told.value.hint


def test_what_a_place_lacks_is_told_where_nothing_comes_of_any_trial(
    trials: Callable[..., tuple[Field, list[int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = ("there is no zoo at place yard", "install it there")
    monkeypatch.setattr(placed_trials, "SEEN_S", 0.0)
    monkeypatch.setattr(placement, "state_of", lambda folder, placed: JobState(phase="ended"))
    monkeypatch.setattr(placement, "trouble", lambda folder, placed: lacking)
    with pytest.raises(RunFailed) as told:
        trials(4, has_arrays=True, is_well=False)
    assert (told.value.message, told.value.hint) == lacking


def test_one_process_is_at_a_trial(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "LOCK_TIMEOUT_S", 0.0)
    folder = store.create(sweep_request(read_recipe(recipe), {}, {}, name="twice", place={"on": "yard"}))
    stage = stage_folder(folder, "trial-1", "all rows")
    stage.path.mkdir(parents=True)
    lock = liveness.claim(stage)
    assert lock is not None
    with lock:
        assert trial.main([str(folder.path), "trial-1", "all rows", "40"]) == 1
    assert not (stage.path / FAILED).exists()


def test_trials_at_a_place_of_several_machines_have_one_each(recipe: Path, store: Path) -> None:
    (store / "places.toml").write_text('[yard]\nkind = "yard"\nnodes = 2\n')
    request = sweep_request(read_recipe(recipe), {}, {}, place={"on": "yard"})
    assert (request.nodes, {one.training.nodes for one in request.students}) == (1, {1})
    job = Job(
        verb="finetune",
        model="echo",
        source=Source(data=str(recipe.parent / "rows.csv")),
        place=Place(device="cpu", precision="fp32", on="yard"),
    )
    assert request_of(job).nodes == 2, "a training by itself is shared"


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
