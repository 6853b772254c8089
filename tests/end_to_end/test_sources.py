"""Several sources through the whole of zoo: three objectives on one body, shared by two processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.end_to_end.test_tokens import COMMON, tagged, written
from zoo.cli import main
from zoo.errors import UnknownModel
from zoo.runs.events import DataLoaded, EvaluationCompleted, StepCompleted

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

MODEL = "bert-tiny"
OPTIONS: dict[str, Any] = {
    "batch_size": 7,
    "max_steps": 9,
    "eval_steps": 3,
    "max_tokens": 16,
    "dropout": 0.0,
    "lr": 3e-3,
}
CPU = {"device": "cpu", "precision": "fp32"}


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Any]:
    """Sentences that are labelled, that have names in them, and that have nothing."""
    pytest.importorskip("zoo_bert")
    labelled = written(
        tmp_path / "a.jsonl", lambda words: {"text": " ".join(words), "label": "odd" if len(words) % 2 else "even"}
    )
    names = written(tmp_path / "b.jsonl", tagged)
    texts = tmp_path / "c.txt"
    texts.write_text("".join(f"{' '.join(COMMON[i % 9 :])}\n" for i in range(40)))
    return {"parity": str(labelled), "names": str(names), "texts": str(texts)}


def test_each_head_is_a_model(sources: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = [word for name, data in sources.items() for word in ("--source", f"{name}={data}")]
    options = [word for name, value in OPTIONS.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    assert main(["finetune", MODEL, *flags, *options, "--device", "cpu", "--name", "mine", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)["snapshot"]
    assert [metric for metric in result["metrics"] if metric.endswith(".loss")] == [f"{name}.loss" for name in sources]

    run = zoo.open_run("mine")
    loaded = {event.source: event for event in run.events() if isinstance(event, DataLoaded)}
    assert {name: event.labels for name, event in loaded.items()} == {
        "parity": ("even", "odd"),
        "names": ("person", "place"),
        "texts": (),
    }
    tasks = {"parity": "text-classification", "names": "token-classification", "texts": "fill-mask"}
    assert {card.name: card.task for card in zoo.models() if card.name.startswith("mine")} == {
        f"mine.{name}": task for name, task in tasks.items()
    }
    files = {name: run.folder.model_folder / "heads" / name / "body.safetensors" for name in sources}
    assert len({path.stat().st_ino for path in files.values()}) == 1

    assert main(["evaluate", "mine", "--data", sources["parity"], "--device", "cpu"]) == 0
    said = capsys.readouterr().err
    assert "mine.parity is the head for these data: they hold labels" in said
    assert "trained on" in said
    spans = zoo.load("mine", task="token-classification", **CPU).predict("Ada saw Rome")
    assert isinstance(spans, zoo.TaggedSpans)
    assert list(run.models) == list(sources)
    assert run.models["names"].predict("Ada saw Rome").spans == spans.spans
    with pytest.raises(UnknownModel, match=r"run mine has several heads: mine\.parity, mine\.names, mine\.texts"):
        run.model  # noqa: B018
    again = zoo.finetune("mine", sources["parity"], max_steps=2, name="again", **CPU).wait(progress=False)
    assert not [note for note in again.snapshot.notes if "the head is new" in note]

    transformers = pytest.importorskip("transformers")
    zoo.export("mine", tmp_path / "apart", head="parity")
    text = "saw near the old"
    for folder in (files["parity"].parent, tmp_path / "apart"):
        network = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
        inputs = transformers.AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
        expected = network(**inputs).logits.softmax(-1)[0].tolist()
        assert zoo.load("mine.parity", **CPU).card.parameters == sum(one.numel() for one in network.parameters())
        scores = {one.label: one.probability for one in zoo.load("mine.parity", **CPU).predict(text).scores}
        assert [scores["even"], scores["odd"]] == pytest.approx(expected, abs=1e-5)


def test_the_recipe_of_a_run_makes_the_same_bits(sources: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    sources["parity"] = zoo.Source(data=sources["parity"], weight=0.5)
    run = zoo.finetune(
        MODEL, sources=sources, name="mine", sampling_temperature=3.0, max_steps=4, batch_size=6, seed=5, **CPU
    )
    metrics = run.wait(progress=False).metrics
    assert main(["finetune", "--recipe", str(run.folder.path / "recipe.toml"), "--name", "again"]) == 0
    again = zoo.open_run("again")
    assert again.metrics == metrics
    for name in sources:
        heads = [one.folder.model_folder / "heads" / name for one in (run, again)]
        for file in ("body.safetensors", "head.safetensors"):
            assert (heads[0] / file).read_bytes() == (heads[1] / file).read_bytes()


@pytest.mark.parametrize("mixing", ["turns", "together"])
def test_two_processes_equal_one(sources: dict[str, Any], mixing: str) -> None:
    runs = [
        zoo.finetune(MODEL, sources=sources, processes=processes, mixing=mixing, **CPU, **OPTIONS).wait(progress=False)
        for processes in (1, 2)
    ]
    steps, evaluations = (
        [[event for event in run.events() if isinstance(event, kind)] for run in runs]
        for kind in (StepCompleted, EvaluationCompleted)
    )
    assert len(evaluations[0]) == len(evaluations[1]) == 3 * len(sources)
    assert steps[1][0].loss == pytest.approx(steps[0][0].loss, rel=1e-6)
    for one, two in zip(*evaluations, strict=True):
        assert (one.source, two.metrics) == (two.source, pytest.approx(one.metrics, rel=1e-4))


@pytest.mark.parametrize(
    ("flags", "message", "hint"),
    [
        (["--source", "a"], "--source a is not NAME=DATA", "such as"),
        (["--source", "a.b=x.csv", "--source", "c=x.csv"], "'a.b' cannot be the name of a source", "letters"),
        (["--source", "a=x.csv", "--source", "a=x.csv"], "'a' is there twice", "another name"),
        (["--source", "a=x.csv", "--source", "b=x.csv", "--data", "x.csv"], "--data x.csv does not say", "--source"),
        (["--source", "a=x.csv", "--source", "b=x.csv", "--eval", "x.csv"], "--eval x.csv does not say", "a=, b="),
        (["--source", "a=x.csv", "--source", "b=x.csv", "--weight", "b=-1"], "--weight", "0"),
        (["--source", "a=x.csv", "--source", "b=x.csv", "--best-by", "c"], "--best-by c names no source", "a, b"),
        (["--source", "a=x.csv", "--source", "b=nowhere.csv"], "nowhere.csv", ""),
        (["--source", "a=x.csv", "--source", "b=x.csv@image-classification"], "image-classification", "--task"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    flags: list[str],
    message: str,
    hint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("zoo_bert")
    monkeypatch.chdir(tmp_path)
    Path("x.csv").write_text("text,label\ngood,a\nbad,b\nfine,a\nsad,b\n")
    assert main(["finetune", MODEL, *flags, "--device", "cpu"]) != 0
    error = capsys.readouterr().err
    assert message in error
    assert hint in error
    assert "Traceback" not in error


def test_the_best_of_a_source_is_kept_where_it_is_elsewhere(sources: dict[str, Any]) -> None:
    judged = {name: zoo.Source(data=data, eval_data=data) for name, data in sources.items()}
    options = {**OPTIONS, "eval_steps": 1, "lr": 0.03, "schedule": "constant", "keep_best_of": "parity, names"}
    run = zoo.finetune(MODEL, sources=judged, name="mine", **CPU, **options).wait(progress=False)
    results = {result.name: result for result in run.events()[-1].sources}
    elsewhere = {name for name in ("parity", "names") if results[name].best_step != run.snapshot.best_step}
    assert elsewhere
    kept = {card.name for card in zoo.models() if card.name.startswith("mine.")}
    assert kept == {"mine.parity", "mine.names", "mine.texts", *(f"mine.{name}-best" for name in elsewhere)}
    for name in elsewhere:
        for model, metrics in ((name, results[name].metrics), (f"{name}-best", results[name].best_metrics)):
            again = zoo.evaluate(f"mine.{model}", sources[name], **CPU).wait(progress=False).metrics
            common = again.keys() & metrics.keys()
            assert {key: again[key] for key in common} == pytest.approx({key: metrics[key] for key in common}, abs=1e-4)
