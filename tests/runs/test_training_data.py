"""What a training says of its data, and an evaluation of what its model was trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import zoo
from tests.echo_runs import until
from zoo.data.example import Example
from zoo.runs.events import DataLoaded, Noted, Warned
from zoo.runs.trained_on import count_trained_on

pytestmark = pytest.mark.slow

Finetune = Callable[..., zoo.Run]


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """Twenty classes of two rows, one row twice, one of them contradicting another, and a label alone."""
    path = tmp_path / "classes.csv"
    pairs = "".join(f"text {i} {j},label {i}\n" for i in range(20) for j in range(2))
    path.write_text("text,label\n" + pairs + "text 0 0,label 0\ntext 0 0,label 1\nonly,LABEL 1\n")
    return path


def test_a_training_says_what_an_inspection_finds_and_how_rows_are_held_out(finetune: Finetune, classes: Path) -> None:
    s = finetune(data=classes, name="mine").wait().snapshot
    assert [warning.partition(":")[0] for warning in s.warnings] == [
        "classes.csv",
        "labels that look alike are classes of their own",
        "labels with one row only, too few to learn from, which nothing will judge",
        "labels with fewer than 8 rows, hard to learn or to judge",
    ]
    assert "1 row repeats an earlier text under another label (rows 1 and 42)" in s.warnings[0]
    assert s.notes == (
        "classes.csv: 2 rows repeat an earlier text (rows 1 and 41, 1 and 42)",
        f"zoo data inspect {classes} says more",
        f"{s.eval_rows} of 43 rows are held out, where a share of 0.1 would be 4: at least one of every label that has "
        "two different texts",
        "repeated texts are held out together: no text is both trained on and evaluated on",
    )


def test_nothing_is_said_of_data_that_is_as_it_should_be(finetune: Finetune) -> None:
    s = finetune(name="mine").wait().snapshot
    assert (s.warnings, s.notes) == ((), ())


def test_evaluation_data_of_its_own_is_compared(finetune: Finetune, rows: Path) -> None:
    s = finetune(name="mine", eval_data=rows, label="label").wait().snapshot
    assert [warning.partition(":")[0] for warning in s.warnings] == [
        "every row of the evaluation data is in the training data, too"
    ]
    assert s.notes == (f"zoo data inspect {rows} --eval {rows} --label label says more",)


def test_a_resumed_run_says_it_once(finetune: Finetune, classes: Path) -> None:
    run = finetune(data=classes, name="mine", fail_at=5)
    until(lambda: run.status == "failed")
    before = [event for event in run.events() if isinstance(event, Warned | Noted)]
    run.resume()
    until(lambda: run.snapshot.attempt == 2 and run.status == "failed")
    assert [event for event in run.events() if isinstance(event, Warned | Noted)] == before
    assert len(before) == 8


def test_a_run_is_not_resumed_with_other_classes(finetune: Finetune) -> None:
    run = finetune(name="mine", fail_at=5)
    until(lambda: run.status == "failed")
    log = run.folder.events_path
    assert any(isinstance(event, DataLoaded) for event in run.events())
    log.write_bytes(log.read_bytes().replace(b'["negative","positive"]', b'["Negative","positive"]'))
    run.resume()
    until(lambda: run.snapshot.attempt == 2 and run.status == "failed")
    assert run.snapshot.error == (
        "the labels were Negative, positive when the run began, and are negative, positive now"
    )


def test_an_evaluation_tells_what_its_model_was_trained_on(words: str, rows: Path, tmp_path: Path) -> None:
    judged = zoo.evaluate(words, rows, device="cpu", precision="fp32").wait().snapshot
    assert judged.warnings == ("36 of 40 texts are among those that words was trained on: its figures are flattered",)

    new = tmp_path / "new.csv"
    new.write_text("text,label\nquite good,positive\nquite bad,negative\ngood  fine 3,positive\n")
    zoo.finetune(words, new, name="second", device="cpu", precision="fp32", eval_share=0.0).wait()
    examples = [Example("quite bad"), Example("good fine 3"), Example("never seen")]
    assert count_trained_on("second", examples) == 2
    assert count_trained_on("echo", examples) == 0

    held_out = tmp_path / "held-out.csv"
    held_out.write_text("text,label\nnever seen,positive\n")
    assert zoo.evaluate("second", held_out, device="cpu", precision="fp32").wait().snapshot.warnings == ()


def test_runs_whose_names_were_given_anew_do_not_descend_from_themselves(words: str, rows: Path) -> None:
    second = zoo.finetune(words, rows, name="second", device="cpu", precision="fp32").wait()
    zoo.open_run(words).remove()
    second.rename(words)
    assert count_trained_on(words, [Example("never seen")]) == 0
