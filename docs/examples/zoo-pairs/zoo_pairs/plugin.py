"""Naive Bayes over the words of two texts, and over how many of them are in both."""

import json
import math
from collections import Counter
from typing import Any

import zoo
from zoo_pairs.task import TASK, Relation

CARD = zoo.Card(
    name="shared-words",
    task=TASK.name,
    family="naive-bayes",
    summary="counts the words that two texts share",
    license="Apache-2.0",
    abilities=(
        zoo.Ability(verb="finetune", task=TASK.name, options=zoo.DataOptions, precisions=("fp32",)),
        zoo.Ability(verb="predict", task=TASK.name, precisions=("fp32",)),
    ),
)


@zoo.hookimpl
def cards() -> list[zoo.Card]:
    return [CARD]


@zoo.hookimpl
def finetune(run: zoo.TrainingRun) -> zoo.Trainable:
    return SharedWords({})


@zoo.hookimpl
def predict(run: zoo.PredictionRun) -> zoo.Predictor:
    return SharedWords(json.loads((run.weights / "counts.json").read_text(encoding="utf-8")))


class SharedWords:
    def __init__(self, counts: dict[str, dict[str, int]]) -> None:
        self.counts = counts
        self.vocabulary = 1 + len({feature for of_label in counts.values() for feature in of_label})

    def fit(self, run: zoo.TrainingRun) -> zoo.FitResult:
        run.report_plan(steps=1, epochs=1, batch_size=len(run.train))
        if run.dry_run:
            return zoo.FitResult(step=0)
        counts = {label: Counter[str]() for label in run.labels}
        for example in run.train:
            counts[example.target].update(features(example.input))
        learnt = SharedWords({label: dict(of_label) for label, of_label in counts.items()})
        run.model_folder.mkdir(exist_ok=True)
        (run.model_folder / "counts.json").write_text(json.dumps(learnt.counts), encoding="utf-8")
        judge = zoo.ClassificationMetrics(run.labels)
        for example in run.eval:
            judge.add(example.target, learnt.answer(example.input))
        return zoo.FitResult(step=1, metrics=judge.compute(), report=judge.report())

    def predict(self, inputs: list[Any]) -> list[Any]:
        return [self.answer(one) if is_pair(one) else zoo.Rejected("this is no pair of texts") for one in inputs]

    def answer(self, pair: dict[str, str]) -> Relation:
        logs = {label: self.log_likelihood(of_label, features(pair)) for label, of_label in self.counts.items()}
        best = max(logs, key=logs.__getitem__)
        total = sum(math.exp(log - logs[best]) for log in logs.values())
        shared = sorted(feature[5:] for feature in features(pair) if feature.startswith("both "))
        return Relation(label=best, probability=1 / total, shared=tuple(shared))

    def log_likelihood(self, counts: dict[str, int], present: list[str]) -> float:
        total = sum(counts.values()) + self.vocabulary
        return sum(math.log((counts.get(feature, 0) + 1) / total) for feature in present)


def features(pair: dict[str, str]) -> list[str]:
    first, second = set(pair["first"].lower().split()), set(pair["second"].lower().split())
    overlap = round(4 * len(first & second) / max(1, len(first | second)))
    return [f"overlap {overlap}"] * 4 + [f"both {w}" for w in first & second] + [f"one {w}" for w in first ^ second]


def is_pair(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(role), str) for role in ("first", "second"))
