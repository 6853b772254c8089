"""The whole plugin: a card, two hooks, and a training loop of its own, without torch.

The model is multinomial naive Bayes with add-one smoothing (Manning, Raghavan, Schütze 2008, Introduction to
Information Retrieval, section 13.2). It learns one row a step, and each step is a checkpoint.
"""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Annotated, Any

import zoo

FILE = "counts.json"
Counts = dict[str, dict[str, int]]
"""How often each word stood in the rows of each label."""


class EchoOptions(zoo.FinetuneOptions, frozen=True, kw_only=True):
    """Options of counting; those of zoo.FinetuneOptions that mean nothing to it are left alone."""

    pause_ms: Annotated[int, zoo.option("Pause after each step.", ge=0, le=60_000, unit="ms", advanced=True)] = 0
    fail_at: Annotated[int, zoo.option("Fail at this step; 0 never does.", ge=0, advanced=True)] = 0
    deaf: Annotated[bool, zoo.option("Never look whether a stop was asked for.", advanced=True)] = False


@zoo.hookimpl
def cards() -> list[zoo.Card]:
    """Describe the one model."""
    return [
        zoo.Card(
            name="echo",
            task="text-classification",
            family="naive-bayes",
            summary="counts words; learns in an instant",
            demonstration=True,
            parameters=0,
            input=zoo.TextInput(max_tokens=512),
            license="Apache-2.0",
            abilities=(
                zoo.Ability(verb="finetune", task="text-classification", options=EchoOptions, precisions=("fp32",)),
                zoo.Ability(verb="predict", task="text-classification", precisions=("fp32",)),
            ),
        )
    ]


@zoo.hookimpl
def finetune(run: zoo.TrainingRun) -> zoo.Trainable:
    """What counts."""
    return Counting()


@zoo.hookimpl
def predict(run: zoo.PredictionRun) -> zoo.Predictor:
    """What answers by the counts."""
    return WordCounts(json.loads((run.weights / FILE).read_text(encoding="utf-8")))


class Counting:
    """The training loop."""

    def fit(self, run: zoo.TrainingRun) -> zoo.FitResult:
        """Count row by row, going on from the newest checkpoint."""
        options: EchoOptions = run.options
        steps = options.max_steps or len(run.train)
        run.report_plan(steps=steps, epochs=steps / len(run.train), batch_size=1)
        if run.dry_run:
            return zoo.FitResult(step=0)
        done, counts = self.newest(run)
        began = time.perf_counter()
        for step in range(done + 1, steps + 1):
            if run.should_stop() and not options.deaf:
                return zoo.FitResult(step=step - 1, cancelled=True)
            if step == options.fail_at:
                raise ValueError(f"told to fail at step {step}")
            example = run.train[(step - 1) % len(run.train)]
            loss = WordCounts(counts).loss(example)
            of_label = counts[str(example.label)]
            for word in words_of(example.input):
                of_label[word] = of_label.get(word, 0) + 1
            time.sleep(options.pause_ms / 1000)
            with run.checkpoint(step) as folder:
                write(folder, counts)
            rate = (step - done) / (time.perf_counter() - began)
            run.report_step(step, steps=steps, epoch=step / len(run.train), loss=loss, samples_per_s=rate)
        return self.finish(run, steps, counts)

    def newest(self, run: zoo.TrainingRun) -> tuple[int, Counts]:
        """The step that is done, and what was counted by then."""
        newest = run.newest_checkpoint()
        if newest is None:
            return 0, {label: {} for label in run.labels}
        step, folder = newest
        return step, json.loads((folder / FILE).read_text(encoding="utf-8"))

    def finish(self, run: zoo.TrainingRun, steps: int, counts: Counts) -> zoo.FitResult:
        """Judge the result and keep it."""
        predictor = WordCounts(counts)
        metrics = zoo.ClassificationMetrics(run.labels)
        for example in run.eval:
            best = predictor.scores(example.input)[0].label
            metrics.update(run.labels.index(str(example.label)), run.labels.index(best), predictor.loss(example))
        figures = metrics.compute() if run.eval else {}
        if run.eval:
            run.report_evaluation(steps, figures, best=True)
        run.model_folder.mkdir(exist_ok=True)
        write(run.model_folder, counts)
        best_step = steps if run.eval else None
        return zoo.FitResult(
            step=steps, metrics=figures, best_step=best_step, report=metrics.report(), labels=run.labels
        )


class WordCounts:
    """The model."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._totals = {label: sum(of_label.values()) for label, of_label in counts.items()}
        self._vocabulary = len({word for of_label in counts.values() for word in of_label}) or 1

    def predict(self, inputs: list[Any]) -> list[zoo.Prediction]:
        """Answer each text; what is none is rejected in its place."""
        return [self._answer(text) for text in inputs]

    def _answer(self, text: Any) -> zoo.Prediction:
        if not isinstance(text, str):
            return zoo.Rejected(f"the input is {type(text).__name__}, not text")
        return zoo.Classification(self.scores(text)) if text.strip() else zoo.Rejected("the text is empty")

    def scores(self, text: str) -> tuple[zoo.Score, ...]:
        """Probability of each label, the most probable first."""
        log_likelihoods = {label: self._log_likelihood(label, text) for label in self._counts}
        largest = max(log_likelihoods.values())
        weights = {label: math.exp(value - largest) for label, value in log_likelihoods.items()}
        total = sum(weights.values())
        ordered = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
        return tuple(zoo.Score(label, weight / total) for label, weight in ordered)

    def loss(self, example: zoo.Example) -> float:
        """Cross entropy of the true label, in nats."""
        probability = {score.label: score.probability for score in self.scores(example.input)}
        return -math.log(max(probability[str(example.label)], 1e-12))

    def _log_likelihood(self, label: str, text: str) -> float:
        of_label, total = self._counts[label], self._totals[label] + self._vocabulary
        return sum(math.log((1 + of_label.get(word, 0)) / total) for word in words_of(text))


def words_of(text: str) -> list[str]:
    """In lower case."""
    return text.lower().split()


def write(folder: Path, counts: Counts) -> None:
    """Keep what was counted."""
    (folder / FILE).write_text(json.dumps(counts, ensure_ascii=False), encoding="utf-8")
