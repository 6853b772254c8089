"""What can be chosen for an ability is one set of three owners: the engine, the model's family and the task.

The task here is one of another distribution, with options of its own; so are the models that have them or have not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.plugin_site import Site, card, new_site, plugin
from tests.plugin_site import zoo as command
from zoo.ability_options import option_set, parse_recorded
from zoo.card import VERBS
from zoo.catalog import Catalog
from zoo.cli.exit_codes import ExitCode
from zoo.options import schema
from zoo.tasks import BUILT_IN, OPTION_NAMES, get_task, option_names
from zoo.tasks.options import GenerationOptions, Text2TextOptions

TASK = """
from typing import Annotated
import zoo

class Volume(zoo.Answer, frozen=True):
    loud: float

class Learning(zoo.Options, frozen=True, kw_only=True):
    margin: Annotated[float, zoo.option("Least distance of two volumes.", ge=0, le=1, unit="dB")] = 0.5
    floor: Annotated[float, zoo.option("Volume of silence.", ge=0, le=1, advanced=True)] = 0.1

    def check(self):
        if self.floor > self.margin:
            raise zoo.OptionInvalid(f"--floor is {self.floor:g}, above the --margin of {self.margin:g}", "lower it")

class Asking(zoo.Options, frozen=True, kw_only=True):
    gain: Annotated[float, zoo.option("What volumes are multiplied by.", gt=0, le=10)] = 1.0

TASK = zoo.Task(
    name="loudness", summary="say how loud a word is", input=zoo.TEXT, target=zoo.NUMBER, answer=Volume,
    primary_metric="loss", larger_is_better=False, example={"text": "boo", "score": "0.5"}, formats=("CSV",),
    finetune_options=Learning, predict_options=Asking,
)
"""
MODEL = """
import json
from typing import Annotated
import msgspec

class Fit(zoo.FinetuneOptions, frozen=True, kw_only=True):
    attempts: Annotated[int, zoo.option("How often it is begun.", ge=1, le=2)] = 1

class Ask(zoo.Options, frozen=True, kw_only=True):
    with_task_options = True
    shift: Annotated[float, zoo.option("What is added.", ge=0, le=9)] = 0.0

class Ear:
    def __init__(self, run):
        self.options = run.options

    def fit(self, run):
        begun = run.folder / "begun"
        if self.options.attempts == 2 and not begun.exists():
            begun.touch()
            return zoo.FitResult(step=0, cancelled=True)
        run.model_folder.mkdir()
        (run.model_folder / "learnt.json").write_text(json.dumps(msgspec.to_builtins(self.options)))
        return zoo.FitResult(step=1)

    def predict(self, inputs):
        from zoo_loudness import Volume
        return [Volume(len(text) * self.options.gain + self.options.shift) for text in inputs]

@zoo.hookimpl
def finetune(run):
    return Ear(run)

@zoo.hookimpl
def predict(run):
    return Ear(run)
