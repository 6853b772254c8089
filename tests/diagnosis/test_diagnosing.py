"""What went wrong with a run is named, with its evidence and commands that help; sound runs are left alone."""

from __future__ import annotations

import json
import random
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

import zoo
from zoo.blocks import Matrix
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.diagnosis import Diagnosis, Finding, diagnose
from zoo.diagnosis.record import Record
from zoo.runs import log
from zoo.runs.events import (
    AnyEvent,
    DataLoaded,
    EvaluationCompleted,
    MicroBatchHalved,
    RunFailed,
    RunFinished,
    RunLaunched,
    RunPlanned,
    RunStarted,
    StepCompleted,
    Warned,
)
from zoo.runs.store import RunFolder

OPTIONS = {"seed": 42, "method": "full", "lr": None, "max_tokens": None, "activation_checkpointing": False}


class Recorder:
    """Writes runs as workers leave them, without training anything.

    Args:
        store: where they are.
        data: of a run that says nothing else.
    """

    def __init__(self, store: Path, data: Path) -> None:
        self._store, self._data = store, data

    def run(
        self,
        *events: AnyEvent,
        losses: Sequence[float | None] = (),
        options: Mapping[str, Any] = MappingProxyType({}),
        counts: Sequence[Sequence[int]] = (),
        trainable: int = 1000,
        precision: str = "fp32",
        task: str = "text-classification",
        **data: Any,
    ) -> RunFolder:
        """A run that is over, its steps first."""
        folder = RunFolder(self._store / "runs" / "spoilt")
        shutil.copytree(self._store / "runs" / "words", folder.path)
        request = json.loads(folder.request_path.read_text())
        request |= {"name": "spoilt", "task": task, "options": {**OPTIONS, **options}, "changed_options": dict(options)}
        request["data"] = {"path": str(self._data), "sha256": "", **data}
        folder.request_path.write_text(json.dumps(request))
        folder.events_path.unlink()
        lr = options.get("lr") or 5e-5
        steps = len(losses)
        begun: list[AnyEvent] = [
            RunLaunched(at=1.0),
            RunStarted(at=2.0, pid=1, device="cpu", precision=precision),
            RunPlanned(
                steps=steps,
                epochs=4,
                batch_size=8,
                micro_batch_size=8,
                parameters=1000,
                trainable_parameters=trainable,
                lr=lr,
            ),
        ]
        for number, loss in enumerate(losses, start=1):
            epoch = 4 * number / steps
            begun.append(
                StepCompleted(
                    step=number, steps=steps, epoch=epoch, loss=loss, lr=lr, grad_norm=loss, samples_per_s=9.0
                )
            )
        for event in (*begun, *events, *([finished(counts)] if counts else ())):
            log.append(folder, event)
        return folder


def finished(counts: Sequence[Sequence[int]], **metrics: float) -> RunFinished:
    rows = sum(map(sum, counts))
    accuracy = sum(row[place] for place, row in enumerate(counts)) / rows
    labels = ("negative", "positive", "other")[: len(counts)]
    matrix = Matrix(title="Confusion", labels=labels, counts=tuple(map(tuple, counts)))
    figures = {"accuracy": accuracy, **metrics}
    return RunFinished(metrics=figures, report=(matrix,), step=40, best_step=40, labels=labels)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return written(tmp_path / "data.csv", [(f"it was {word(label)} {i}", label) for i in range(60) for label in LABELS])


LABELS = ("positive", "negative")


def word(label: str) -> str:
    return {"positive": "good", "negative": "awful"}[label]


def written(path: Path, rows: Sequence[tuple[str, ...]], header: str = "text,label") -> Path:
    path.write_text(header + "\n" + "\n".join(",".join(row) for row in rows) + "\n")
    return path


@pytest.fixture
def recorder(words: str, store: Path, data: Path) -> Recorder:
    return Recorder(store, data)


def the_only(folder: RunFolder) -> Finding:
    (finding,) = diagnose(folder).findings
    return finding


def values(finding: Finding) -> dict[str, str]:
    return {one.name: one.value for one in finding.evidence}


def falling(steps: int = 40, last: float = 0.05) -> list[float]:
    return [0.7 * (last / 0.7) ** (step / steps) for step in range(steps)]


