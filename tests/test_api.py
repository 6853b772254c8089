"""zoo from Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.echo_runs import echo, finetune, rows

__all__ = ["echo", "finetune", "rows"]

Start = Callable[..., zoo.Run]


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


def test_a_result_can_be_fine_tuned_again(finetune: Start, rows: Path) -> None:
    finetune(name="first").wait(progress=False)
    again = zoo.finetune("first", rows, name="second", device="cpu", precision="fp32").wait(progress=False)

    assert again.model.card.summary.startswith("first, fine-tuned")
    assert again.model.predict("bad").label == "negative"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"epochs": -1}, zoo.OptionInvalid, "--epochs is -1"),
        ({"nonsense": 1}, zoo.OptionInvalid, "no option 'nonsense'"),
        ({"data": "missing.csv"}, zoo.DatasetInvalid, "no file .*missing.csv"),
        ({"input": "body"}, zoo.DatasetInvalid, "body"),
        ({"eval_data": "missing.csv"}, zoo.DatasetInvalid, "no file .*missing.csv"),
        ({"name": "../escape"}, zoo.OptionInvalid, "cannot be the name"),
        ({"name": "echo"}, zoo.OptionInvalid, "name of a model"),
        ({"processes": 0}, zoo.OptionInvalid, "--processes is 0"),
    ],
)
def test_what_is_wrong_is_told_before_a_run_exists(
    finetune: Start, asked: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        finetune(**asked)

    assert zoo.list_runs() == ()


def test_devices_and_precisions_are_checked_before_a_run_exists(echo: None, rows: Path) -> None:
    with pytest.raises(zoo.OptionInvalid, match="--device is 'gpu'"):
        zoo.finetune("echo", rows, device="gpu")
    with pytest.raises(zoo.OptionInvalid, match="--precision is 'fp64'"):
        zoo.finetune("echo", rows, precision="fp64")
    with pytest.raises(zoo.Unsupported, match="does not do that in int8"):
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


def test_unknown_names_offer_the_nearest(finetune: Start, rows: Path) -> None:
    run = finetune(name="sentiment").wait(progress=False)
    with pytest.raises(zoo.UnknownModel) as unknown_model:
        zoo.load("sentimant")
    with pytest.raises(zoo.UnknownRun) as unknown_run:
        zoo.open_run("sentimant")

    assert run.name in unknown_model.value.hint
    assert run.name in unknown_run.value.hint
    assert zoo.open_run("senti") == run


def test_waiting_ends_when_the_time_is_up_and_the_run_does_not(finetune: Start) -> None:
    run = finetune(pause_ms=100)
    with pytest.raises(TimeoutError, match="still going on"):
        run.wait(0.3, progress=False)

    assert run.snapshot.live
    run.stop(force=True)


def test_a_dry_run_leaves_nothing_behind(echo: None, rows: Path) -> None:
    from zoo.api import start
    from zoo.requesting import training_request

    run = start(training_request("finetune", "echo", rows, dry_run=True, device="cpu", precision="fp32"))
    run.wait(progress=False)

    assert run.snapshot.plan is not None
    assert run.snapshot.plan.steps == 36
    assert not run.folder.model_folder.exists()
    assert not run.folder.checkpoints_folder.exists()


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


def test_the_model_of_a_run_is_loaded_once(finetune: Start) -> None:
    run = finetune(name="words").wait(progress=False)

    assert run.model is run.model
    assert run.model.card.name == "words"
