"""zoo from Python."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest

import zoo

Start = Callable[..., zoo.Run]


@pytest.mark.slow
def test_the_words_of_the_docs(finetune: Start, rows: Path) -> None:
    """Fine-tune, wait, look at the metrics, predict with the result, find it among the models."""
    run = finetune(name="mine").wait(progress=False)

    assert run.metrics["accuracy"] == 1.0
    assert isinstance(run.model.predict("so good"), zoo.Classification)
    answers = run.model.predict(["so good", "so bad", " "])
    assert [answer.label for answer in answers[:2]] == ["positive", "negative"]  # type: ignore[union-attr]
    assert isinstance(answers[2], zoo.Rejected)
    assert [card.name for card in zoo.models(task="text-classification")] == ["echo", "mine"]
    assert [one.name for one in zoo.list_runs()] == ["mine"]
    assert zoo.load("mine", device="cpu", precision="fp32").labels == ("negative", "positive")


SEVERAL: dict[str, Callable[[], Any]] = {
    "tuple": lambda: ("so good", "so bad"),
    "generator": lambda: (f"so {word}" for word in ("good", "bad")),
    "map": lambda: map("so {}".format, ("good", "bad")),
    "deque": lambda: deque(("so good", "so bad")),
    "values": {1: "so good", 2: "so bad"}.values,
    "array of texts": lambda: np.array(["so good", "so bad"]),
    "array of objects": lambda: np.array(["so good", "so bad"], dtype=object),
    "Arrow": lambda: pyarrow.array(["so good", "so bad"]),
    "chunks of Arrow": lambda: pyarrow.chunked_array([["so good"], ["so bad"]]),
}


def test_several_inputs_are_whatever_can_be_iterated(words: str) -> None:
    model = zoo.load(words, device="cpu", precision="fp32")
    for name, inputs in SEVERAL.items():
        assert [answer.label for answer in model.predict(inputs())] == ["positive", "negative"], name

    assert model.predict(iter(())) == []
    assert isinstance(model.predict(np.str_("so good")), zoo.Classification)
    assert [type(answer) for answer in model.predict(pyarrow.array(["so good", None]))] == [
        zoo.Classification,
        zoo.Rejected,
    ]
    for one in (Path("so good"), b"so good", 7, None, np.zeros((2, 2), np.uint8), np.zeros((2, 2, 3), np.uint8)):
        assert isinstance(model.predict(one), zoo.Rejected)
    assert len(model.predict(np.zeros((5, 2, 2, 3), np.uint8))) == 5
    for table in ({"text": "so good"}, pyarrow.table({"text": ["so good"]})):
        with pytest.raises(zoo.OptionInvalid, match="must be one input or a list of them") as refusal:
            model.predict(table)
        assert "name the column" in refusal.value.hint


def test_what_is_no_path_or_name_is_told_what_is_wanted(echo: None, rows: Path) -> None:
    for data in (None, b"rows.csv", 3):
        with pytest.raises(zoo.DatasetInvalid, match=f"{type(data).__name__}, which is none of what data can be"):
            zoo.finetune("echo", data)
    with pytest.raises(zoo.DatasetInvalid, match="the data are float, which is none of what data can be"):
        zoo.finetune("echo", rows, eval_data=2.5)
    for model in (None, Path("mine"), 3):
        with pytest.raises(zoo.UnknownModel, match=f"named by text, not by an? {type(model).__name__}"):
            zoo.load(model)  # type: ignore[arg-type]
        with pytest.raises(zoo.UnknownRun, match=f"named by text, not by an? {type(model).__name__}"):
            zoo.open_run(model)  # type: ignore[arg-type]

    assert zoo.list_runs() == ()


NAMING: dict[str, Callable[[zoo.Run, Path], Any]] = {
    "evaluate": zoo.evaluate,
    "predict_file": lambda run, rows: zoo.predict_file(run, rows, rows.with_name("out.csv")),
    "load": lambda run, _: zoo.load(run),
    "BatchPredictor": lambda run, _: zoo.BatchPredictor(run),
    "export": lambda run, rows: zoo.export(run, rows.with_name("exported")),
    "audit": lambda run, _: zoo.audit(run),
    "inspect_labels": zoo.inspect_labels,
    "data_curve": zoo.data_curve,
    "plan": zoo.plan,
    "shrink": zoo.shrink,
    "into": lambda run, rows: zoo.shrink("words", rows, into=[run]),
    "pick": lambda run, rows: zoo.pick(rows, models=["echo", run]),
    "teacher": lambda run, rows: zoo.finetune("echo", rows, teacher=run),
    "federate": lambda run, rows: zoo.federate(run, data=rows, by="label"),
    "serve_federation": lambda run, rows: zoo.serve_federation(run, ["a", "b"]),
}
"""Wherever a model is named."""


@pytest.mark.parametrize("name", NAMING)
def test_a_run_stands_for_its_model_once_it_has_finished(name: str, words: str, rows: Path, store: Path) -> None:
    half = store / "runs" / "half"
    shutil.copytree(store / "runs" / words, half)
    shutil.rmtree(half / "model")
    events = half / "events.jsonl"
    *begun, _ = events.read_text().splitlines(keepends=True)
    events.write_text("".join(begun))
    with pytest.raises(zoo.Unsupported, match="run half is crashed and has no model yet"):
        NAMING[name](zoo.open_run("half"), rows)


def test_a_finished_run_is_loaded_as_by_its_name(words: str) -> None:
    run = zoo.open_run(words)

    assert zoo.load(run, device="cpu", precision="fp32").card.name == words
    assert f'"name":"echo/{words}"' in repr(zoo.BatchPredictor(run, device="cpu"))


@pytest.mark.parametrize("make", [zoo.load, zoo.BatchPredictor])
def test_the_name_of_a_run_without_a_model_is_told_to_be_one(
    make: Callable[[str], Any], words: str, store: Path
) -> None:
    shutil.copytree(store / "runs" / words, store / "runs" / "spoilt")
    shutil.rmtree(store / "runs" / "spoilt" / "model")
    with pytest.raises(zoo.UnknownModel, match="run spoilt has left no model") as refusal:
        make("spoilt")

    assert refusal.value.hint.startswith("zoo why spoilt")


@pytest.mark.parametrize(
    ("asked", "message"),
    [({"models": 5}, "--models is an int, but takes names of models"), ({"task": 5}, "--task is 5, but takes text")],
)
def test_what_is_none_of_what_a_picking_takes_is_refused(rows: Path, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(zoo.OptionInvalid, match=message):
        zoo.pick(rows, **asked)


def test_too_few_rows_to_pick_by_are_told_before_a_run_exists(words: str, rows: Path) -> None:
    with pytest.raises(zoo.DatasetInvalid, match="6 rows to test cannot tell models apart"):
        zoo.pick(rows, models=["echo", zoo.open_run(words)], name="picked")

    assert [words] == [run.name for run in zoo.list_runs()]


@pytest.mark.slow
def test_numbers_of_numpy_and_none_for_what_is_left_open_are_taken(echo: None, rows: Path) -> None:
    run = zoo.finetune(
        "echo",
        rows,
        input=None,
        label=np.str_("label"),
        merge_labels=np.bool_(False),
        name=None,
        device=None,
        precision=None,
        processes=np.int64(1),
        max_steps=np.int64(3),
        eval_share=np.float32(0.25),
        deaf=np.bool_(True),
    ).wait(progress=False)  # type: ignore[arg-type]

    assert run.status == "finished"
    assert run.folder.request.options["max_steps"] == 3
    assert run.folder.request.options["eval_share"] == 0.25


@pytest.mark.slow
def test_a_result_can_be_fine_tuned_again(words: str, rows: Path) -> None:
    again = zoo.finetune(words, rows, name="second", device="cpu", precision="fp32").wait(progress=False)

    assert again.model.card.summary.startswith("words, fine-tuned")
    assert again.model.predict("bad").label == "negative"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"epochs": -1}, zoo.OptionInvalid, "--epochs is -1"),
        ({"nonsense": 1}, zoo.OptionInvalid, "no option 'nonsense'"),
        ({"data": "missing.csv"}, zoo.DatasetInvalid, "no file .*missing.csv"),
        ({"input": "body"}, zoo.DatasetInvalid, "body"),
        ({"eval_data": "missing.csv"}, zoo.DatasetInvalid, "no file .*missing.csv"),
        ({"name": "../escape"}, zoo.OptionInvalid, "cannot be the name"),
        ({"name": "echo"}, zoo.OptionInvalid, "name of a model"),
        ({"name": 5}, zoo.OptionInvalid, "--name is 5, but takes text"),
        ({"input": 3}, zoo.OptionInvalid, "--input is 3, but takes text"),
        ({"label": ["label"]}, zoo.OptionInvalid, r"--label is \['label'\], but takes text"),
        ({"merge_labels": "maybe"}, zoo.OptionInvalid, "--merge-labels is 'maybe', but takes true or false"),
        ({"processes": 0}, zoo.OptionInvalid, "--processes is 0"),
        ({"shard": True}, zoo.OptionInvalid, "--shard divides a model among several processes, and --processes is 1"),
        ({"shard": "maybe"}, zoo.OptionInvalid, "--shard is 'maybe'"),
    ],
)
def test_what_is_wrong_is_told_before_a_run_exists(
    finetune: Start, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        finetune(**arguments)

    assert zoo.list_runs() == ()


def test_devices_and_precisions_are_checked_before_a_run_exists(echo: None, rows: Path) -> None:
    with pytest.raises(zoo.OptionInvalid, match="--device is 'gpu'"):
        zoo.finetune("echo", rows, device="gpu")
    with pytest.raises(zoo.OptionInvalid, match="--precision is 'fp64'"):
        zoo.finetune("echo", rows, precision="fp64")
    with pytest.raises(zoo.Unsupported, match="does not finetune in int8"):
        zoo.finetune("echo", rows, device="cpu", precision="int8")

    assert zoo.list_runs() == ()


def test_verbs_a_model_does_not_have_are_refused(echo: None, rows: Path, tmp_path: Path) -> None:
    with pytest.raises(zoo.Unsupported, match="echo cannot pretrain") as failure:
        zoo.pretrain("echo", rows)
    assert "finetune" in failure.value.hint
    for attempt in (
        lambda: zoo.load("echo"),
        lambda: zoo.predict_file("echo", rows, tmp_path / "out.jsonl"),
        lambda: zoo.evaluate("echo", rows),
    ):
        with pytest.raises(zoo.Unsupported) as failure:
            attempt()
        assert "zoo finetune echo" in failure.value.hint


def test_unknown_names_offer_the_nearest(words: str) -> None:
    with pytest.raises(zoo.UnknownModel) as unknown_model:
        zoo.load("wrods")
    with pytest.raises(zoo.UnknownRun) as unknown_run:
        zoo.open_run("wrods")

    assert words in unknown_model.value.hint
    assert words in unknown_run.value.hint
    assert zoo.open_run("wor") == zoo.open_run(words)


@pytest.mark.slow
def test_waiting_ends_when_the_time_is_up_and_the_run_does_not(finetune: Start) -> None:
    run = finetune(max_steps=2000, pause_ms=50)
    with pytest.raises(TimeoutError, match="still going on"):
        run.wait(0.3, progress=False)

    assert run.snapshot.live
    run.stop(force=True)


@pytest.mark.slow
def test_a_dry_run_leaves_nothing_behind(echo: None, rows: Path) -> None:
    from zoo.api import start
    from zoo.jobs import Job, Place
    from zoo.requests import request_of
    from zoo.sources import Source

    run = start(
        request_of(
            Job(
                verb="finetune",
                model="echo",
                source=Source(data=rows),
                place=Place(device="cpu", precision="fp32"),
                dry_run=True,
            )
        )
    )
    run.wait(progress=False)

    assert run.snapshot.plan is not None
    assert run.snapshot.plan.steps == 36
    assert not run.folder.model_folder.exists()
    assert not run.folder.checkpoints_folder.exists()


@pytest.mark.slow
def test_a_run_without_a_result_never_lends_the_model_of_another(finetune: Start) -> None:
    """`words` failed; the only model whose name begins so is that of `words-2`."""
    finetune(name="words-2").wait(progress=False)
    failed = finetune(name="words", fail_at=2)
    with pytest.raises(zoo.RunFailed):
        failed.wait(progress=False)
    with pytest.raises(zoo.Unsupported, match="words is failed") as failure:
        _ = failed.model

    assert "zoo resume words" in failure.value.hint
    assert "told to fail at step 2" in failed.logs()


def test_the_model_of_a_run_is_loaded_once(words: str) -> None:
    run = zoo.open_run(words)

    assert run.model is run.model
    assert run.model.card.name == "words"