SKIPPED = "step {}: the gradient is not finite; the step is skipped"
DIVERGED = RunFailed(kind="RunFailed", message="the loss diverged: no finite gradient in 10 steps up to step 22")


def test_a_learning_rate_that_is_too_high(recorder: Recorder) -> None:
    skipped = [Warned(message=SKIPPED.format(step)) for step in range(13, 23)]
    folder = recorder.run(*skipped, DIVERGED, losses=[0.7, 0.9, 20.0, *[None] * 20], options={"lr": 0.5})

    finding = the_only(folder)
    assert finding.rule == "learning-rate"
    assert finding.what == "the learning rate was too high (0.5): the loss diverged: it is no number any more"
    assert values(finding)["first step without a number"] == "4"
    assert values(finding)["learning rate"] == "0.5"
    assert finding.remedies[0].command.startswith("zoo finetune ")
    assert finding.remedies[0].command.endswith("--lr 5e-05")


def test_a_learning_rate_under_which_all_collapses(recorder: Recorder) -> None:
    folder = recorder.run(losses=[*[0.7] * 4, 3.0, *[0.72] * 30], options={"lr": 0.01}, counts=[[50, 0], [50, 0]])

    finding = the_only(folder)
    assert finding.rule == "learning-rate"
    assert finding.what == "the learning rate was too high (0.01): the loss rose"


def test_a_loss_that_rose_far_above_the_first_and_never_came_back(recorder: Recorder) -> None:
    losses = [2.3, 49.0, 12.0, 25.0, *[3.0] * 30, 2.4, 2.4, 2.4, 2.4]
    lucky = finished([[30, 20], [20, 30]])  # its weights are those of the best of several evaluations
    folder = recorder.run(lucky, losses=losses, options={"lr": 5.0})

    finding = the_only(folder)
    assert (finding.rule, finding.what) == ("learning-rate", "the learning rate was too high (5): the loss rose")
    assert values(finding)["loss"] == "2.3 at first, 49 at most, 2.4 in the end"


def test_the_best_of_many_looks_has_to_be_better_by_more(recorder: Recorder) -> None:
    looks = [EvaluationCompleted(step=step, metrics={"accuracy": 0.6}, rows=100) for step in range(4, 40, 4)]
    looks.append(EvaluationCompleted(step=40, metrics={"accuracy": 0.5}, rows=100))
    folder = recorder.run(*looks, losses=falling(), counts=[[30, 20], [20, 30]])
    assert the_only(folder).rule == "nothing-learnt"

    shutil.rmtree(folder.path)
    steady = [msgspec.structs.replace(look, metrics={"accuracy": 0.61}) for look in looks]
    assert diagnose(recorder.run(*steady, losses=falling(), counts=[[30, 20], [20, 30]])).findings == ()

    shutil.rmtree(folder.path)
    assert diagnose(recorder.run(*looks[:1], losses=falling(), counts=[[30, 20], [20, 30]])).findings == ()


def test_labels_that_are_shuffled(recorder: Recorder) -> None:
    folder = recorder.run(losses=falling(), counts=[[26, 24], [27, 23]])

    finding = the_only(folder)
    assert finding.rule == "nothing-learnt"
    assert "learnt by heart" in finding.what
    assert values(finding)["right answers"] == "49.0% of 100 held-out rows"
    assert values(finding)["the most frequent label alone"] == "50.0%"


def test_one_class(recorder: Recorder, tmp_path: Path) -> None:
    rows = [(f"it was {i}", "negative" if i == 7 else "positive") for i in range(100)]
    path = written(tmp_path / "one.csv", rows)
    folder = recorder.run(losses=falling(), counts=[[0, 1], [0, 49]], path=str(path))

    finding = the_only(folder)
    assert (finding.rule, finding.what) == ("one-class", "nearly all rows have the same label")
    assert values(finding)["labels"] == "positive 99, negative 1"
    assert any("--class-weights auto" in one.command for one in finding.remedies)
    request = json.loads(folder.request_path.read_text())
    folder.request_path.write_text(json.dumps(request | {"verb": "sweep"}))
    log.append(folder, RunFailed(kind="DatasetInvalid", message="the rows have one class only", hint=""))
    assert all(" --" not in one.command for one in diagnose(folder).findings[0].remedies if " sweep " in one.command)


