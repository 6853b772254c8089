"""`zoo audit`: a model that was overfitted gives its rows away, and one that never saw them does not."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

import zoo
from tests.echo_runs import until
from zoo.blocks import Paragraph, Table
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode

pytest.importorskip("zoo_bert")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("shared_store")]

CPU = {"device": "cpu", "precision": "fp32"}
WORDS = (
    "parcel",
    "courier",
    "monday",
    "late",
    "money",
    "lamp",
    "broken",
    "screen",
    "crash",
    "login",
    "my",
    "is",
    "the",
)


def write_rows(path: Path, rows: int, seed: int) -> Path:
    """Texts whose labels are drawn: nothing can be learnt but the rows themselves."""
    draw = random.Random(seed)
    lines = (f"{' '.join(draw.sample(WORDS, 8))},{draw.choice('ab')}\n" for _ in range(rows))
    path.write_text("text,label\n" + "".join(lines))
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("rows") / "rows.csv", 96, seed=1)


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("others") / "others.csv", 120, seed=2)


@pytest.fixture(scope="module")
def overfitted(data: Path, shared_store: Path) -> str:
    """The name of a model that knows its rows by heart."""
    options = {"epochs": 40.0, "lr": 3e-3, "batch_size": 24, "max_tokens": 16, "eval_share": 0.3, "eval_steps": 1000}
    return zoo.finetune("bert-tiny", data, name="by-heart", **CPU, **options).wait(progress=False).name


def table_of(run: zoo.Run) -> dict[tuple[str, str], tuple[float, ...]]:
    (table,) = (block for block in run.report if isinstance(block, Table))
    assert table.headers[:6] == ("attack", "figure", "value", "low", "high", "by chance")
    return {(str(row[0]), str(row[1])): tuple(float(cell or 0) for cell in row[2:]) for row in table.rows}


def words_of(run: zoo.Run) -> str:
    return " ".join(block.text for block in run.report if isinstance(block, Paragraph))


def test_rows_that_were_learnt_by_heart_are_found(overfitted: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The run says which rows it learnt from, and which it held out; stopped, it goes on at the shadow it was at."""
    command = ["audit", overfitted, "--shadows", "4", "--device", "cpu", "--name", "found"]
    assert main([*command, "--detach", "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out) == {"run": "found"}
    run = zoo.open_run("found")
    until(lambda: any(note.startswith("shadow 2 of 4") for note in run.snapshot.notes))
    run.stop()
    until(lambda: run.status in ("cancelled", "finished"))
    if run.status == "cancelled":  # it may have been faster
        run.resume()
    run.wait(progress=False)

    assert len([event for event in run.events() if getattr(event, "message", "").startswith("shadow 1 of 4")]) == 1
    assert list(run.metrics) == ["advantage", "auc", "loss_advantage", "loss_auc"]
    table = table_of(run)
    assert list(table) == [(attack, figure) for attack in ("loss", "LiRA") for figure in ("advantage", "AUC")]
    value, low, high, chance = table["loss", "AUC"]
    assert chance == 0.5 < low <= value <= high
    assert "The attack by its loss finds rows that by-heart learnt from" in words_of(run)
    value, low, high, _ = table["LiRA", "AUC"]
    assert 0 <= low <= value <= high <= 1
    assert "29 others are too few to say how many are found at 1% false alarms" in words_of(run)
    assert "by the likelihood ratio of shadows" in words_of(run)
    assert "67 rows that it learnt from, 29 that it did not" in run.snapshot.notes
    until(lambda: not (run.folder.path / "shadows").exists())


def test_a_model_that_has_learnt_next_to_nothing_does_not_give_its_rows_away(
    shared_store: Path, others: Path, tmp_path: Path
) -> None:
    texts = others.read_text().splitlines()
    (tmp_path / "never.csv").write_text("\n".join(texts[:61]) + "\n")
    (tmp_path / "neither.csv").write_text("\n".join([texts[0], *texts[61:]]) + "\n")
    options = {"max_steps": 1, "max_tokens": 16, "eval_share": 0.0}
    fresh = zoo.finetune("bert-tiny", tmp_path / "never.csv", name="fresh", **CPU, **options).wait(progress=False)

    run = zoo.audit(fresh, held_out=tmp_path / "neither.csv", device="cpu").wait(progress=False)

    assert "does not find rows that fresh learnt from" in words_of(run)
    assert table_of(run)["loss", "AUC"][1] <= 0.5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["by-heart", "--shadows", "3"], "--shadows is 3, but each row is in one of two halves"),
        (["bert-tiny"], "has learnt nothing yet"),
        (["by-heart", "--data", "nowhere.csv"], "nowhere.csv"),
        (["all-minilm-l6-v2"], "all-minilm-l6-v2"),
    ],
)
def test_what_cannot_be_audited_is_one_line(
    overfitted: str, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", *words]) in (ExitCode.USAGE, ExitCode.DATA)
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_rows_that_have_changed_are_not_audited(overfitted: str, data: Path) -> None:
    """Without them nobody knows what the model learnt from."""
    before = data.read_text()
    try:
        data.write_text(before + "one more,a\n")
        with pytest.raises(zoo.ZooError, match="is no longer what the run of by-heart learnt from") as refused:
            zoo.audit(overfitted, device="cpu")
    finally:
        data.write_text(before)
    assert refused.value.hint == "name them: --data LEARNT --held-out OTHERS"
