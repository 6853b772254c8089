"""`zoo export --format onnx` and `torch`: files that answer as zoo does, in processes that have no zoo."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import zoo
from tests.end_to_end.test_shrink import CPU, write_messages
from zoo.catalog import Catalog
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.quickstart.digits import write_digits
from zoo.runs.calibration import Calibration, calibration_path, write_calibration
from zoo.runs.store import write_request

pytest.importorskip("zoo_bert")
pytest.importorskip("zoo_resnet")
pytest.importorskip("onnxruntime")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.usefixtures("shared_store")]

TEXTS = ["my parcel is late", "money back please", "the screen of the app is broken, and I cannot login since monday"]
TEMPERATURE = 2.5


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_messages(tmp_path_factory.mktemp("messages") / "messages.csv", 90, seed=1)


@pytest.fixture(scope="module")
def messages(data: Path, shared_store: Path) -> str:
    """The name of a small classifier."""
    options = {"max_steps": 12, "lr": 2e-3, "max_tokens": 16, "eval_share": 0.0}
    return zoo.finetune("bert-tiny", data, name="messages", **CPU, **options).wait(progress=False).name


@pytest.fixture(scope="module")
def onnx(messages: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder for ONNX Runtime."""
    return zoo.export(messages, tmp_path_factory.mktemp("onnx") / "messages", format="onnx")


@contextlib.contextmanager
def calibrated(name: str) -> Iterator[None]:
    """A model is, for so long."""
    card = Catalog.load().resolve(name)
    assert card.weights is not None
    figures = {"fitted_rows": 20, "chances": (0.9,) * 20, "ece_before": 0.2, "ece_after": 0.1}
    of = {"data": "held-out.csv", "sha256": "", "weights": card.weights.digest}
    write_calibration(card, Calibration(temperature=TEMPERATURE, **figures, **of))
    try:
        yield
    finally:
        path = calibration_path(card)
        assert path is not None
        path.unlink()


