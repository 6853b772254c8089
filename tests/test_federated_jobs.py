"""What is wrong with a federated training is told before it begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.errors import DatasetInvalid, InputMismatch, OptionInvalid, Unsupported, ZooError
from zoo.runs.events import DataLoaded, RunStarted
from zoo.runs.federated_job import begun_with
from zoo.runs.log import append
from zoo.runs.store import RunFolder

MODEL = "bert-tiny"
CPU = {"device": "cpu", "precision": "fp32"}


@pytest.fixture
def clients(tmp_path: Path) -> Path:
    pytest.importorskip("zoo_bert")
    folder = tmp_path / "clients"
    folder.mkdir()
    for name in ("north", "south"):
        rows = "".join(f"good {i},positive\nbad {i},negative\n" for i in range(8))
        (folder / f"{name}.csv").write_text(f"text,label\n{rows}")
    return folder


def refused(kind: type[ZooError], message: str, *arguments: Any, **options: Any) -> None:
    with pytest.raises(kind) as caught:
        zoo.federate(MODEL, *arguments, **CPU, **options)
    assert message in f"{caught.value.message}. {caught.value.hint}"


def test_options_that_no_federation_has(clients: Path) -> None:
    for message, options in {
        "--strategy fedprox needs --mu": {"strategy": "fedprox"},
        "--mu is of --strategy fedprox": {"mu": 0.1},
        "--share is 2": {"share": 2},
        "--rounds is 0": {"rounds": 0},
        "--epochs is of a training in one place. --rounds and --local-epochs": {"epochs": 3},
        "--baseline trains on the rows of all without privacy": {"private": "eps=8", "baseline": True},
        "whole clients could be told: there are 2": {"private": "eps=8,delta=0.5"},
        "here a client is the unit: --private protects each with all its rows": {"private": "eps=8", "unit": "site"},
        "--unit says whose a row is": {"unit": "site"},
        "--folds is of a training in one place": {"folds": 5},
        "--patience ends a training by the rows held out": {"private": "eps=8", "patience": 2},
        "there is no option 'round'": {"round": 3},
    }.items():
        refused(OptionInvalid, message, clients, **options)


def test_clients_that_are_none(clients: Path, tmp_path: Path) -> None:
    refused(OptionInvalid, "nothing says who the clients are: --clients FOLDER is missing")
    refused(OptionInvalid, "--by, the column that tells their rows apart", data=clients / "north.csv")
    refused(OptionInvalid, "--clients says whose data are whose", clients, by="site")
    refused(DatasetInvalid, "is a file, but --clients takes a folder", clients / "north.csv")
    refused(DatasetInvalid, "no column site", data=clients / "north.csv", by="site")
    refused(OptionInvalid, "clients is a list, but takes a folder, or a dict", [clients / "north.csv"])
    (tmp_path / "divided" / "train").mkdir(parents=True)
    (tmp_path / "divided" / "val").mkdir()
    refused(OptionInvalid, "holds others out, in val. use --data ", data=tmp_path / "divided", by="site")
    (clients / "empty").mkdir()
    refused(DatasetInvalid, "client empty: ", clients)
    (clients / "empty").rmdir()
    (clients / "east.csv").write_text("text,label\n")
    refused(DatasetInvalid, "client east: ", clients)
    (clients / "east.csv").unlink()
    (clients / "north.csv").unlink()
    refused(DatasetInvalid, "one client only, south", clients)


def test_what_python_holds_of_clients_becomes_files(clients: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.api.starting.launch", lambda folder, now: None)
    rows = [{"text": f"{word} {i}", "label": word} for word in ("good", "bad") for i in range(4)]
    data: dict[Any, Any] = {"north": clients / "north.csv", 7: rows, "M\u00fcnchen": {"text": ["a"], "label": ["good"]}}
    run = zoo.federate(MODEL, data, task="text-classification", **CPU)

    request = run.folder.request
    assert request.federation is not None
    north, *others = request.federation.clients
    assert (north.name, north.data.path) == ("north", str(clients / "north.csv"))
    assert [(one.name, Path(one.data.path)) for one in others] == [
        ("7", run.folder.path / "data" / "3-data.jsonl"),
        ("M\u00fcnchen", run.folder.path / "data" / "4-data.jsonl"),
    ]
    assert all(Path(one.data.path).is_file() for one in others)
    assert Path(request.data.path).is_dir()

    task = {"task": "text-classification"}
    refused(DatasetInvalid, "south: the data have no rows", {"north": rows, "south": []}, **task)
    refused(DatasetInvalid, "client south: data of south has no", {"north": rows, "south": [{"text": "a"}]}, **task)
    refused(DatasetInvalid, "client south: the data are NoneType", {"north": rows, "south": None}, **task)


def test_who_a_resumed_run_was_begun_with(tmp_path: Path) -> None:
    """Not who was there in an attempt before that, of which no checkpoint came."""
    folder = RunFolder(tmp_path)
    attempts = [(None, ("north", "south", "east", "")), (None, ("north", "south", "")), (4, ("north", "south", ""))]
    for number, (resumed, names) in enumerate(attempts, start=1):
        append(folder, RunStarted(attempt=number, pid=1, device="cpu", precision="fp32", resumed_from_step=resumed))
        for name in names:
            append(folder, DataLoaded(source=name))
    assert begun_with(folder) is None
    checkpoint = folder.checkpoints_folder / "step-00000004"
    checkpoint.mkdir(parents=True)
    (checkpoint / "manifest.json").write_text("{}")
    assert begun_with(folder) == {"north", "south", ""}


def test_clients_that_do_not_go_together(clients: Path) -> None:
    rows = '{"tokens": ["Ada", "saw", "Rome"], "ner_tags": ["B-person", "O", "B-place"]}\n'
    (clients / "east.jsonl").write_text(rows * 10)
    refused(DatasetInvalid, "client east has data for token-classification, and client north for text-class", clients)
    (clients / "east.jsonl").unlink()
    (clients / "east.csv").write_text("path,label\na.png,positive\nb.png,negative\n")
    refused(InputMismatch, "table of images", clients, task="text-classification")


def test_all_rows_of_one_class_teach_nothing(clients: Path) -> None:
    for path in clients.iterdir():
        path.write_text("text,label\n" + "".join(f"good {i},positive\n" for i in range(8)))
    refused(DatasetInvalid, "all 2 clients together have one class only: positive", clients, task="text-classification")


@pytest.mark.usefixtures("echo")
def test_models_that_train_by_themselves_cannot(clients: Path) -> None:
    with pytest.raises(Unsupported, match="echo cannot be federated: plugin echo gives no body"):
        zoo.federate("echo", clients)
