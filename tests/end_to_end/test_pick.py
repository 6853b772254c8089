"""`zoo pick`: from data and several models to the one that does best on them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import zoo
from tests.echo_runs import until
from tests.messages import TOPICS, write_messages
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.jobs import Job, Place
from zoo.pick_jobs import pick_request
from zoo.pick_options import FLOOR
from zoo.runs import store
from zoo.runs.attempt import Worker
from zoo.runs.candidate import Candidate, CandidateMeasured, CandidateStepped
from zoo.runs.events import AnyEvent, Noted, RunCancelled, RunStarted
from zoo.runs.picking.job import pick
from zoo.sources import Source

pytest.importorskip("zoo_bert")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.usefixtures("shared_store")]

MODELS = ["bert-tiny", "bert-mini", "bert-small"]
CPU = {"device": "cpu", "precision": "fp32"}


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_messages(tmp_path_factory.mktemp("messages") / "messages.csv", 200, seed=1, numbered=True)


class StoppedAfterOne(Worker):
    """A worker that is asked to stop once a network was trained on all rows, whatever was judged before."""

    def emit(self, event: AnyEvent) -> None:
        super().emit(event)
        if isinstance(event, CandidateMeasured) and (event.candidate.stage, event.candidate.p) == ("all rows", None):
            self.signalled |= event.candidate.name != FLOOR


@pytest.fixture(scope="module")
def picked(messages: Path, shared_store: Path) -> zoo.Run:
    """A run that was stopped when it had trained one of its finalists, and then went on to its end."""
    place = Place(device="cpu", precision="fp32")
    job = Job(verb="pick", model="", source=Source(data=str(messages)), place=place, name="picked")
    folder = store.create(pick_request(job, {"models": ",".join(MODELS), "epochs": 1}))
    worker, threads = StoppedAfterOne(folder, folder.request, 0, 1), torch.get_num_threads()
    torch.set_num_threads(1)  # threads of a busy machine wait for one another, and these networks are tiny
    try:
        stopped = pick(worker)
    finally:
        torch.set_num_threads(threads)
    assert isinstance(stopped, RunCancelled)
    worker.emit(stopped)
    return zoo.open_run("picked").resume().wait(progress=False)


def candidates(run: zoo.Run) -> dict[str, Candidate]:
    return {one.name: one for one in run.snapshot.candidates}


def test_one_is_picked_and_the_table_says_why(picked: zoo.Run, messages: Path) -> None:
    table = candidates(picked)
    assert set(table) == {*MODELS, "floor"}
    (chosen,) = (one for one in table.values() if one.chosen)
    assert chosen.name != "floor"
    finalists = [one for one in table.values() if one.stage == "all rows" and one.name != "floor"]
    assert len(finalists) == 2
    for one in (*finalists, table["floor"]):
        assert one.figure is not None
        assert one.interval is not None
        assert one.interval[0] <= one.figure <= one.interval[1]
        assert one.test is not None
    assert picked.metrics["accuracy"] == chosen.test
    assert picked.intervals["accuracy"].low <= picked.metrics["accuracy"]
    assert picked.model.predict("my parcel is late").label in TOPICS
    readme = (picked.folder.model_folder / "README.md").read_text()
    assert f"## Why {chosen.name}" in readme
    assert "| floor |" in readme
    until(lambda: not picked.folder.students_folder.exists())  # removed after the last event


def test_the_model_picked_is_trained_further(picked: zoo.Run, messages: Path) -> None:
    run = zoo.finetune("picked", messages, max_steps=1, name="further", **CPU).wait(progress=False)
    assert run.status == "finished"


def test_what_is_done_is_not_done_again(picked: zoo.Run) -> None:
    events = picked.events()
    (resumed,) = (place for place, event in enumerate(events) if isinstance(event, RunStarted))
    measured = [event.candidate for event in events[:resumed] if isinstance(event, CandidateMeasured)]
    (done,) = {one.name for one in measured if one.stage == "all rows"} - {FLOOR}
    stepped = {event.name for event in events[resumed:] if isinstance(event, CandidateStepped)}
    assert len(stepped - {done}) == len(stepped) == 1
    notes = [event.message for event in events[resumed:] if isinstance(event, Noted)]
    assert not any("linear probe" in note or "1/4 of the rows" in note for note in notes)
    assert all(one.seconds > 0 for one in picked.snapshot.candidates if one.name != "floor")


def test_at_a_place_of_several_machines_one_picks(messages: Path, shared_store: Path) -> None:
    (shared_store / "places.toml").write_text('[pair]\nkind = "hosts"\nhosts = "a, b"\nnodes = 2\n')
    place = Place(**CPU, on="pair")
    job = Job(verb="pick", model="", source=Source(data=str(messages)), place=place)
    request = pick_request(job, {"models": ",".join(MODELS)})
    assert (request.place, request.nodes) == ("pair", 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--models", "bert-tiny"], "only bert-tiny is there to be picked"),
        (["--models", "bert-tiny,resnet10-32px"], "resnet10-32px cannot finetune for text-classification"),
        (["--models", "bert-tiny,bert-minni"], "bert-minni"),
        (["--under", "ten"], "--under is 'ten', which says no bound"),
        (["--within", "soon"], "--within is 'soon', which says no bound"),
        (["--models", "bert-tiny,bert-mini", "--under", "1kB"], "no model is there to be picked"),
        (["--task", "feature-extraction"], "no data can tell"),
        (["--metric", "macrof1"], "--metric is 'macrof1', but answers to text-classification are judged by accuracy, "),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_line(
    words: list[str], said: str, messages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pick", "--data", str(messages), *words]) == ExitCode.USAGE
    assert said in capsys.readouterr().err
