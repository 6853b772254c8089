"""A small plugin with a training loop of its own, written for tests; each part of it can be replaced by its name."""

from __future__ import annotations

from string import Template

PARTS = {
    "build": "return Loop()",
    "first": "pass",
    "plan": "steps=4, epochs=1, batch_size=1",
    "step": "loss=1 / step, samples_per_s=10.0",
    "evaluation": "4, figures",
    "write": "(run.model_folder / 'model.txt').write_text('trained')",
    "changed_fields": "{}",
    "result": "zoo.FitResult(**fields)",
    "predict_hook": "@zoo.hookimpl\ndef predict(run):",
    "load": "return Model()",
    "answers": "[answer(text) for text in inputs]",
}
SOURCE = Template("""
import math

import zoo


@zoo.hookimpl
def cards():
    return [
        zoo.Card(
            name="toy", task="text-classification", family="toy", summary="looks for good and fine",
            input=zoo.TextInput(max_tokens=512),
            abilities=(
                zoo.Ability(verb="finetune", task="text-classification", options=zoo.FinetuneOptions),
                zoo.Ability(verb="predict", task="text-classification"),
            ),
        )
    ]


@zoo.hookimpl
def finetune(run):
    $build


class Loop:
    def fit(self, run):
        $first
        run.report_plan($plan)
        if run.dry_run:
            return zoo.FitResult(step=0)
        for step in range(1, 5):
            run.report_step(step, steps=4, epoch=step / 4, $step)
        metrics = zoo.ClassificationMetrics(run.labels)
        for example in run.eval:
            metrics.update(run.labels.index(example.label), run.labels.index(answer(example.input).label), 0.1)
        figures = metrics.compute() if run.eval else {}
        if run.eval:
            run.report_evaluation($evaluation, best=True)
        run.model_folder.mkdir(exist_ok=True)
        $write
        fields = {"step": 4, "metrics": figures, "labels": run.labels, "report": metrics.report()} | $changed_fields
        return $result


$predict_hook
    $load


class Model:
    def predict(self, inputs):
        return $answers


def raise_(error):
    raise error


def answer(text):
    if not text.strip():
        return zoo.Rejected("the text is empty")
    scores = [zoo.Score("positive", 0.9), zoo.Score("negative", 0.1)]
    if not {"good", "fine"} & set(text.split()):
        scores = [zoo.Score("negative", 0.9), zoo.Score("positive", 0.1)]
    return zoo.Classification(tuple(scores))
""")


def source(**parts: str) -> str:
    """The text of the plugin `toy`, whose one model is called so, too; parts are named as above."""
    assert parts.keys() <= PARTS.keys()
    return SOURCE.substitute(PARTS | parts)
