"""`zoo shrink`: from a run and held-out rows to a smaller model that answers as well, or to none."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from safetensors.torch import load_file

import zoo
from tests.echo_runs import until
from tests.messages import write_messages
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.devices import available, is_native
from zoo.quickstart.digits import write_digits
from zoo.runs.candidate import Candidate
from zoo.shrink_options import FORMATS

pytest.importorskip("zoo_bert")
pytest.importorskip("zoo_resnet")
pytest.importorskip("sklearn")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("shared_store")]

ALLOWED = 0.03
"""Of 400 rows: some may be answered otherwise, as 8 bits are multiplied otherwise by other processors."""
CPU = {"device": "cpu", "precision": "fp32"}


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_messages(tmp_path_factory.mktemp("held-out") / "held-out.csv", 400, seed=2)


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory, shared_store: Path) -> str:
    """The name of a small classifier that has learnt."""
    data = write_messages(tmp_path_factory.mktemp("messages") / "messages.csv", 200, seed=1)
    options = {"epochs": 6.0, "lr": 2e-3, "max_tokens": 32, "eval_share": 0.0}
    return zoo.finetune("bert-tiny", data, name="messages", **CPU, **options).wait(progress=False).name


@pytest.fixture(scope="module")
def small(messages: str, held_out: Path) -> zoo.Run:
    """What is made of it."""
    small = zoo.shrink(messages, held_out, max_drop=ALLOWED, name="messages-small", device="cpu")
    return small.wait(progress=False)


def candidates(run: zoo.Run) -> dict[str, Candidate]:
    return {one.name: one for one in run.snapshot.candidates}


def test_the_smallest_that_answers_as_well_is_a_model_like_any_other(small: zoo.Run, held_out: Path) -> None:
    table = candidates(small)
    assert list(table) == ["original", "bf16", "int8", "int8-tensor", "int4"]
    (chosen,) = (one for one in table.values() if one.chosen)
    original = table["original"]
    assert chosen.name in ("int8", "int8-tensor", "int4")
    assert chosen.size_bytes < original.size_bytes / 3
    assert table["int8"].size_bytes < table["bf16"].size_bytes < original.size_bytes
    assert all(one.latency_s > 0 and one.rows_per_s > 0 for one in table.values())
    assert chosen.high is not None
    assert 0 < chosen.high <= ALLOWED
    assert small.metrics["accuracy"] == chosen.figure

    answer = small.model.predict("my parcel is late")
    assert isinstance(answer, zoo.Classification)
    assert answer.label == "delivery"
    assert small.model.precision == chosen.precision
    judged = zoo.evaluate(small.name, held_out, device="cpu").wait(progress=False)
    assert judged.metrics["accuracy"] == pytest.approx(chosen.figure)
    readme = (small.folder.model_folder / "README.md").read_text()
    assert FORMATS[chosen.name] in readme
    assert "64 answers kept in stored_answers/ with their inputs" in readme
    assert "| int8-tensor |" in readme
    stored = json.loads((small.folder.model_folder / "stored_answers" / "answers.json").read_text())
    assert len(stored["rows"]) == 64


def test_it_only_answers_and_is_not_made_smaller_again(small: zoo.Run, held_out: Path) -> None:
    with pytest.raises(zoo.Unsupported, match="it was made smaller, and only answers") as refused:
        zoo.finetune(small.name, held_out, **CPU)
    assert refused.value.hint == "finetune messages"
    with pytest.raises(zoo.Unsupported, match="was made smaller already"):
        zoo.shrink(small.name, held_out, device="cpu")


def test_other_libraries_get_what_they_can_read(small: zoo.Run, tmp_path: Path) -> None:
    folder = zoo.export(small.name, tmp_path / "plain")
    tensors = load_file(folder / "model.safetensors")
    assert {str(tensor.dtype) for tensor in tensors.values()} == {"torch.float32"}
    assert "quantization_config" not in json.loads((folder / "config.json").read_text())
    assert not (folder / "stored_answers").exists()


def test_nothing_is_written_where_nothing_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers are never quite the same with fewer bits, and here next to nothing is allowed."""
    draw = random.Random(4)
    data = tmp_path / "scores.csv"
    data.write_text("text,score\n" + "".join(f"number {i} of many,{draw.random():.3f}\n" for i in range(60)))
    options = {"max_steps": 1, "max_tokens": 32, "eval_share": 0.0, "task": "text-regression"}
    run = zoo.finetune("bert-tiny", data, name="scores", label="score", **CPU, **options).wait(progress=False)
    command = ["shrink", run.name, "--data", str(data), "--label", "score", "--formats", "int4", "--max-drop", "1e-7"]

    assert main([*command, "--name", "scores-small", "--device", "cpu"]) == ExitCode.GATE

    out, err = capsys.readouterr()
    assert "may drop by more than 1e-07" in out
    assert "no smaller form of scores keeps " in err
    failed = zoo.open_run("scores-small")
    assert failed.snapshot.error_kind == "GateNotPassed"
    assert not failed.folder.model_folder.exists()
    assert not (failed.folder.path / "candidates").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["messages", "--formats", "int7"], "--formats has 'int7', which is none"),
        (["messages", "--max-drop", "0"], "--max-drop"),
        (["messages", "--max-drop", "1e-5"], "cannot show that accuracy drops by 1e-05 at most"),
        (["messages", "--target", "text"], "--target"),
        (["bert-tiny"], "has learnt nothing yet"),
        (["all-minilm-l6-v2"], "all-minilm-l6-v2"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    messages: str, held_out: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["shrink", *words, "--data", str(held_out)]) in (ExitCode.USAGE, ExitCode.DATA)
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_pictures(tmp_path: Path) -> None:
    write_digits(tmp_path)
    options = {"image_size": 8, "flip": False, "batch_size": 20, "max_steps": 40, "eval_share": 0.0}
    run = zoo.finetune("resnet10-32px", tmp_path / "labelled", name="digits", **CPU, **options).wait(progress=False)
    options = {"formats": "int8", "max_drop": 0.05, "stored_answers": 20}
    small = zoo.shrink(run, tmp_path / "test", name="digits-small", device="cpu", **options)
    small.wait(progress=False)

    table = candidates(small)
    assert table["int8"].chosen
    assert table["int8"].precision == ("int8" if is_native("int8", available()[0]) else "fp32")
    assert table["int8"].size_bytes < 0.26 * table["original"].size_bytes
    inputs = small.folder.model_folder / "stored_answers" / "inputs"
    assert len(list(inputs.iterdir())) == 20
    with pytest.raises(zoo.Unsupported, match="digits cannot be pruned: it is no transformer"):
        zoo.shrink(run, tmp_path / "test", prune=0.5, device="cpu")


def test_one_that_is_stopped_goes_on(messages: str, held_out: Path) -> None:
    options = {"formats": ["bf16", "int8"], "max_drop": ALLOWED, "stored_answers": 0}
    run = zoo.shrink(messages, held_out, name="stopped", device="cpu", **options)
    until(lambda: bool(run.snapshot.candidates))
    run.stop()
    until(lambda: not run.snapshot.live)
    if run.status == "cancelled":
        run.resume()
    run.wait(progress=False)
    assert [name for name, one in candidates(run).items() if one.chosen] == ["int8"]
    assert not (run.folder.model_folder / "stored_answers").exists()
