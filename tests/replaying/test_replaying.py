"""A run is done again from its record: what differs is said before, whether the bits are the same after."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import msgspec
import pytest

import zoo
from tests.replaying.records import data_of, edit
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.errors import DatasetInvalid, OptionInvalid, UnknownModel, UnknownRun, Unsupported
from zoo.replaying.data import places_now
from zoo.replaying.outcome import Replayed
from zoo.replaying.planning import plan_of_run
from zoo.replaying.record import RunRecord
from zoo.replaying.tensors import largest_difference
from zoo.runs.events import RunCancelled
from zoo.runs.log import append
from zoo.runs.request import DataRequest, RunRequest, StudentRequest
from zoo.runs.store import rename


@pytest.mark.slow
def test_a_replay_is_a_run_that_gives_the_same_bits(run: zoo.Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", run.name]) == ExitCode.OK
    out, err = capsys.readouterr()
    assert "words-replay gave the same bits as words: " in out
    assert "are what they were" in err
    again = zoo.open_run("words-replay")
    assert again.folder.request.replays == run.name
    assert "replays words" in again.snapshot.notes
    assert again.model.predict("good fine").label == "positive"

    assert main(["replay", again.name, "--check", "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["same"]
    edit(again.folder.path / "replays.json", metrics=run.metrics | {"accuracy": 2.0}, files={"other": "0" * 64})
    assert main(["replay", again.name, "--check"]) == ExitCode.GATE
    assert "gave other bits than words" in capsys.readouterr().out
    assert "gave other bits" in again.replayed._repr_html_()
    edit(again.folder.path / "replays.json", name=3)
    assert main(["replay", again.name, "--check"]) == ExitCode.STORE


def test_what_differs_is_said(run: zoo.Run) -> None:
    assert zoo.replay_differences(run) == ()
    edit(run.folder.request_path, versions={"python": "3.1", "gone": "1"}, weights_digest="1" * 64, device="cuda:0")
    events = run.folder.events_path.read_text()
    started = next(line for line in events.splitlines() if '"run_started"' in line)
    other = json.dumps(json.loads(started) | {"processor": "an abacus", "threads": 99})
    run.folder.events_path.write_text(events.replace(started, other))

    found = {one.what: (one.then, one.now) for one in zoo.replay_differences(run, device="cpu")}
    assert found["version of python"][0] == "3.1"
    assert found["version of gone"] == ("1", "not there")
    assert found["processor"][0] == "an abacus"
    assert found["threads"][0] == "99"
    assert found["device"] == ("cuda:0", "cpu")
    assert found["weights it begins with"] == ("sha256 111111111111..", "none")


def test_other_data_are_refused_unless_they_are_asked_for(run: zoo.Run, capsys: pytest.CaptureFixture[str]) -> None:
    data = data_of(run)
    data.write_text(data.read_text().replace("awful 3", "awfully 3"))
    assert main(["replay", run.name]) == ExitCode.DATA
    err = capsys.readouterr().err
    assert "data was rows.csv (sha256 " in err
    assert "--anyway" in err
    assert [one.name for one in zoo.list_runs()] == [run.name]


def test_data_that_are_gone_are_refused_in_any_case(run: zoo.Run, tmp_path: Path) -> None:
    data = data_of(run).rename(tmp_path / "rows.csv")
    for anyway in (False, True):
        with pytest.raises(DatasetInvalid, match=r"cannot be replayed without its data: .* is gone"):
            zoo.replay(run, anyway=anyway)
    assert zoo.replay_differences(run, data=tmp_path) == ()
    assert zoo.replay_differences(run, data=data) == ()
    with pytest.raises(OptionInvalid, match="to look for data in"):
        zoo.replay_differences(run, data=tmp_path / "nowhere")


def test_a_file_stands_for_the_only_one_of_a_run_whatever_it_is_called(
    run: zoo.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same, other = tmp_path / "same.csv", tmp_path / "other.csv"
    shutil.copy(data_of(run), same)
    other.write_text(same.read_text().replace("awful 3", "awfully 3"))
    assert zoo.replay_differences(run, data=same) == ()
    (difference,) = zoo.replay_differences(run, data=other)
    assert difference.then.startswith("rows.csv (sha256 ")
    assert difference.now.startswith("other.csv (sha256 ")
    with plan_of_run(run.folder, data=other) as plan:
        assert plan.request.data.path == str(other)
        assert plan.on_data_as_they_are().data.sha256[:12] in difference.now
    assert main(["replay", run.name, "--data", str(other)]) == ExitCode.DATA
    assert "data was rows.csv (sha256 " in capsys.readouterr().err
    bundle = zoo.bundle(run, tmp_path / "words.zip").path
    assert [one.what for one in zoo.replay_differences(bundle, data=other)] == ["data"]
    assert [one.name for one in zoo.list_runs()] == [run.name]


def test_what_serves_nothing_is_refused(run: zoo.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, empty = data_of(run), tmp_path / "empty"
    empty.mkdir()
    assert main(["replay", run.name, "--data", str(empty)]) == ExitCode.USAGE
    assert capsys.readouterr().err.splitlines() == [
        f"error: {empty} has none of the data that words reads",
        "hint: they are rows.csv: name a folder that has them so, or the file itself",
    ]
    dev = Path(shutil.copy(data, tmp_path / "dev.csv"))
    recorded = json.loads(run.folder.request_path.read_bytes())["data"]
    edit(run.folder.request_path, data=recorded | {"eval_path": str(dev), "eval_sha256": recorded["sha256"]})
    other = Path(shutil.copy(data, tmp_path / "other.csv"))
    with pytest.raises(OptionInvalid, match=r"other\.csv is none of the data that words reads") as refusal:
        zoo.replay_differences(run, data=other)
    assert refusal.value.hint == "they are dev.csv, rows.csv: name a folder that has them so"
    moved = other.rename(empty / "dev.csv")
    with plan_of_run(run.folder, data=moved) as plan:
        assert (plan.request.data.path, plan.request.data.eval_path) == (str(data), str(moved))


def test_folders_of_the_same_name_are_found_by_those_above_them(run: zoo.Run, tmp_path: Path) -> None:
    here, moved = data_of(run).parent, tmp_path / "moved"
    for part in ("train", "val"):
        (here / part).mkdir()
        shutil.copy(data_of(run), here / part / "rows.csv")
    recorded = json.loads(run.folder.request_path.read_bytes())["data"]
    paths = {"path": str(here / "train" / "rows.csv"), "eval_path": str(here / "val" / "rows.csv")}
    edit(run.folder.request_path, data=recorded | paths | {"eval_sha256": recorded["sha256"]})
    bundle = zoo.bundle(run, tmp_path / "words.zip", with_data=False).path
    here.rename(moved)
    for what in (run, bundle):
        assert zoo.replay_differences(what, data=moved) == ()
        with pytest.raises(OptionInvalid) as refusal:
            zoo.replay_differences(what, data=tmp_path)
        assert refusal.value.hint == "they are train/rows.csv, val/rows.csv: name a folder that has them so"
    with plan_of_run(run.folder, data=moved) as plan:
        assert plan.request.data.eval_path == str(moved / "val" / "rows.csv")


def test_each_is_found_by_as_many_folders_as_it_needs(tmp_path: Path) -> None:
    """Data that are whole beside such as have a folder for each part, and a table beside both."""
    names = ("whole/images", "part/images/train", "part/images/val", "rows.csv")
    for name in names:
        (tmp_path / name).mkdir(parents=True)
    paths = [f"/old/here/{name}" for name in names]
    training = {
        "name": "mine", "verb": "finetune", "model": "echo", "plugin": "echo", "task": "image-classification",
    }  # fmt: skip
    students = tuple(
        StudentRequest(name=f"s{number}", training=RunRequest(**training, data=DataRequest(path=path)))
        for number, path in enumerate(paths[1:])
    )
    request = RunRequest(**training, data=DataRequest(path=paths[0]), students=students)
    assert places_now(request, tmp_path) == {
        path: str(tmp_path / name) for path, name in zip(paths, names, strict=True)
    }
    (tmp_path / "train").mkdir()  # another one, beside that which has more names in common
    assert places_now(request, tmp_path)[paths[1]] == str(tmp_path / names[1])


def test_only_finished_runs_are_replayed(run: zoo.Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Unsupported, match="is no replay"):
        _ = run.replayed
    append(run.folder, RunCancelled())
    for act in (lambda: zoo.replay(run), lambda: zoo.bundle(run, "cancelled.zip")):
        with pytest.raises(Unsupported, match="only a finished run"):
            act()
    with pytest.raises(UnknownRun):
        zoo.replay("nobody")
    assert main(["replay", run.name, "--check", "--anyway"]) == ExitCode.USAGE
    edit(run.folder.request_path, model="echo/gone")
    (run.folder.events_path).write_text(run.folder.events_path.read_text().rpartition('{"event":"run_cancelled"')[0])
    with pytest.raises(UnknownModel, match="which is not here"):
        zoo.replay(run)


def test_what_nobody_wrote_down_is_said_not_to_be_known(run: zoo.Run) -> None:
    data = json.loads(run.folder.request_path.read_bytes())["data"]
    edit(run.folder.request_path, data={**data, "sha256": ""})
    events = run.folder.events_path.read_text()
    started = next(line for line in events.splitlines() if '"run_started"' in line)
    known = json.loads(started)
    of_earlier = {name: value for name, value in known.items() if name not in ("processor", "threads")}
    run.folder.events_path.write_text(events.replace(started, json.dumps(of_earlier)))
    found = {one.what: one.then for one in zoo.replay_differences(run)}
    unknown = "not recorded"
    assert found == {"data": f"rows.csv (sha256 {unknown})", "processor": unknown, "threads": unknown}


def test_answers_are_held_against_what_was_written(run: zoo.Run) -> None:
    def verdict(before: str, after: str) -> Replayed:
        finished = json.dumps({"event": "run_finished", "metrics": {"rows": 3.0}, "answers": after})
        run.folder.events_path.write_text(finished + "\n")
        record = RunRecord(name="before", verb="predict", metrics={"rows": 3.0}, answers=before)
        (run.folder.path / "replays.json").write_bytes(msgspec.json.encode(record))
        return run.replayed

    edit(run.folder.request_path, verb="predict", replays="before", out="/elsewhere/gone.csv")
    shutil.rmtree(run.folder.model_folder)
    same, other, unknown = verdict("1" * 64, "1" * 64), verdict("1" * 64, "2" * 64), verdict("", "2" * 64)
    assert (same.same, other.same, unknown.same) == (True, False, True)
    assert other.files == ("answers",)
    assert unknown.sentence.endswith("not compared, as it is not known what the run had: answers")


def test_what_a_replay_wrote_goes_along_where_it_is_renamed(run: zoo.Run) -> None:
    out = run.folder.path / "answers" / "a.csv"
    edit(run.folder.request_path, verb="predict", out=str(out), draw="/elsewhere/drawn")
    renamed = rename(run.folder, "other")
    assert Path(renamed.request.out) == renamed.path / "answers" / "a.csv"
    assert renamed.request.draw == "/elsewhere/drawn"


def test_networks_within_a_run_compute_where_it_does(run: zoo.Run) -> None:
    student = StudentRequest(name="a", training=msgspec.structs.replace(run.folder.request, device="cuda:1"))
    edit(run.folder.request_path, verb="pick", students=[msgspec.to_builtins(student)])
    with plan_of_run(run.folder, device="cpu") as plan:
        assert [one.training.device for one in plan.request.students] == ["cpu"]


def test_weights_that_are_no_numbers_differ(tmp_path: Path) -> None:
    import numpy as np

    def file(name: str, number: float) -> Path:
        header = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
        content = len(header).to_bytes(8, "little") + header + np.array([1, number], "<f4").tobytes()
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    assert largest_difference(file("a", 1.0), file("b", float("nan"))) == math.inf
    assert largest_difference(file("a", 1.0), file("b", 1.5)) == 0.5