"""
CPU = {"device": "cpu", "precision": "fp32"}
FLAGS = ("--device", "cpu", "--precision", "fp32")


def abilities(*entries: tuple[str, str, str]) -> str:
    """The text of abilities: verb, task and name of the option set of each."""
    return f"({''.join(f'zoo.Ability(verb={v!r}, task={t!r}, options={options}), ' for v, t, options in entries)})"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with new_site(tmp_path / "site", monkeypatch) as site:
        site.install("loudness", TASK, group="zoo.tasks")
        both = abilities(
            ("finetune", "loudness", "Fit"), ("finetune", "text-regression", "Fit"), ("predict", "loudness", "Ask")
        )
        alone = abilities(("finetune", "loudness", "zoo.DataOptions"), ("predict", "loudness", "zoo.Options"))
        cards = [card(name, task="'loudness'", abilities=text) for name, text in (("ear", both), ("deaf", alone))]
        site.install("ear", plugin(*cards, more=MODEL))
        yield site
    get_task.cache_clear()


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("text,score\n" + "".join(f"word {i},{i}.5\n" for i in range(20)))
    return path


def names(model: str, verb: str, task: str) -> list[str]:
    return [one.name for one in schema(option_set(Catalog.load().resolve(model).ability(verb, task)))]


def test_the_three_owners_are_one_set(site: Site) -> None:
    engine = [one.name for one in schema(zoo.FinetuneOptions)]

    assert names("ear", "finetune", "loudness") == [*engine, "attempts", "margin", "floor"]
    assert names("ear", "finetune", "text-regression") == [*engine, "attempts"]
    assert names("ear", "predict", "loudness") == ["shift", "gain"]
    ability = Catalog.load().resolve("ear").ability("finetune", "loudness")
    assert issubclass(option_set(ability), ability.options)


def test_a_model_that_does_not_read_them_has_none_of_the_task(site: Site) -> None:
    assert names("deaf", "finetune", "loudness") == [one.name for one in schema(zoo.DataOptions)]
    assert names("deaf", "predict", "loudness") == []


@pytest.mark.slow
def test_the_command_line_shows_them(site: Site) -> None:
    helped = command("finetune", "ear", "--task", "loudness", "--help")
    lines = command("show", "ear").stdout.splitlines()
    described = json.loads(command("show", "ear", "--json").stdout)
    task = command("tasks", "loudness").stdout
    task_described = json.loads(command("tasks", "loudness", "--json").stdout)

    assert "--margin X" in helped.stdout
    assert "--floor" not in helped.stdout, "few people need it"
    start = lines.index("finetune (loudness)")
    assert [line.split()[0] for line in lines[start + 1 : start + 3]] == ["--margin", "--floor"]
    assert "  --gain               What volumes are multiplied by. (0 < gain <= 10; default: 1.0)" in lines
    by_task = {(one["verb"], one["task"]): one["options"] for one in described["abilities"]}
    assert [one["name"] for one in by_task["predict", "loudness"]] == ["shift", "gain"]
    assert "  options    --margin, --floor (finetune); --gain (predict)\n" in task
    assert [one["name"] for one in task_described["options"]["finetune"]] == ["margin", "floor"]


@pytest.mark.slow
def test_a_training_and_a_prediction_read_them(site: Site, rows: Path) -> None:
    words = ("--task", "loudness", "--data", str(rows), "--name", "typed", "--margin", "0.75", *FLAGS)
    typed = command("finetune", "ear", *words)
    called = zoo.finetune("ear", rows, task="loudness", name="called", floor=0.25, **CPU)
    called.wait(timeout_s=60, progress=False)

    assert typed.returncode == ExitCode.OK, typed.stderr
    learnt = [
        json.loads((zoo.open_run(n).folder.model_folder / "learnt.json").read_text()) for n in ("typed", "called")
    ]
    assert [(one["margin"], one["floor"], one["attempts"]) for one in learnt] == [(0.75, 0.1, 1), (0.5, 0.25, 1)]
    assert "| margin | 0.75 |" in (zoo.open_run("typed").folder.model_folder / "README.md").read_text()
    assert zoo.load("typed", gain=2, shift=1).predict("boo").loud == 7.0
    spoken = command("predict", "typed", "boo", "--gain", "3", "--json", *FLAGS)
    assert json.loads(spoken.stdout)["prediction"]["loud"] == 9.0


def test_rules_of_a_task_hold_before_a_run_exists(site: Site, rows: Path, store: Path) -> None:
    for options, message in (
        ({"margin": 0.05}, "--floor is 0.1, above the --margin of 0.05"),
        ({"margin": 2}, "--margin is 2, but takes a number from 0 to 1 (dB)"),
        ({"batch_size": 4, "micro_batch_size": 8}, "--micro-batch-size is 8, more than a batch of 4 holds"),
    ):
        with pytest.raises(zoo.OptionInvalid, match=re.escape(message)):
            zoo.finetune("ear", rows, task="loudness", **CPU, **options)
    assert list(store.glob("runs/*")) == []


@pytest.mark.slow
def test_an_option_of_another_task_names_that_task(site: Site, rows: Path) -> None:
    hint = "loudness has it, text-regression has not; --task chooses the task"
    with pytest.raises(zoo.OptionInvalid, match="there is no option 'margin'") as refused:
        zoo.finetune("ear", rows, task="text-regression", margin=0.5, **CPU)
    typed = command("finetune", "ear", "--task", "text-regression", "--data", str(rows), "--margin", "0.5")

    assert refused.value.hint == hint
    assert typed.stderr == f"error: there is no option '--margin'\nhint: {hint}\n"


def test_a_task_of_zoo_has_options_where_they_mean_something() -> None:
    options = {(task, verb): of_task(task, verb) for task in BUILT_IN for verb in VERBS}

    assert {key: names for key, names in options.items() if names} == {
        ("text-classification", "finetune"): ["class_weights"],
        ("text-classification", "predict"): ["top_k"],
        ("text-multi-label-classification", "predict"): ["top_k", "threshold"],
        ("token-classification", "predict"): ["probabilities", "raw_spans"],
        ("fill-mask", "pretrain"): ["mask_probability"],
        ("fill-mask", "predict"): ["top_k"],
        ("feature-extraction", "pretrain"): ["mask_probability"],
        ("text-generation", "predict"): list(GenerationOptions.__struct_fields__),
        ("zero-shot-classification", "predict"): ["labels", "template"],
        ("question-answering", "predict"): ["top_k", "max_answer_tokens", "stride", "no_answer"],
        ("text2text-generation", "predict"): list(Text2TextOptions.__struct_fields__),
        ("image-classification", "finetune"): ["class_weights"],
        ("image-classification", "predict"): ["top_k"],
        ("image-multi-label-classification", "predict"): ["top_k", "threshold"],
        ("image-feature-extraction", "pretrain"): ["temperature"],
        ("zero-shot-image-classification", "predict"): ["labels", "template"],
        ("object-detection", "predict"): ["threshold", "nms", "top_k"],
        ("image-segmentation", "finetune"): ["loss"],
        ("image-segmentation", "predict"): ["probabilities"],
        ("audio-classification", "finetune"): ["class_weights"],
        ("audio-classification", "predict"): ["top_k"],
        ("automatic-speech-recognition", "finetune"): ["normalizer"],
    }
    for task in ("text-generation", "text2text-generation"):
        assert option_names(task, "predict") == set(options.pop((task, "predict")))
        assert {option_names(task, verb) for verb in ("pretrain", "finetune")} == {frozenset()}
    assert {name for names in options.values() for name in names} == OPTION_NAMES


def of_task(name: str, verb: str) -> list[str]:
    return [one.name for one in schema(get_task(name).options[verb])]


@pytest.mark.slow
def test_a_run_that_has_written_down_an_option_of_another_task_goes_on(site: Site, rows: Path) -> None:
    """As every fine-tuning of version 0.1 did, whatever its task."""
    run = zoo.finetune("ear", rows, task="text-regression", attempts=2, **CPU)
    with pytest.raises(zoo.RunCancelled):
        run.wait(timeout_s=60, progress=False)
    path = run.folder.path / "run.json"
    request: dict[str, Any] = json.loads(path.read_text())
    path.write_text(json.dumps(request | {"options": request["options"] | {"class_weights": "none"}}))

    resumed = zoo.open_run(run.name).resume().wait(timeout_s=60, progress=False)
    assert resumed.status == "finished", resumed.snapshot.error
    learnt = json.loads((run.folder.model_folder / "learnt.json").read_text())
    assert learnt == request["options"]


def test_an_answer_that_was_asked_for_with_an_option_of_another_task_is_given() -> None:
    ability = zoo.Ability(verb="predict", task="text-regression", options=zoo.TextPredictOptions)
    recorded = {"top_k": None, "max_tokens": 64, "batch_tokens": None}

    assert parse_recorded(ability, recorded) == zoo.TextPredictOptions(max_tokens=64)
    with pytest.raises(zoo.OptionInvalid, match="there is no option 'top_q'"):
        parse_recorded(ability, {"top_q": None})
