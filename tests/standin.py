"""Models with the names and options of the bundled ones that learn in an instant: they count words.

The commands of the docs are run with these, so that every one of them is really run, within seconds and offline.
"""

from __future__ import annotations

import json
import os

from zoo_bert.options import BertFinetuneOptions, BertPretrainOptions
from zoo_echo.plugin import FILE, Counting, WordCounts, write
from zoo_resnet.options import ResnetFinetuneOptions

import zoo

TEXTS = ("all-minilm-l6-v2", "bert-base-uncased", "bert-tiny", "tfidf")
IMAGES = ("resnet18", "resnet50", "resnet10-32px")
WEIGHTS = zoo.Weights(
    files=(zoo.WeightsFile(name=FILE, size_bytes=None, sha256=os.environ.get("STANDIN_SHA256")),),
    sources=(zoo.FolderSource(path=os.environ.get("STANDIN", "")),),
)


@zoo.hookimpl
def cards() -> list[zoo.Card]:
    texts = {
        "finetune": zoo.Ability(task="text-classification", options=BertFinetuneOptions),
        "pretrain": zoo.Ability(task="fill-mask", options=BertPretrainOptions),
        "predict": zoo.Ability(task="feature-extraction", options=zoo.TextPredictOptions),
    }
    images = {
        "finetune": zoo.Ability(task="image-classification", options=ResnetFinetuneOptions),
        "pretrain": zoo.Ability(task="image-feature-extraction", options=zoo.ImagePretrainOptions),
        "predict": zoo.Ability(task="image-classification", options=zoo.ImagePredictOptions),
    }
    pixels = zoo.ImageInput(input_size=(3, 8, 8), mean=(0.5,), std=(0.5,))
    common = {"family": "standin", "summary": "small english", "license": "Apache-2.0", "weights": WEIGHTS}
    return [
        *(
            zoo.Card(
                name=name, task="feature-extraction", input=zoo.TextInput(max_tokens=128), abilities=texts, **common
            )
            for name in TEXTS
        ),
        *(
            zoo.Card(name=name, task="image-classification", input=pixels, abilities=images, **common)
            for name in IMAGES
        ),
    ]


@zoo.hookimpl
def finetune(run: zoo.TrainingRun) -> zoo.Trainable:
    return StandIn()


@zoo.hookimpl
def pretrain(run: zoo.TrainingRun) -> zoo.Trainable:
    return Nothing()


@zoo.hookimpl
def predict(run: zoo.PredictionRun) -> zoo.Predictor:
    counts = json.loads((run.weights / FILE).read_text(encoding="utf-8"))
    return Embeddings() if run.task.name.endswith("feature-extraction") else WordCounts(counts)


class StandIn(Counting):
    """Counts without pauses."""

    def fit(self, run: zoo.TrainingRun) -> zoo.FitResult:
        counts = {label: {} for label in run.labels}
        run.report_plan(steps=len(run.train), epochs=1, batch_size=1)
        if run.dry_run:
            return zoo.FitResult(step=0)
        for example in run.train:
            for word in example.input.lower().split():
                of_label = counts[str(example.label)]
                of_label[word] = of_label.get(word, 0) + 1
        return self.finish(run, len(run.train), counts)


class Nothing:
    """Learns nothing from what has no labels."""

    def fit(self, run: zoo.TrainingRun) -> zoo.FitResult:
        run.report_plan(steps=1, epochs=1, batch_size=1)
        run.model_folder.mkdir(exist_ok=True)
        write(run.model_folder, {"a": {}, "b": {}})
        return zoo.FitResult(step=1)


class Embeddings:
    """Lengths."""

    def predict(self, inputs: list[str]) -> list[zoo.Prediction]:
        return [zoo.Embedding((float(len(text)), 1.0)) for text in inputs]
