"""A task, an answer and a judge of another distribution are trained for, judged and shown like those of zoo."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import zoo
from tests.plugin_site import Site, card, new_site, plugin
from tests.plugin_site import zoo as command
from tests.tui.driving import Driver, scenario, shows
from zoo.cli.exit_codes import ExitCode
from zoo.run_messages import status_line
from zoo.tasks import get_task

pytestmark = pytest.mark.slow

TASK = """
import zoo

class Caller(zoo.Answer, frozen=True):
    animal: str
    sureness: float

    def checked(self, labels):
        if self.sureness > 1:
            raise zoo.InvalidAnswer(f"sureness {self.sureness}", "nobody is surer than sure")
        return self

    def severity(self, target):
        return None if self.animal == target else self.sureness

class HitRate:
    def __init__(self, labels):
        self.labels, self.hits, self.rows = labels, 0, 0

    def add(self, target, answer):
        self.hits, self.rows = self.hits + (answer.animal == target), self.rows + 1

    def merge(self, other):
        self.hits, self.rows = self.hits + other.hits, self.rows + other.rows

    def compute(self):
        return {"misses": float(self.rows - self.hits), "hit_rate": self.hits / self.rows} if self.rows else {}

    def report(self):
        return (zoo.Paragraph(title="Hits", text=f"{self.hits} of {self.rows} callers were known"),)

TASK = zoo.Task(
    name="caller-identification", summary="tell who calls", input=zoo.TEXT, target=zoo.LABEL, answer=Caller,
    columns={"input": ("call",), "label": ("animal",)}, judge=f"{__name__}:HitRate", primary_metric="hit_rate",
    example={"call": "woof", "animal": "dog"}, formats=("CSV",),
)
"""
MODEL = """
import json
from task_callers import Caller, HitRate

class Memory:
    def __init__(self, known=None):
        self.known = known or {}

    def fit(self, run):
        run.report_plan(steps=1, epochs=1, batch_size=len(run.train))
        self.known = {example.input: example.target for example in run.train}
        run.model_folder.mkdir(exist_ok=True)
        (run.model_folder / "known.json").write_text(json.dumps(self.known))
        judge = HitRate(run.labels)
        for example, answer in zip(run.eval, self.predict([example.input for example in run.eval])):
            if isinstance(answer, Caller):
                judge.add(example.target, answer)
        run.report_evaluation(1, judge.compute(), best=True)
        return zoo.FitResult(step=1, metrics=judge.compute(), report=judge.report(), labels=run.labels)

    def predict(self, inputs):
        return [self.answer(text) for text in inputs]

    def answer(self, text):
        if text == "silence":
            return zoo.Rejected("nobody calls")
        return Caller(self.known.get(text, "owl"), 2.0 if text == "boast" else 0.9 if text in self.known else 0.25)

@zoo.hookimpl
def finetune(run):
    return Memory()

@zoo.hookimpl
def predict(run):
    return Memory(json.loads((run.weights / "known.json").read_text()))
"""
CPU = {"device": "cpu", "precision": "fp32"}
FLAGS = ("--device", "cpu", "--precision", "fp32")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with new_site(tmp_path / "site", monkeypatch) as site:
        site.install("caller-identification", TASK, distribution="task-callers", group="zoo.tasks")
        name = repr("caller-identification")
        options = f"task={name}, options=zoo.DataOptions"
        abilities = f"(zoo.Ability(verb='finetune', {options}), zoo.Ability(verb='predict', task={name}))"
        site.install("memory", plugin(card("memory", task=name, abilities=abilities), more=MODEL))
        yield site
    get_task.cache_clear()


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return written(tmp_path / "calls.csv", [("woof", "dog"), ("meow", "cat"), ("hoo", "owl"), ("bark", "dog")])


@pytest.fixture
def heard(tmp_path: Path) -> Path:
    """Calls to judge by: two wrong, the surer one later, and one that cannot be answered."""
    return written(
        tmp_path / "heard.csv", [("howl", "dog"), ("meow", "cat"), ("silence", "cat"), ("woof", "cat"), ("hoo", "owl")]
    )


def written(path: Path, rows: list[tuple[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("call", "animal"), *rows])
    return path


@scenario(size=(100, 30))
async def test_a_training_shows_its_figure_and_what_is_wrong(
    pilot: Driver, site: Site, calls: Path, heard: Path
) -> None:
    run = zoo.finetune("memory", calls, eval_data=heard, name="mine", **CPU).wait(timeout_s=60, progress=False)

    assert run.status == "finished", run.snapshot.error
    assert next(iter(run.metrics)) == "hit_rate", "the primary metric comes first, wherever the judge puts it"
    assert "hit_rate 0.500" in status_line(run.snapshot)
    assert "hit_rate 0.5" in command("runs").stdout
    assert [(mistake.row, mistake.target, mistake.prediction.animal) for mistake in run.mistakes] == [
        (4, "cat", "dog"),
        (1, "dog", "owl"),
    ]
    assert "hit_rate" in (run.folder.model_folder / "README.md").read_text()

    with pytest.raises(zoo.PluginBroken, match=r"plugin memory answered with sureness 2\.0") as broken:
        run.model.predict("boast")
    assert broken.value.hint.startswith("nobody is surer than sure")

    await pilot.press("2")
    await shows(pilot, "mine finetune memory finished hit_rate 0.5")
    await pilot.press("enter")
    await shows(pilot, "Hits", "2 of 4 callers were known")
    await pilot.press("w")
    await shows(pilot, "2 rows answered wrongly, the worst first", "row 4: cat, taken for", '"animal":"dog"')


def test_it_is_judged_and_answers_in_every_form(site: Site, calls: Path, heard: Path, tmp_path: Path) -> None:
    zoo.finetune("memory", calls, eval_data=calls, name="mine", **CPU).wait(timeout_s=60, progress=False)
    wrong, answers = tmp_path / "wrong.csv", tmp_path / "answers.csv"
    judged = command("evaluate", "mine", "--data", str(heard), "--errors", str(wrong), *FLAGS)
    spoken = command("predict", "mine", "woof", *FLAGS)
    as_json = command("predict", "mine", "woof", "silence", "--json", *FLAGS)
    filed = command("predict", "mine", "--file", str(heard), "--out", str(answers), *FLAGS)

    assert [done.returncode for done in (judged, spoken, as_json, filed)] == [ExitCode.OK] * 4, judged.stderr
    assert "hit_rate 0.5000  misses 2.0000" in judged.stdout
    assert "2 of 4 callers were known" in judged.stdout
    assert "wrong: 2 rows, the worst first" in judged.stderr
    with wrong.open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [(line["row"], line["label"], line["input"]) for line in table] == [
        ("4", "cat", "woof"),
        ("1", "dog", "howl"),
    ]
    assert json.loads(table[0]["prediction"]) == {"animal": "dog", "sureness": 0.9}
    assert "animal" in spoken.stdout
    assert "dog" in spoken.stdout
    assert "truncated_at" not in spoken.stdout
    answer, rejection = (json.loads(line)["prediction"] for line in as_json.stdout.splitlines())
    assert answer == {"type": "caller", "animal": "dog", "sureness": 0.9}
    assert rejection == {"type": "rejected", "reason": "nobody calls"}
    with answers.open(newline="") as file:
        assert [line["rejected"] for line in csv.DictReader(file)] == ["", "", "nobody calls", "", ""]
