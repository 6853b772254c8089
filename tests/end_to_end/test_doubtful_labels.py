"""`zoo data inspect --labels`: labels that were flipped on purpose are found."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

import zoo
from tests.echo_runs import until
from zoo.blocks import Table
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.jobs import Job, Place
from zoo.requests import request_of
from zoo.runs import store
from zoo.runs.attempt import Worker
from zoo.runs.events import RunFinished
from zoo.runs.inspecting.doubtful_labels import FILE
from zoo.runs.inspecting.job import inspect_labels
from zoo.sources import Source

pytest.importorskip("zoo_resnet")
pytest.importorskip("sklearn")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("shared_store")]

ROWS, FLIPPED = 900, 45


def is_flipped(number: int) -> bool:
    return number % (ROWS // FLIPPED) == 7


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real handwritten digits; the label of one in twenty is that of another digit."""
    from PIL import Image
    from sklearn.datasets import load_digits

    folder, data = tmp_path_factory.mktemp("digits"), load_digits()
    lines = ["file_name,label"]
    for number, (pixels, label) in enumerate(zip(data.images[:ROWS], data.target[:ROWS], strict=True)):
        Image.fromarray((pixels * (255 / 16)).round().astype("uint8")).save(folder / f"{number}.png")
        lines.append(f"{number}.png,{(label + 3 + number % 5) % 10 if is_flipped(number) else label}")
    path = folder / "digits.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def model(digits: Path, shared_store: Path) -> str:
    """A network that learnt for a moment from these very rows, wrong labels included."""
    options = {"image_size": 8, "flip": False, "batch_size": 32, "max_steps": 80, "eval_steps": 80}
    return (
        zoo.finetune("resnet10-32px", digits, name="digits", device="cpu", precision="fp32", **options)
        .wait(progress=False)
        .name
    )


def flipped_among(rows: list[int]) -> float:
    """Share of the flipped rows among as many rows listed."""
    return sum(is_flipped(row - 1) for row in rows[:FLIPPED]) / FLIPPED


