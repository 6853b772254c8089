"""Federated training through the whole of zoo: real worker processes, a kill on the way, a broken client."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.echo_runs import kill_and_resume, until
from zoo.blocks import Table
from zoo.cli import main
from zoo.quickstart.digits import write_digits
from zoo.runs.events import DataLoaded, EvaluationCompleted

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("shared_store")]

CPU = {"device": "cpu", "precision": "fp32"}
OPTIONS: dict[str, Any] = {"rounds": 2, "batch_size": 8, "max_tokens": 16, "lr": 3e-3}
CLIENTS = {"north": ("good", "bad"), "south": ("fine", "awful"), "east": ("nice", "sad")}


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three with words of their own, one of which has a label that no other has."""
    pytest.importorskip("zoo_bert")
    folder = tmp_path_factory.mktemp("clients")
    for number, (name, words) in enumerate(CLIENTS.items()):
        rows = [
            f"{word} {i} {name},{label}"
            for i in range(12 + 4 * number)
            for word, label in zip(words, "pn", strict=True)
        ]
        (folder / f"{name}.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    with (folder / "east.csv").open("a") as file:
        file.write("".join(f"so so {i},m\n" for i in range(6)))
    return folder


def weights(run: zoo.Run) -> bytes:
    return (run.folder.model_folder / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def ours(clients: Path, shared_store: Path) -> zoo.Run:
    """Clients that learnt together, and what they are held against."""
    return zoo.federate("bert-tiny", clients, name="ours", baseline=True, **CPU, **OPTIONS).wait(progress=False)


def test_the_result_is_a_model_and_says_what_federating_bought(
    ours: zoo.Run, clients: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table, difference = ours.report[:2]
    assert isinstance(table, Table)
    assert isinstance(difference, Table)
    assert table.headers == ("client", "rows", "metric", "alone", "federated", "all in one place")
    assert [row[0] for row in table.rows] == ["east", "north", "south", "all"]
    assert table.rows[-1][4] == pytest.approx(ours.metrics["accuracy"])
    assert [row[0] for row in difference.rows] == ["each alone", "all in one place"]
    until(lambda: not (ours.folder.path / "baselines").exists())

    snapshot = ours.snapshot
    assert [source.name for source in snapshot.sources] == ["east", "north", "south"]
    assert {one.metrics["accuracy"] for one in snapshot.sources[0].evaluations} <= {i / 6 for i in range(7)} | {
        i / 5 for i in range(6)
    }
    assert "east alone has rows of 'm'" in snapshot.notes
    assert any("go to a client and as much comes back" in note for note in snapshot.notes)
    assert next(iter(snapshot.latest_metrics)) == "accuracy"
    readme = (ours.folder.model_folder / "README.md").read_text()
    assert "Learnt from 3 clients by federated averaging (FedAvg): 2 rounds" in readme
    assert readme.count("what federating bought or cost") == 1
    assert readme.count("## Versions") == 1

    assert isinstance(ours.model.predict("good north"), zoo.Classification)
    assert ours.model.card.labels == ("m", "n", "p")
    assert main(["show", "ours"]) == 0
    shown = capsys.readouterr().out
    assert "what federating bought or cost" in shown
    zoo.export("ours", tmp_path / "exported")
    again = zoo.finetune("ours", clients / "north.csv", max_steps=1, eval_share=0.0, **CPU).wait(progress=False)
    assert again.status == "finished"
    again.remove()


def test_what_clients_learn_privately_names_none_of_them(
    ours: zoo.Run, clients: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("opacus")
    options = OPTIONS | {"private": "eps=8,delta=0.2"}
    run = zoo.federate(ours.name, clients, name="discreet", **CPU, **options).wait(progress=False)

    assert run.snapshot.epsilon is not None
    assert 7.5 < run.snapshot.epsilon <= 8
    assert any("the noise drowns what is learnt: after 2 rounds" in warning for warning in run.snapshot.warnings)
    readme = (run.folder.model_folder / "README.md").read_text()
    assert "one client with all its rows, of 3" in readme
    assert "DP-FedAvg" in readme
    assert not {"north", "south"} & set(readme.replace("`", " ").split())
    assert isinstance(run.model.predict("good north"), zoo.Classification)
    assert main(["show", "discreet"]) == 0
    assert "one client with all its rows" in " ".join(capsys.readouterr().out.split())


def test_a_killed_run_resumes_to_the_same_bits(ours: zoo.Run, clients: Path) -> None:
    killed = kill_and_resume(
        lambda: zoo.federate("bert-tiny", clients, save_steps=1, **CPU, **OPTIONS), step=first_turn(ours)
    )
    assert weights(ours) == weights(killed)
    assert ours.metrics == killed.metrics
    evaluations = [
        [(event.step, event.source, event.metrics) for event in run.events() if isinstance(event, EvaluationCompleted)]
        for run in (ours, killed)
    ]
    assert evaluations[0] == evaluations[1]
    killed.remove()


def first_turn(run: zoo.Run) -> int:
    """Steps of the first client of a round, in which all take part."""
    plan = run.snapshot.plan
    assert plan is not None
    first = plan.sources[0]
    return -(-first.rows // first.batch_size)


def test_a_client_without_usable_data_is_left_out(
    clients: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has changed since the run was asked for; rows of one file are divided by a column."""
    folder = tmp_path / "clients"
    shutil.copytree(clients, folder)
    started = zoo.runs.launcher.launch

    def spoiled(*arguments: Any, **named: Any) -> None:
        (folder / "south.csv").write_text("text,label\nother,p\n")
        started(*arguments, **named)

    monkeypatch.setattr("zoo.api.starting.launch", spoiled)
    run = zoo.federate("bert-tiny", folder, **CPU, **{**OPTIONS, "rounds": 1}).wait(progress=False)
    assert [event.source for event in run.events() if isinstance(event, DataLoaded)] == ["east", "north", ""]
    assert any(
        warning.startswith("south is left out: ") and "has changed" in warning for warning in run.snapshot.warnings
    )
    run.remove()


def test_pictures_and_a_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("zoo_resnet")
    pytest.importorskip("sklearn")
    write_digits(tmp_path)
    paths = sorted((tmp_path / "labelled").glob("*/*"))[::7]
    rows = [f"{path},{path.parent.name},{'even' if int(path.parent.name) % 2 == 0 else 'odd'}" for path in paths]
    (tmp_path / "rows.csv").write_text("image,label,site\n" + "\n".join(rows) + "\n")
    clients = ["--data", str(tmp_path / "rows.csv"), "--by", "site", "--task", "image-classification"]
    flags = ["--rounds", "1", "--image-size", "8", "--batch-size", "20", "--device", "cpu", "--json"]

    assert main(["federate", "resnet10-32px", *clients, *flags]) == 0
    snapshot = json.loads(capsys.readouterr().out)["snapshot"]
    assert [source["name"] for source in snapshot["sources"]] == ["even", "odd"]
    assert "accuracy" in snapshot["metrics"]
    assert len([note for note in snapshot["notes"] if "alone has rows of" in note]) == 10
