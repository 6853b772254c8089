"""Learning from a teacher through the whole of zoo, with workers, kept answers, kills and two processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.echo_runs import kill_and_resume, killed_after, until, wait_quietly
from tests.end_to_end.test_tokens import COMMON, tagged, written
from zoo.cli import main
from zoo.runs.events import Noted, StepCompleted, TeacherAnswered

pytest.importorskip("zoo_bert")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

MODEL = "bert-tiny"
CPU = {"device": "cpu", "precision": "fp32"}
OPTIONS: dict[str, Any] = {"batch_size": 7, "max_steps": 8, "eval_steps": 4, "save_steps": 2, "max_tokens": 16}
ASKED = "bert/teacher is asked about"


@pytest.fixture
def data(tmp_path: Path) -> dict[str, Path]:
    """Texts that are long or short, and such as are not said to be either."""
    labelled = written(
        tmp_path / "a.jsonl", lambda words: {"text": " ".join(words), "label": "long" if len(words) > 20 else "short"}
    )
    texts = tmp_path / "texts.txt"
    texts.write_text("".join(f"{' '.join(COMMON[i % 9 :])} {i}\n" for i in range(40)))
    return {"labelled": labelled, "texts": texts}


@pytest.fixture
def teacher(store: Path, data: dict[str, Path]) -> str:
    zoo.finetune(MODEL, data["labelled"], name="teacher", max_steps=20, lr=3e-3, **CPU).wait(progress=False)
    return "teacher"


def taught(data: Any, **settings: Any) -> zoo.Run:
    return zoo.finetune(MODEL, data, teacher="teacher", **{**CPU, **OPTIONS, **settings})


def times_asked(run: zoo.Run) -> int:
    return sum(ASKED in event.message for event in run.events() if isinstance(event, Noted))


def weights(run: zoo.Run) -> bytes:
    return (run.folder.model_folder / "model.safetensors").read_bytes()


def test_answers_are_kept_and_a_killed_run_resumes_to_the_same_bits(teacher: str, data: dict[str, Path]) -> None:
    whole = taught(data["labelled"]).wait(progress=False)
    killed = kill_and_resume(lambda: taught(data["labelled"]), step=2)
    alone = zoo.finetune(MODEL, data["labelled"], **CPU, **OPTIONS).wait(progress=False)

    assert (times_asked(whole), times_asked(killed)) == (1, 0)
    assert weights(killed) == weights(whole) != weights(alone)
    assert "bert/teacher, 0.5 of the loss, temperature 2" in (whole.folder.model_folder / "README.md").read_text()


def test_two_processes_equal_one(teacher: str, data: dict[str, Path]) -> None:
    runs = [taught(data["labelled"], dropout=0.0, processes=count).wait(progress=False) for count in (1, 2)]
    steps = [[event for event in run.events() if isinstance(event, StepCompleted)] for run in runs]
    assert steps[1][0].loss == pytest.approx(steps[0][0].loss, rel=1e-6)
    assert runs[1].metrics == pytest.approx(runs[0].metrics, rel=1e-4)


def test_texts_without_labels_are_learnt_from_the_teacher_alone_and_beside_other_sources(
    teacher: str, data: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    common = [
        word for name, value in {**OPTIONS, **CPU}.items() for word in (f"--{name.replace('_', '-')}", str(value))
    ]
    alone = ["finetune", MODEL, "--data", str(data["texts"]), "--teacher", teacher, "--name", "alone", "--json"]
    assert main([*alone, *common]) == 0
    snapshot = json.loads(capsys.readouterr().out)["snapshot"]
    assert "learnt from the answers of bert/teacher alone" in " ".join(snapshot["notes"])
    assert "accuracy" in snapshot["metrics"]

    judged = zoo.finetune(MODEL, data["texts"], eval_data=data["labelled"], teacher=teacher, **CPU, **OPTIONS).wait(
        progress=False
    )
    assert judged.snapshot.eval_rows == 46

    gaps = data["labelled"].with_name("gaps.jsonl")
    untold = [json.dumps({"text": f"saw {number} of them", "label": None}) for number in range(9)]
    gaps.write_text("\n".join([*untold, data["labelled"].read_text()]))
    sources = [
        "--source",
        f"own={gaps}",
        "--source",
        f"more={data['texts']}",
        "--teacher",
        f"more={teacher}",
        "--teacher",
        f"own={teacher}",
    ]
    assert main(["finetune", MODEL, *sources, "--name", "both", "--json", *common]) == 0
    result = json.loads(capsys.readouterr().out)["snapshot"]
    assert {"own.accuracy", "more.accuracy"} <= set(result["metrics"])
    assert result["rejected_rows"] == 0
    notes = " ".join(result["notes"])
    assert "9 rows without a target are learnt from the answers of bert/teacher alone" in notes
    (answer,) = [zoo.load("both.more", **CPU).predict("saw near the old")]
    assert isinstance(answer, zoo.Classification)
    assert {score.label for score in answer.scores} == {"long", "short"}


def test_a_teacher_that_is_gone_is_missed_only_where_its_answers_are(
    teacher: str, data: dict[str, Path], store: Path
) -> None:
    first, second = (killed_after(lambda: taught(data["labelled"]), step=2) for _ in range(2))
    answered = [event for run in (first, second) for event in run.events() if isinstance(event, TeacherAnswered)]
    assert [(one.model, one.done, one.total) for one in answered] == [("bert/teacher", 42, 42)]

    zoo.open_run("teacher").remove()
    assert first.resume().wait(progress=False).status == "finished"

    answer_files = list((store / "cache" / "teachers").glob("*.jsonl"))
    assert len(answer_files) == 1
    until(lambda: main(["cache", "rm", "answers/bert/teacher", "-y"]) == 0)  # once the worker has left
    assert wait_quietly(second.resume()).status == "failed"
    assert second.snapshot.error == "the teacher bert/teacher is gone, and its answers to these rows are not kept"
    assert "another --teacher" in second.snapshot.hint


def test_a_dry_run_asks_about_a_few_rows_and_keeps_nothing(
    teacher: str, data: dict[str, Path], store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for rows, data_path in ((42, data["labelled"]), (36, data["texts"])):
        command = ["finetune", MODEL, "--data", str(data_path), "--teacher", teacher, "--dry-run", "--json"]
        assert main([*command, "--device", "cpu", "--precision", "fp32"]) == 0
        snapshot = json.loads(capsys.readouterr().out)["snapshot"]
        assert (snapshot["train_rows"], snapshot["taught"]["total"]) == (rows, 32)
    assert not [*(store / "cache" / "teachers").glob("*.jsonl")]


def test_spans_are_taught_with_and_without_targets(
    store: Path, tmp_path: Path, data: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    names = written(tmp_path / "names.jsonl", tagged)
    zoo.finetune(MODEL, names, name="teacher", max_steps=60, lr=3e-3, **CPU).wait(progress=False)
    whole = taught(names).wait(progress=False)
    killed = kill_and_resume(lambda: taught(names), step=2)
    assert (times_asked(whole), times_asked(killed)) == (1, 0)
    assert weights(killed) == weights(whole)

    texts = written(tmp_path / "texts.jsonl", lambda words: {"text": " ".join(["Ada", *words, "Rome"])})
    run = taught(texts, max_steps=60, eval_steps=60, lr=3e-3).wait(progress=False)
    assert "learnt from the answers of bert/teacher alone" in " ".join(run.snapshot.notes)
    assert run.metrics["span_f1"] > 0.3
    assert run.snapshot.labels == ("person", "place")


REFUSED = [
    (["--teacher", "bert-tiny"], "bert-tiny has learnt nothing yet that it could teach"),
    (["--teacher", "nobody"], "nobody"),
    (["--teacher-share", "0.5"], "--teacher-share is about a teacher, and there is none"),
    (["--teacher", "teacher", "--teacher-share", "1.5"], "--teacher-share"),
    (["--teacher", "teacher", "--task", "token-classification"], "teacher answers text-classification, not token"),
    (["--teacher", "teacher", "--data", "others.csv"], "teacher tells apart long, short, but the data have bad, good"),
]


def test_what_cannot_be_taught_is_told_in_one_line(
    teacher: str,
    data: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("others.csv").write_text("text,label\ngood,good\nbad,bad\nfine,good\nsad,bad\n")
    assert main(["pretrain", MODEL, "--data", str(data["texts"]), "--teacher", teacher]) != 0
    assert "there is no option '--teacher'" in capsys.readouterr().err
    for flags, message in REFUSED:
        data_flags = [] if "--data" in flags else ["--data", str(data["labelled"])]
        assert main(["finetune", MODEL, *data_flags, *flags, "--device", "cpu"]) != 0
        error = capsys.readouterr().err
        assert message in error
        assert "Traceback" not in error