def test_rows_on_both_sides(recorder: Recorder, data: Path, tmp_path: Path) -> None:
    held_out = tmp_path / "eval.csv"
    held_out.write_text("\n".join(data.read_text().splitlines()[:41]) + "\n")
    folder = recorder.run(losses=falling(), counts=[[20, 0], [0, 20]], eval_path=str(held_out))

    finding = the_only(folder)
    assert finding.rule == "leak"
    assert values(finding)["rows on both sides"] == "40 of 40 evaluated on"


def test_inputs_that_hold_their_label(recorder: Recorder, tmp_path: Path) -> None:
    path = written(tmp_path / "told.csv", [(f"{label}: it was {i}", label) for i in range(60) for label in LABELS])
    folder = recorder.run(losses=falling(), counts=[[20, 0], [0, 20]], path=str(path))

    finding = the_only(folder)
    assert finding.rule == "leak"
    assert values(finding)["inputs that hold their label"] == "100%"


def test_a_perfect_figure_at_once_on_many_rows(recorder: Recorder) -> None:
    loaded = DataLoaded(train_rows=900, eval_rows=400)
    first = EvaluationCompleted(step=10, metrics={"accuracy": 1.0}, rows=400)
    folder = recorder.run(loaded, first, losses=falling(), counts=[[200, 0], [0, 200]])

    finding = the_only(folder)
    assert finding.rule == "leak"
    assert values(finding)["at step"] == "10, the first evaluation"


def test_inputs_that_were_cut(recorder: Recorder, tmp_path: Path) -> None:
    long = " ".join(f"word{i}" for i in range(40))
    path = written(tmp_path / "long.csv", [(f"{long} {word(label)}", label) for _ in range(60) for label in LABELS])
    folder = recorder.run(losses=falling(), options={"max_tokens": 8}, counts=[[30, 20], [20, 30]], path=str(path))

    finding = the_only(folder)
    assert finding.rule == "inputs-cut"
    assert finding.what.startswith("inputs were cut after 8 tokens")
    assert "--max-tokens 41" in finding.remedies[0].command


def test_inputs_that_were_cut_explain_more_than_a_rate_that_is_merely_high(recorder: Recorder, tmp_path: Path) -> None:
    long = " ".join(f"word{i}" for i in range(40))
    path = written(tmp_path / "long.csv", [(f"{long} {word(label)}", label) for _ in range(60) for label in LABELS])
    cut = {"max_tokens": 8, "lr": 1e-3}
    folder = recorder.run(losses=falling(), options=cut, counts=[[26, 24], [27, 23]], path=str(path))
    assert the_only(folder).rule == "inputs-cut"

    shutil.rmtree(folder.path)
    folder = recorder.run(losses=[0.7, 9.0, *[0.8] * 30], options=cut, counts=[[26, 24], [27, 23]], path=str(path))
    assert the_only(folder).rule == "learning-rate"  # of which a loss that rose is evidence of its own


def test_a_label_column_that_holds_no_labels(recorder: Recorder, tmp_path: Path) -> None:
    rows = [(f"it was good {i}", f"user-{i}", ("yes", "no")[i % 2]) for i in range(80)]
    path = written(tmp_path / "ids.csv", rows, "text,user,liked")
    folder = recorder.run(losses=falling(), path=str(path), columns={"label": "user"}, counts=[[1, 30], [30, 1]])

    finding = the_only(folder)
    assert (finding.rule, finding.what) == (
        "wrong-column",
        "column user holds hardly a label twice, so that rows have nothing in common",
    )
    assert finding.remedies[0].command.endswith("--label liked")


def test_an_input_column_that_holds_no_texts(recorder: Recorder, tmp_path: Path) -> None:
    rows = [(f"u{i}", f"it was {word(label)} on day {i}", label) for i in range(40) for label in LABELS]
    path = written(tmp_path / "ids.csv", rows, "text,comment,label")
    folder = recorder.run(losses=falling(), path=str(path), counts=[[25, 25], [25, 25]])

    finding = the_only(folder)
    assert (finding.rule, finding.what) == (
        "wrong-column",
        "column text was read as the input, and column comment looks like it",
    )
    assert finding.remedies[0].command.endswith("--input comment")