def answered(folder: Path, replaced: dict[str, str], without: str, said: str) -> Any:
    """What the lines of its README compute in a process that cannot import zoo and others.

    Args:
        folder: that was written.
        replaced: parts of the lines, and what stands there instead.
        without: names of modules, blanks between them.
        said: an expression of the answers, as JSON knows them.
    """
    (lines,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    for before, after in {"this folder": str(folder), **replaced}.items():
        assert before in lines
        lines = lines.replace(before, after)
    barred = f"import sys\nsys.modules.update(dict.fromkeys({without.split()!r}))\n"
    code = f"{barred}{lines}\nprint('answers: ' + json.dumps({said}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.rpartition("answers: ")[2])


def test_a_smaller_form_for_onnxruntime_is_a_model_like_any_other(
    messages: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It comes to the same table, keeps answers, and its folder answers without zoo; it learns nothing more."""
    small = zoo.shrink(messages, data, formats="onnx-int8", max_drop=0.9, stored_answers=5, device="cpu", name="small")
    small.wait(progress=False)
    original, chosen = small.snapshot.candidates
    assert (chosen.name, chosen.chosen) == ("onnx-int8", True)
    assert chosen.size_bytes < original.size_bytes / 2.5
    assert small.metrics["accuracy"] == chosen.figure

    answers = small.model.predict(TEXTS)
    folder = small.folder.model_folder
    assert not (folder / "model.safetensors").exists()
    shares = answered(
        folder,
        {'["a text", "and another one"]': repr(TEXTS)},
        "zoo torch transformers safetensors",
        "(scores / scores.sum(-1, keepdims=True)).tolist()",
    )
    labels = json.loads((folder / "model.json").read_text())["labels"]
    for share, answer in zip(shares, answers, strict=True):
        assert isinstance(answer, zoo.Classification)
        assert answer.label == labels[share.index(max(share))]
    assert len(json.loads((folder / "stored_answers" / "answers.json").read_text())["rows"]) == 5

    assert main(["finetune", "small", "--data", str(data)]) == ExitCode.USAGE
    assert "small cannot finetune: it was made smaller, and only answers" in capsys.readouterr().err
    assert main(["export", "small", str(tmp_path / "files")]) == ExitCode.USAGE
    assert "is a network for ONNX Runtime in 8 bits" in capsys.readouterr().err


def test_texts_are_answered_by_onnxruntime_and_tokenizers_alone(messages: str, onnx: Path) -> None:
    shares = answered(
        onnx,
        {'["a text", "and another one"]': repr(TEXTS)},
        "zoo torch transformers safetensors",
        "(scores / scores.sum(-1, keepdims=True)).tolist()",
    )
    answers = zoo.load(messages, **CPU).predict(TEXTS)
    labels = json.loads((onnx / "model.json").read_text())["labels"]
    for share, answer in zip(shares, answers, strict=True):
        assert isinstance(answer, zoo.Classification)
        assert dict(zip(labels, share, strict=True)) == pytest.approx(answer.numbers(), abs=1e-4)


def test_the_folder_says_what_has_to_be_known(onnx: Path) -> None:
    assert sorted(path.name for path in onnx.iterdir()) == ["README.md", "model.json", "model.onnx", "tokenizer.json"]
    facts = json.loads((onnx / "model.json").read_text())
    assert facts["task"] == "text-classification"
    assert facts["labels"] == ["app", "delivery", "refund"]
    assert facts["max_tokens"] == 16
    assert facts["inputs"][0] == {"name": "input_ids", "shape": ["batch", "tokens"], "dtype": "int64"}
    assert facts["compared"]["answers"] == 64
    assert facts["compared"]["changed"] == 0
    assert 0 <= facts["compared"]["largest_difference"] < 1e-4
    assert [path.name for path in onnx.parent.iterdir()] == ["messages"]


def test_sizes_are_those_of_whoever_asks(onnx: Path) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(onnx / "model.onnx")
    assert [one.shape for one in session.get_inputs()] == [["batch", "tokens"]] * 2
    assert session.get_outputs()[0].shape == ["batch", 3]


def test_a_program_of_torch_has_nothing_pickled_and_is_calibrated_as_the_model_is(
    messages: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "messages"
    with calibrated(messages):
        code = main(["export", messages, str(folder), "--format", "torch", "--data", str(data), "--json"])
        answers = zoo.load(messages, **CPU).predict(TEXTS)
    assert code == ExitCode.OK
    written = json.loads(capsys.readouterr().out)
    assert written["files"] == ["README.md", "model.json", "model.pt2", "tokenizer.json"]
    assert written["compared"]["answers"] == 64

    with zipfile.ZipFile(folder / "model.pt2") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    raw = re.compile(r"model/data/weights/weight_\d+")  # numbers, which may begin with any byte
    others = {name: one for name, one in content.items() if not raw.fullmatch(name)}
    assert not [name for name, one in others.items() if one.startswith((b"PK", b"\x80"))]
    assert not any(b'"use_pickle": true' in one for one in content.values())
    shares = answered(
        folder,
        {'["a text", "and another one"]': repr(TEXTS)},
        "zoo transformers",
        "(scores / scores.sum(-1, keepdims=True)).tolist()",
    )
    facts = json.loads((folder / "model.json").read_text())
    assert facts["temperature"] == TEMPERATURE
    for share, answer in zip(shares, answers, strict=True):
        assert isinstance(answer, zoo.Classification)
        assert dict(zip(facts["labels"], share, strict=True)) == pytest.approx(answer.numbers(), abs=1e-4)


def test_a_private_model_is_not_compared_on_its_own_rows(
    messages: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = zoo.open_run(messages).folder
    request = folder.request
    try:
        write_request(folder, msgspec.structs.replace(request, options={**request.options, "private": "eps=8"}))
        assert main(["export", messages, str(tmp_path / "new"), "--format", "torch"]) == ExitCode.DATA
    finally:
        write_request(folder, request)
    error = capsys.readouterr().err
    assert "learnt privately or may have, so answers are not compared on its own" in error
    assert "--data FILE names others" in error


def test_pictures_are_answered_by_onnxruntime_and_pillow_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_digits(tmp_path)
    options = {"image_size": 8, "flip": False, "batch_size": 20, "max_steps": 20, "eval_share": 0.0}
    run = zoo.finetune("resnet10-32px", tmp_path / "labelled", name="digits", **CPU, **options).wait(progress=False)
    folder = tmp_path / "digits-onnx"
    assert main(["export", run.name, str(folder), "--format", "onnx"]) == ExitCode.OK
    out, err = capsys.readouterr()
    assert out == f"{folder}\n"
    assert "64 answers compared with zoo's own: 0 changed, the largest difference is " in err

    picture = sorted((tmp_path / "test").rglob("*.png"))[0]
    (share,) = answered(
        folder, {"a.jpg": str(picture)}, "zoo torch torchvision", "(scores / scores.sum(-1, keepdims=True)).tolist()"
    )
    answer = zoo.load(run.name, **CPU, top_k=10).predict(picture)
    labels = json.loads((folder / "model.json").read_text())["labels"]
    assert dict(zip(labels, share, strict=True)) == pytest.approx(answer.numbers(), abs=1e-4)
    assert isinstance(answer, zoo.Classification)


def test_what_does_not_agree_is_not_left_behind(
    messages: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from zoo.training.portable.formats import TorchProgram

    compute = TorchProgram.compute

    def wrong(self: TorchProgram, folder: Path) -> Any:
        right = compute(self, folder)
        return lambda *tensors: right(*tensors) + 1e-1 * right(*tensors)

    monkeypatch.setattr(TorchProgram, "compute", wrong)
    assert main(["export", messages, str(tmp_path / "new"), "--format", "torch"]) == ExitCode.GATE
    error = capsys.readouterr().err
    assert "answers otherwise than zoo, so nothing was written: 64 answers compared" in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (["--format", "onnix"], "--format", ExitCode.USAGE),
        (["--data", "here.csv"], "safetensors are not compared with anything", ExitCode.USAGE),
        (["--format", "torch", "--data", "nowhere.csv"], "nowhere.csv", ExitCode.DATA),
        (["--format", "torch", "--data", "here.csv", "--input", "words"], "words", ExitCode.DATA),
        (["--format", "torch", "--data", "empty.csv"], "none of the inputs to compare answers on", ExitCode.DATA),
    ],
)
def test_what_cannot_be_done_is_one_line(
    messages: str,
    words: list[str],
    said: str,
    code: ExitCode,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here.csv").write_text("text\na text\n")
    Path("empty.csv").write_text("text\n \n")
    assert main(["export", messages, "new", *words]) == code
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not Path("new").exists()


def test_without_the_extra_it_says_what_to_install(
    messages: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(zoo.Unsupported, match="this format needs onnxscript") as refused:
        zoo.export(messages, tmp_path / "new", format="onnx")
    assert refused.value.hint == "pip install 'zoo-models[onnx]'"
    assert list(tmp_path.iterdir()) == []
