"""`zoo shrink --into` and `--prune`: smaller networks that are trained in the course of it, beside the packed ones."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
import torch

import zoo
from tests.echo_runs import until, wait_quietly
from tests.end_to_end.test_shrink import CPU, candidates, write_messages
from zoo.catalog import Catalog
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.comparison.subjects import find_subjects
from zoo.data import load
from zoo.runs import control
from zoo.runs.candidate import CandidateStepped
from zoo.runs.checkpoints import newest_step
from zoo.runs.events import TeacherAnswered
from zoo.runs.store import write_request
from zoo.runs.trained_on import count_trained_on
from zoo.shrinkable import check_shrinkable
from zoo.tasks import get_task

pytest.importorskip("zoo_bert")
pytest.importorskip("zoo_resnet")
transformers = pytest.importorskip("transformers")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("shared_store")]

ANY = {"max_drop": 0.9, "stored_answers": 0, "device": "cpu", "formats": "int8"}
"""Whatever they have learnt in so few steps, the smallest passes."""


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_messages(tmp_path_factory.mktemp("held-out") / "held-out.csv", 60, seed=2)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_messages(tmp_path_factory.mktemp("messages") / "messages.csv", 120, seed=1)


@pytest.fixture(scope="module")
def large(learnt: Path, shared_store: Path) -> str:
    """The name of a classifier that is larger than another one."""
    options = {"epochs": 4.0, "lr": 1e-3, "max_tokens": 32, "eval_share": 0.0}
    return zoo.finetune("bert-mini", learnt, name="large", **CPU, **options).wait(progress=False).name


@pytest.fixture(scope="module")
def into_tiny(large: str, learnt: Path, held_out: Path, tmp_path_factory: pytest.TempPathFactory) -> zoo.Run:
    """A smaller one that learnt from texts without labels, some of which are among those that judge."""
    texts = [line.rpartition(",")[0] for path in (learnt, held_out) for line in path.read_text().splitlines()[1:]]
    train = tmp_path_factory.mktemp("texts") / "texts.csv"
    train.write_text("text\n" + "\n".join(texts[:160]) + "\n")
    small = zoo.shrink(large, held_out, into="bert-tiny", train=train, train_epochs=4, name="small", **ANY)
    return small.wait(progress=False)


@pytest.fixture(scope="module")
def pruned(large: str, held_out: Path) -> zoo.Run:
    small = zoo.shrink(large, held_out, prune=0.5, train_epochs=1, name="narrow", **ANY)
    return small.wait(progress=False)


def test_another_network_learns_the_answers_and_is_judged_beside_the_packed_ones(into_tiny: zoo.Run) -> None:
    table = candidates(into_tiny)
    assert list(table) == ["original", "int8", "bert-tiny", "bert-tiny int8"]
    assert all(one.figure is not None for one in table.values())
    assert table["bert-tiny"].size_bytes < table["original"].size_bytes / 2
    assert [name for name, one in table.items() if one.chosen] == ["bert-tiny int8"]
    teaching = [event for event in into_tiny.events() if isinstance(event, TeacherAnswered)]
    assert teaching[-1].model == "bert/large"
    assert any(isinstance(event, CandidateStepped) for event in into_tiny.events())


def test_rows_that_judge_are_left_out_and_the_cost_is_told_before(into_tiny: zoo.Run, held_out: Path) -> None:
    notes = into_tiny.snapshot.notes
    (left_out,) = (note for note in notes if "left out" in note)
    assert left_out == "bert-tiny: 40 rows left out, as they are among those that judge"
    (cost,) = (note for note in notes if "learns from" in note)
    assert "bert-tiny: a network of " in cost
    assert " parameters learns from 107 rows: 28 steps of 16, 4 epochs, about " in cost
    assert 0 == count_trained_on("small", load(held_out, get_task("text-classification")).examples)


def test_what_comes_of_it_is_a_model_like_any_other(into_tiny: zoo.Run, learnt: Path, tmp_path: Path) -> None:
    answer = into_tiny.model.predict("my parcel is late")
    assert isinstance(answer, zoo.Classification)
    readme = (into_tiny.folder.model_folder / "README.md").read_text()
    assert "bert-tiny, which learnt the answers of large, in 8 bits a weight" in readme
    until(lambda: not into_tiny.folder.students_folder.exists())  # removed after the last event
    config = json.loads((zoo.export("small", tmp_path / "plain") / "config.json").read_text())
    assert config["hidden_size"] == 128
    with pytest.raises(zoo.Unsupported, match="it was made smaller, and only answers"):
        zoo.finetune("small", learnt, **CPU)


def test_what_was_trained_can_be_trained_further(large: str, held_out: Path, learnt: Path, tmp_path: Path) -> None:
    """It is a network as its plugin writes it, and as any other model it is made smaller, too."""
    asked = ANY | {"formats": "bf16", "stored_answers": 4}
    run = zoo.shrink(large, held_out, into="bert-tiny", train_epochs=1, name="student", **asked).wait(progress=False)
    assert list(candidates(run)) == ["original", "bf16", "bert-tiny"]
    assert candidates(run)["bert-tiny"].chosen
    assert "It only answers" not in (run.folder.model_folder / "README.md").read_text()
    assert not (zoo.export("student", tmp_path / "plain") / "stored_answers").exists()

    further = zoo.finetune("student", learnt, max_steps=2, name="student-more", **CPU).wait(progress=False)
    assert isinstance(further.model.predict("my parcel is late"), zoo.Classification)
    check_shrinkable(Catalog.load().resolve("student"))


def test_half_of_each_layer_is_taken_out_and_the_rest_is_fine_tuned(pruned: zoo.Run, tmp_path: Path) -> None:
    table = candidates(pruned)
    assert list(table) == ["original", "int8", "pruned", "pruned int8"]
    assert table["pruned"].size_bytes < table["original"].size_bytes
    assert table["pruned int8"].chosen
    (done,) = (note for note in pruned.snapshot.notes if "feed-forward" in note)
    assert done.startswith("pruned: 512 of 1,024 feed-forward units a layer kept, heads stay")
    folder = zoo.export("narrow", tmp_path / "plain")
    network = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    assert network.config.intermediate_size == 512
    tokens = transformers.AutoTokenizer.from_pretrained(folder)("my parcel is late", return_tensors="pt")
    with torch.no_grad():
        best = network.config.id2label[int(network.eval()(**tokens).logits.argmax())]
    answer = pruned.model.predict("my parcel is late")
    assert isinstance(answer, zoo.Classification)
    assert answer.label == best


def test_one_that_is_stopped_within_its_training_goes_on_with_it(large: str, held_out: Path) -> None:
    run = zoo.shrink(large, held_out, into="bert-tiny", train_epochs=20, name="stopped-student", **ANY)
    until(lambda: run.snapshot.candidate_step is not None)
    control.ask_to_stop(run.folder)
    assert wait_quietly(run).status == "cancelled"
    training = run.folder.path / "students" / "bert-tiny"
    assert newest_step(training / "checkpoints") or (training / "model" / "zoo.json").exists()
    run.resume().wait(progress=False)
    assert candidates(run)["bert-tiny int8"].chosen
    until(lambda: not training.exists())


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["--into", "bert-tinny"], "there is no model 'bert-tinny'", "bert-tiny"),
        (
            ["--into", "bert-small"],
            "--into bert-small has 28.8M parameters, no fewer than the 11.2M of large",
            "bert-tiny",
        ),
        (["--into", "resnet10-32px"], "--into resnet10-32px learns ", "bert-tiny"),
        (["--into", "bert-tiny", "--train", "missing.csv"], "missing.csv", ""),
        (
            ["--train-epochs", "3"],
            "--train-epochs is about a network that is trained, and there is none",
            "--into MODEL",
        ),
        (["--prune", "1.5"], "--prune", ""),
        (["--prune", "-0.5"], "--prune", ""),
    ],
)
def test_what_cannot_be_done_is_one_line(
    large: str, held_out: Path, words: list[str], said: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["shrink", large, "--data", str(held_out), *words]) in (ExitCode.USAGE, ExitCode.DATA)
    error = capsys.readouterr().err
    assert said in error
    assert hint in error
    assert "Traceback" not in error


def test_data_that_are_gone_or_others_by_now_are_told(
    large: str, learnt: Path, held_out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = learnt.read_text()
    try:
        learnt.write_text(content + "one more,app\n")
        assert main(["shrink", large, "--data", str(held_out), "--into", "bert-tiny"]) == ExitCode.DATA
        assert "has changed since large learnt from it" in capsys.readouterr().err
        learnt.unlink()
        assert main(["shrink", large, "--data", str(held_out), "--into", "bert-tiny"]) == ExitCode.DATA
        error = capsys.readouterr().err
        assert "what large learnt from is gone: " in error
        assert "--train FILE" in error
    finally:
        learnt.write_text(content)


def test_rows_that_were_learnt_from_privately_are_not_learnt_from_anew(
    large: str, held_out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = zoo.open_run(large).folder
    request = folder.request
    try:
        write_request(folder, msgspec.structs.replace(request, options={**request.options, "private": "eps=8"}))
        assert main(["shrink", large, "--data", str(held_out), "--prune", "0.5"]) == ExitCode.USAGE
        assert "large, or a model before it, learnt privately" in capsys.readouterr().err
    finally:
        write_request(folder, request)


def test_a_network_of_another_plugin_may_take_the_place(large: str, held_out: Path) -> None:
    run = zoo.shrink(large, held_out, into="echo", name="by-echo", **ANY).wait(progress=False)
    table = candidates(run)
    assert table["echo"].chosen
    assert table["echo int8"].reason == "its plugin keeps no weights in model.safetensors"
    assert isinstance(run.model.predict("my parcel is late"), zoo.Classification)
    assert [one.model for one in find_subjects([run.name, large], Catalog.load())] == ["echo/by-echo", "bert/large"]
    assert (
        zoo.evaluate(run.name, held_out, device="cpu").wait(progress=False).metrics["accuracy"] == table["echo"].figure
    )