def test_a_short_input_beside_a_long_one_where_nothing_was_learnt(recorder: Recorder, tmp_path: Path) -> None:
    rows = [
        (f"it was {word(label)} on the day {i}", f"Ann Stone {i % 7}", label) for i in range(40) for label in LABELS
    ]
    path = str(written(tmp_path / "authors.csv", rows, "comment,author,label"))
    folder = recorder.run(losses=falling(), path=path, columns={"input": "author"}, counts=[[25, 25], [25, 25]])
    assert the_only(folder).remedies[0].command.endswith("--input comment")

    shutil.rmtree(folder.path)
    learnt = recorder.run(losses=falling(), path=path, columns={"input": "author"}, counts=[[48, 2], [2, 48]])
    assert diagnose(learnt).findings == ()


def test_a_target_that_numbers_the_rows(recorder: Recorder, tmp_path: Path) -> None:
    rows = [(str(i), f"a flat of {i % 7} rooms", str(100 + i % 7)) for i in range(60)]
    path = str(written(tmp_path / "flats.csv", rows, "id,text,price"))
    figures = RunFinished(metrics={"rmse": 17.0, "r2": -0.1}, step=40, best_step=40)
    folder = recorder.run(figures, losses=falling(), task="text-regression", path=path, columns={"label": "id"})

    finding = the_only(folder)
    assert (finding.rule, finding.what) == ("wrong-column", "column id numbers the rows, which says nothing of them")
    assert finding.remedies[0].command.endswith("--label price")


@pytest.mark.parametrize(
    ("spoil", "r2", "rule"),
    [
        (lambda i, price: price * 1000 if i == 33 else price, -28.5, "far-numbers"),
        (lambda i, price: price if i == 33 else 300, -0.1, "one-class"),
        (lambda i, price: price, 0.99, "leak"),
        (lambda i, price: price, -0.1, "nothing-learnt"),
    ],
)
def test_numbers_that_are_spoilt(spoil: Any, r2: float, rule: str, recorder: Recorder, tmp_path: Path) -> None:
    prices = [100.5 + 3 * (i % 17) for i in range(80)]
    told = rule == "leak"
    rows = [(f"a flat{f' for {price}' if told else ''}", str(spoil(i, price))) for i, price in enumerate(prices)]
    path = str(written(tmp_path / "flats.csv", rows, "text,price"))
    figures = RunFinished(metrics={"rmse": 17.0, "r2": r2}, step=40, best_step=40)
    folder = recorder.run(figures, losses=falling(), task="text-regression", path=path, columns={"label": "price"})

    finding = the_only(folder)
    assert finding.rule == rule
    if rule == "far-numbers":
        assert values(finding)["the first"] == "148500 in row 34"


def test_one_number_far_away_is_left_alone_where_all_was_learnt(recorder: Recorder, tmp_path: Path) -> None:
    rows = [(f"a flat of {i % 17} rooms", str(5000 if i == 33 else 100 + 3 * (i % 17))) for i in range(80)]
    path = str(written(tmp_path / "flats.csv", rows, "text,price"))
    figures = RunFinished(metrics={"rmse": 1.0, "r2": 0.97}, step=40, best_step=40)
    folder = recorder.run(figures, losses=falling(), task="text-regression", path=path, columns={"label": "price"})
    assert diagnose(folder).findings == ()


@pytest.mark.parametrize(("f1", "rules"), [(0.68, ["nothing-learnt"]), (0.95, [])])
def test_sets_of_labels_that_say_nothing_of_their_rows(
    f1: float, rules: list[str], recorder: Recorder, tmp_path: Path
) -> None:
    rows = [(f"it was {i}", "food; rooms" if i % 2 else "food; staff") for i in range(80)]
    path = str(written(tmp_path / "topics.csv", rows))
    loaded = DataLoaded(train_rows=60, eval_rows=60, labels=("food", "rooms", "staff"))
    figures = RunFinished(metrics={"micro_f1": f1, "macro_f1": f1}, step=40, best_step=40)
    task = "text-multi-label-classification"
    folder = recorder.run(loaded, figures, losses=falling(), task=task, path=path)
    assert [one.rule for one in diagnose(folder).findings] == rules


def test_parts_of_rows_may_all_have_the_same_label(recorder: Recorder, tmp_path: Path) -> None:
    path = tmp_path / "names.conll"
    path.write_text("".join(f"Ann\tB-name\ncame\tO\nat\tO\n{i}\tO\n\n" for i in range(40)))
    figures = RunFinished(metrics={"span_f1": 0.9}, step=40, best_step=40)
    folder = recorder.run(figures, losses=falling(), task="token-classification", path=str(path))
    assert diagnose(folder).findings == ()