def test_flipped_labels_are_listed_and_written(
    model: str, digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "doubtful.csv"
    command = ["data", "inspect", str(digits), "--labels", model, "--out", str(out), "--device", "cpu"]
    assert main([*command, "--json"]) == ExitCode.OK
    answer = json.loads(capsys.readouterr().out)

    listed = answer["doubtful_labels"]
    assert flipped_among([one["row"] for one in listed]) >= 0.6
    assert list(listed[0]) == ["row", "input", "label", "proposed", "label_probability", "proposed_probability"]
    assert listed[0]["label"] != listed[0]["proposed"]
    assert listed[0]["label_probability"] < listed[0]["proposed_probability"]
    with out.open() as file:
        written = list(csv.DictReader(file))
    assert [int(row["row"]) for row in written] == [one["row"] for one in listed]
    run = zoo.open_run(answer["run"])
    assert [one.row for one in run.doubtful_labels] == [one["row"] for one in listed]
    assert 0.02 < run.metrics["doubtful"] < 0.2
    assert run.metrics["agreement"] > 0.7
    assert any("was trained on" in warning for warning in run.snapshot.warnings)
    (table,) = (block for block in run.report if isinstance(block, Table))
    assert table.headers == ("label", "proposed", "rows")
    until(lambda: not (run.folder.path / "vectors").exists())
    assert ".png" not in run.folder.events_path.read_text()

    assert main(["attach", run.name]) == ExitCode.OK
    shown = capsys.readouterr()
    assert "proposed  probability" in shown.out
    assert f"all of them, the most doubtful first: {out}" in shown.err


@dataclass
class Stopping(Worker):
    """A worker that is asked to stop once it has read the first rows."""

    def should_stop(self) -> bool:
        return (self.folder.path / "vectors" / "0.npy").exists()


def test_a_picture_that_cannot_be_read_is_set_aside(model: str, digits: Path) -> None:
    header, *lines = digits.read_text().splitlines()[:41]
    broken = digits.parent / "broken.png"
    broken.write_bytes((digits.parent / "0.png").read_bytes()[:-30])
    data = digits.parent / "broken.csv"
    data.write_text("\n".join([header, *lines, "broken.png,1"]) + "\n")
    place = Place(device="cpu", precision="fp32")
    request = request_of(Job(verb="inspect", model=model, source=Source(data=str(data)), place=place))
    folder = store.create(request)
    with pytest.raises(zoo.RunCancelled):
        inspect_labels(Stopping(folder, request, 0, 1))
    inspect_labels(Worker(folder, request, 0, 1))
    (row,) = map(json.loads, folder.quarantine_path.read_text().splitlines())
    assert (row["file"], row["row"]) == (str(broken), 41)


def test_it_goes_on_where_it_was(model: str, digits: Path) -> None:
    job = Job(
        verb="inspect",
        model=model,
        source=Source(data=str(digits)),
        place=Place(device="cpu", precision="fp32"),
    )
    request = request_of(job)
    folders = [store.create(msgspec.structs.replace(request, name=name)) for name in ("whole", "stopped")]
    whole = inspect_labels(Worker(folders[0], folders[0].request, 0, 1))
    assert isinstance(whole, RunFinished)

    with pytest.raises(zoo.RunCancelled):
        inspect_labels(Stopping(folders[1], folders[1].request, 0, 1))
    assert [path.name for path in (folders[1].path / "vectors").iterdir()] == ["0.npy"]
    again = inspect_labels(Worker(folders[1], folders[1].request, 0, 1))

    assert isinstance(again, RunFinished)
    assert again.metrics == whole.metrics
    assert (folders[0].path / FILE).read_bytes() == (folders[1].path / FILE).read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--labels", "resnet10-32px"], "resnet10-32px has learnt nothing yet"),
        (["--labels", "digits", "--model", "digits"], "--model and --labels do not go together"),
        (["--labels", "digits", "--eval", "x.csv"], "--eval and --labels do not go together"),
        (["--labels", "digits", "--task", "object-detection"], "object-detection has no labels of whole inputs"),
        (["--labels", "digits", "--out", "doubtful.xlsx"], "doubtful.xlsx"),
        (["--labels", "nowhere"], "nowhere"),
        (["--out", "doubtful.csv"], "--out is for --labels"),
    ],
)
def test_what_cannot_be_looked_at_is_one_line(
    model: str, digits: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "inspect", str(digits), *words]) in (ExitCode.USAGE, ExitCode.DATA)
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_too_few_rows_are_told(model: str, digits: Path, tmp_path: Path) -> None:
    few = digits.with_name("few.csv")
    few.write_text("\n".join(digits.read_text().splitlines()[:13]) + "\n")
    with pytest.raises(zoo.DatasetInvalid, match="12 rows that can be judged by one another, and 20 are needed"):
        zoo.inspect_labels(model, few, device="cpu", name="few")
    assert "few" not in [run.name for run in zoo.list_runs()]


def test_a_model_that_knows_little_of_the_labels_is_told_with_its_agreement(model: str, digits: Path) -> None:
    header, *lines = digits.read_text().splitlines()[:201]
    shuffled = digits.with_name("shuffled.csv")
    of_others = [f"{line.partition(',')[0]},{number * 7 % 10}" for number, line in enumerate(lines)]
    shuffled.write_text("\n".join([header, *of_others]) + "\n")
    place = Place(device="cpu", precision="fp32")
    warnings = []
    for data in (shuffled, digits):
        request = request_of(Job(verb="inspect", model=model, source=Source(data=str(data)), place=place))
        folder = store.create(request)
        inspect_labels(Worker(folder, request, 0, 1))
        warnings.append([one for one in zoo.open_run(folder.name).snapshot.warnings if "this list is weak" in one])

    ((weak,), sure) = warnings
    assert sure == []
    assert "of the rows have the label that they are given, and 10.0% have the most frequent one" in weak
