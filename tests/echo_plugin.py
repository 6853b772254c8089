"""A plugin without torch: instant, deterministic, with a loop of its own. What the tests of runs and commands run.

It learns by counting words per label, one row a step; `--pause-ms` makes steps slow enough to be interrupted. Its state
after each step is a checkpoint, so that a killed run goes on where it was.
"""

SOURCE = """
from __future__ import annotations

import json
import time
from typing import Annotated

import zoo


class EchoOptions(zoo.FinetuneOptions, frozen=True, kw_only=True):
    pause_ms: Annotated[int, zoo.option("Pause after each step.", ge=0, unit="ms")] = 0
    fail_at: Annotated[int, zoo.option("Raise at this step; 0 never does.", ge=0)] = 0
    deaf: Annotated[bool, zoo.option("Never look whether a stop was asked for.")] = False


@zoo.hookimpl
def cards():
    ability = zoo.Ability(task="text-classification", options=EchoOptions)
    return [
        zoo.Card(
            name="echo",
            task="text-classification",
            family="echo",
            summary="counts words",
            parameters=0,
            input=zoo.TextInput(max_tokens=512),
            abilities={"finetune": ability, "predict": zoo.Ability(task="text-classification")},
        )
    ]


@zoo.hookimpl
def finetune(run):
    return Counting()


@zoo.hookimpl
def predict(run):
    return Counts(json.loads((run.weights / "counts.json").read_text()))


class Counting:
    def fit(self, run):
        from zoo.runs.checkpoints import MANIFEST, checkpoint_folder, newest_step
        from zoo.runs.events import CheckpointSaved, EvaluationCompleted, RunPlanned, StepCompleted

        options = run.options
        steps = options.max_steps or len(run.train)
        run.emit(
            RunPlanned(
                steps=steps, epochs=1, batch_size=1, micro_batch_size=1, parameters=0, trainable_parameters=0, lr=0.1
            )
        )
        if run.dry_run:
            return zoo.FitResult(step=0)
        counts = {label: {} for label in run.labels}
        done = newest_step(run.checkpoints_folder) or 0
        if done:
            counts = json.loads((checkpoint_folder(run.checkpoints_folder, done) / "counts.json").read_text())
        for step in range(done + 1, steps + 1):
            if run.should_stop() and not options.deaf:
                return zoo.FitResult(step=step - 1, cancelled=True)
            if step == options.fail_at:
                raise ValueError(f"told to fail at step {step}")
            example = run.train[(step - 1) % len(run.train)]
            for word in example.input.lower().split():
                counts[example.label][word] = counts[example.label].get(word, 0) + 1
            time.sleep(options.pause_ms / 1000)
            folder = checkpoint_folder(run.checkpoints_folder, step)
            folder.mkdir(parents=True)
            (folder / "counts.json").write_text(json.dumps(counts))
            (folder / MANIFEST).write_text("{}")
            run.emit(CheckpointSaved(step=step, size_bytes=2))
            run.emit(
                StepCompleted(
                    step=step, steps=steps, epoch=step / steps, loss=1 / step, lr=0.1, grad_norm=1, samples_per_s=100
                )
            )
        predictor = Counts(counts)
        metrics = zoo.ClassificationMetrics(run.labels)
        for example, answer in zip(run.eval, predictor.predict([e.input for e in run.eval])):
            metrics.update(run.labels.index(example.label), run.labels.index(answer.label))
        run.emit(EvaluationCompleted(step=steps, metrics=metrics.compute(), rows=len(run.eval), best=True))
        run.model_folder.mkdir()
        (run.model_folder / "counts.json").write_text(json.dumps(counts))
        return zoo.FitResult(
            step=steps, metrics=metrics.compute(), best_step=steps, confusion=metrics.confusion, labels=run.labels
        )


class Counts:
    def __init__(self, counts):
        self.counts = counts

    def predict(self, inputs):
        return [self.answer(text) for text in inputs]

    def answer(self, text):
        if not isinstance(text, str) or not text.strip():
            return zoo.Rejected("empty")
        scores = {
            label: 1 + sum(words.get(word, 0) for word in text.lower().split()) for label, words in self.counts.items()
        }
        total = sum(scores.values())
        ordered = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
        return zoo.Classification(tuple(zoo.Score(label, score / total) for label, score in ordered))
"""