def test_paths_of_files_give_no_label_away(recorder: Recorder, tmp_path: Path) -> None:
    pictures = pytest.importorskip("PIL.Image")
    for label in LABELS:
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for i in range(20):
            pictures.new("L", (8, 8), i).save(tmp_path / "pictures" / label / f"{i}.png")
    folder = recorder.run(
        losses=falling(), task="image-classification", path=str(tmp_path / "pictures"), counts=[[20, 0], [0, 20]]
    )
    assert "leak" not in [one.rule for one in diagnose(folder).findings]


def test_files_that_cells_hold_themselves_are_not_read_as_text(recorder: Recorder, tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows = [{"text": f"good {i}", "label": "positive", "picture": {"bytes": b"\x89PNG a b c" * 9}} for i in range(9)]
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "rows.parquet")

    record = Record(recorder.run(losses=falling(), path=str(tmp_path / "rows.parquet")))
    assert set(record.columns) == {"text", "label"}


@pytest.mark.parametrize(("held_out", "rules"), [(0.36, ["frozen-body"]), (2.0, [])])
def test_a_frozen_body_whose_loss_fell_by_the_usual_label_alone(
    held_out: float, rules: list[str], recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "names.conll"
    path.write_text("".join(f"Ann\tB-name\ncame\tO\nat\tO\n{i}\tO\n\n" for i in range(40)))
    figures = RunFinished(metrics={"span_f1": 0.11}, step=40, best_step=40)
    judged = EvaluationCompleted(step=40, metrics={"span_f1": 0.11, "loss": held_out}, rows=40)
    folder = recorder.run(
        judged,
        figures,
        losses=[1.1 * 0.9**step + 0.31 for step in range(40)],
        options={"method": "head"},
        trainable=10,
        task="token-classification",
        path=str(path),
    )
    taught = Record(folder).card
    assert taught is not None
    known = msgspec.structs.replace(taught, weights=zoo.Weights(files=(), sources=()))
    monkeypatch.setattr(Record, "card", known)
    assert [one.rule for one in diagnose(folder).findings] == rules


def test_a_frozen_body_of_random_numbers(recorder: Recorder) -> None:
    folder = recorder.run(losses=falling(), options={"method": "head"}, trainable=10, counts=[[43, 7], [7, 43]])
    assert the_only(folder).what.endswith("--method head leaves the body as it is, and it is of random numbers")

    shutil.rmtree(folder.path)
    good = recorder.run(losses=falling(), options={"method": "head"}, trainable=10, counts=[[49, 1], [1, 49]])
    assert diagnose(good).findings == ()

    shutil.rmtree(folder.path)
    told = RunFinished(metrics={"rmse": 1.7, "r2": 0.99}, step=40, best_step=40)
    good = recorder.run(told, losses=falling(), options={"method": "head"}, trainable=10, task="text-regression")
    assert diagnose(good).findings == ()


def test_a_frozen_body_is_not_why_a_run_has_failed(recorder: Recorder) -> None:
    failure = RunFailed(kind="ValueError", message="ValueError: a row is odd")
    judged = EvaluationCompleted(step=40, metrics={"accuracy": 0.5, "loss": 0.7}, rows=100)
    folder = recorder.run(judged, failure, losses=falling(), options={"method": "head"}, trainable=10)
    assert the_only(folder).rule == "error"


def test_a_frozen_body(recorder: Recorder) -> None:
    folder = recorder.run(
        losses=falling(last=0.65), options={"method": "head"}, trainable=10, counts=[[30, 20], [20, 30]]
    )

    finding = the_only(folder)
    assert finding.rule == "frozen-body"
    assert values(finding)["trained"] == "10 of 1.0k parameters (1.0%)"
    assert [shlex.split(one.command)[-2:] for one in finding.remedies] == [["--method", "lora"], ["--method", "full"]]


@pytest.mark.parametrize(
    ("precision", "skipped", "why"),
    [
        ("bf16", range(1, 11), "the data or the weights hold what cannot be computed with"),
        ("fp16", (), "fp16 holds nothing above 65,504"),  # whose losses are scaled: steps are skipped without a word
    ],
)
def test_a_loss_that_is_no_number_from_the_first_step_on(
    precision: str, skipped: Sequence[int], why: str, recorder: Recorder
) -> None:
    warned = [Warned(message=SKIPPED.format(step)) for step in skipped]
    folder = recorder.run(*warned, DIVERGED, options={"lr": 0.001}, precision=precision)

    finding = the_only(folder)
    assert finding.rule == "not-a-number"
    assert why in finding.what
    assert finding.remedies[0].command.endswith("--precision fp32")


@pytest.mark.parametrize(
    "failure",
    [
        RunFailed(kind="OutOfMemoryError", message="OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"),
        RunFailed(kind="RuntimeError", message="RuntimeError: DefaultCPUAllocator: can't allocate memory"),
        RunFailed(kind="RunFailed", message="step 3 runs out of memory with one example computed at once: no"),
        RunFailed(kind="OSError", message="OSError: [Errno 12] Cannot allocate memory"),
        RunFailed(
            kind="ImportError", message="ImportError: libtorch_cuda.so: failed to map segment from shared object"
        ),
    ],
)
def test_memory_that_ran_out(failure: RunFailed, recorder: Recorder) -> None:
    halved = MicroBatchHalved(step=2, micro_batch_size=4, reason="no room")
    folder = recorder.run(halved, failure, losses=falling())

    finding = the_only(folder)
    assert finding.rule == "out-of-memory"
    assert values(finding)["computed at once"] == "4"
    assert finding.remedies[0].command.endswith("--micro-batch-size 1")


def test_what_only_sounds_like_memory(recorder: Recorder) -> None:
    message = "ImportError: libgomp.so.1: cannot allocate memory in static TLS block"
    assert the_only(recorder.run(RunFailed(kind="ImportError", message=message))).rule == "error"


def test_a_worker_that_was_ended_by_its_own_library(recorder: Recorder) -> None:
    folder = recorder.run(losses=falling())
    folder.log_path.write_text("terminate called after throwing an instance of 'std::bad_alloc'\n  what():  aborted\n")

    finding = the_only(folder)
    assert finding.rule == "out-of-memory"
    assert values(finding)["printed last"] == "terminate called after throwing an instance of 'std::bad_alloc'"


def test_a_worker_that_is_gone_in_a_step_that_ran_out_of_memory(recorder: Recorder) -> None:
    halved = MicroBatchHalved(step=41, micro_batch_size=4, reason="no room")
    folder = recorder.run(halved, losses=falling())
    assert values(the_only(folder))["the step before it was gone"] == "ran out of memory"

    shutil.rmtree(folder.path)
    folder = recorder.run(
        halved,
        StepCompleted(step=41, steps=80, epoch=2.0, loss=0.1, lr=1e-4, grad_norm=0.1, samples_per_s=9.0),
        losses=falling(),
    )
    assert the_only(folder).rule == "error"  # which went on with fewer at once

    shutil.rmtree(folder.path)
    folder = recorder.run(halved, EvaluationCompleted(step=40, metrics={}, rows=100), losses=falling())
    assert the_only(folder).rule == "error"  # likewise


def test_memory_that_ran_out_before_anything_was_computed(recorder: Recorder) -> None:
    folder = recorder.run(RunFailed(kind="MemoryError", message="MemoryError: no message"))
    events = [event for event in log.read_events(folder)[0] if not isinstance(event, RunPlanned)]
    folder.events_path.unlink()
    for event in events:
        log.append(folder, event)

    finding = the_only(folder)
    assert finding.what == "memory ran out before the first step: what is loaded takes more than there is"
    assert [one.command for one in finding.remedies] == ["zoo devices"]


def test_a_disk_that_was_full(recorder: Recorder) -> None:
    message = "the disk of /data is full: 0.1 MB of 10.0 GB are free"
    folder = recorder.run(RunFailed(kind="StoreInvalid", message=message), losses=falling())

    finding = the_only(folder)
    assert finding.rule == "disk-full"
    commands = [one.command for one in finding.remedies]
    assert commands == ["zoo cache prune", "zoo rm words", "zoo resume spoilt"]


def test_too_many_epochs(recorder: Recorder) -> None:
    evaluations = [
        EvaluationCompleted(step=step, metrics={"accuracy": 0.8, "loss": loss}, rows=100)
        for step, loss in ((10, 0.5), (20, 0.6), (30, 0.8), (40, 1.1))
    ]
    folder = recorder.run(*evaluations, losses=falling(last=0.01), counts=[[40, 10], [10, 40]])

    finding = the_only(folder)
    assert finding.rule == "overfitted"
    assert values(finding)["loss on held out rows"] == "0.5 at step 10, 1.1 in the end"
    assert finding.remedies[0].command.endswith("--epochs 1")


def test_a_loss_that_rose_while_answers_went_on_improving_is_left_alone(recorder: Recorder) -> None:
    evaluations = [
        EvaluationCompleted(step=step, metrics={"accuracy": accuracy, "loss": loss}, rows=100)
        for step, accuracy, loss in ((10, 0.76, 0.5), (20, 0.77, 0.6), (30, 0.79, 0.8), (40, 0.79, 0.85))
    ]
    folder = recorder.run(*evaluations, losses=falling(last=0.01), counts=[[40, 10], [11, 39]])
    assert diagnose(folder).findings == ()


def test_any_other_error_is_told_with_its_advice(recorder: Recorder) -> None:
    failure = RunFailed(kind="ValueError", message="ValueError: told to fail", hint="ask")
    folder = recorder.run(failure, losses=falling())

    finding = the_only(folder)
    assert (finding.rule, finding.what) == ("error", "the run has failed")
    assert values(finding)["advice"] == "ask"
    assert finding.remedies[0].command == "zoo logs spoilt"


def test_sound_runs_are_left_alone(recorder: Recorder, words: str, store: Path) -> None:
    assert diagnose(RunFolder(store / "runs" / words)).findings == ()
    draw = random.Random(0)
    noisy = [loss * draw.uniform(0.8, 1.2) for loss in falling(last=0.3)]
    evaluations = [
        EvaluationCompleted(step=step, metrics={"accuracy": 0.86, "loss": loss}, rows=100)
        for step, loss in ((10, 0.45), (20, 0.37), (30, 0.36), (40, 0.38))
    ]
    folder = recorder.run(*evaluations, losses=noisy, options={"lr": 2e-3}, counts=[[43, 7], [7, 43]])
    assert diagnose(folder).findings == ()
    shutil.rmtree(folder.path)
    few = recorder.run(losses=falling(last=0.4), counts=[[2, 2], [2, 2]])  # nobody can tell from eight rows
    assert diagnose(few).findings == ()


def test_the_command(recorder: Recorder, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    recorder.run(losses=falling(), counts=[[26, 24], [27, 23]])

    assert main(["why", "spoilt"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert out.startswith("spoilt (finished): nothing was learnt that holds for other rows; ")
    assert "\nwhat to do:\n  zoo data inspect " in out

    assert main(["why", "spoilt", "--json"]) == ExitCode.OK
    document = json.loads(capsys.readouterr().out)
    assert document["findings"][0]["rule"] == "nothing-learnt"

    assert main(["why", words]) == ExitCode.OK
    assert capsys.readouterr().out.startswith("words (finished): nothing wrong was found\n  looked at ")

    assert main(["why", "nowhere"]) == ExitCode.USAGE
    assert "there is no run 'nowhere'" in capsys.readouterr().err


def test_other_commands_point_to_it(recorder: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    failure = RunFailed(kind="ValueError", message="ValueError: told to fail", hint="ask")
    shutil.rmtree(recorder.run(failure, losses=falling()).model_folder)

    assert main(["show", "spoilt"]) == ExitCode.USAGE
    err = capsys.readouterr().err
    assert "error: run spoilt has failed and made no model: ValueError: told to fail" in err
    assert "hint: zoo why spoilt tells more" in err
    assert main(["logs", "spoilt"]) == ExitCode.OK
    assert "zoo why spoilt says what may be done" in capsys.readouterr().err
    assert zoo.open_run("spoilt").why().findings[0].rule == "error"
    assert "<table" in zoo.open_run("spoilt").why()._repr_html_()


def test_data_that_are_gone_cost_no_more_than_what_they_would_say(recorder: Recorder, data: Path) -> None:
    folder = recorder.run(losses=falling(), counts=[[26, 24], [27, 23]])
    data.unlink()

    diagnosis: Diagnosis = diagnose(folder)
    assert [finding.rule for finding in diagnosis.findings] == ["nothing-learnt"]
    assert diagnosis.looked_at.endswith("not its data, which cannot be read any more")
