"""Several tasks on one BERT: each reads its texts in its own way, and one table of word pieces serves all of them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import pytest
from zoo_bert.config import BODY

from zoo import Example, SpanMark, TrainingRun
from zoo.tasks import get_task
from zoo.testing import PluginHooks

WORDS = 40
LIMIT = 16
LONG = " ".join(["where is my parcel today"] * (WORDS // 5))
ROWS = {
    "labels": Example(LONG, "late", 1),
    "names": Example(LONG, (SpanMark(12, 18, "thing"), SpanMark(len(LONG) - 5, len(LONG), "day")), 1),
}
ORDERS = [("labels", "names"), ("names", "labels")]


def joint(make_run: Callable[..., TrainingRun], order: tuple[str, ...]) -> TrainingRun:
    options = {"max_tokens": LIMIT, "max_steps": 2, "method": "full"}
    run = make_run(train=(ROWS["labels"],), labels=("late", "lost"), options=options)
    names = dataclasses.replace(
        run, task=get_task("token-classification"), train=(ROWS["names"],), labels=("day", "thing"), source="names"
    )
    runs = {"labels": dataclasses.replace(run, source="labels"), "names": names}
    return dataclasses.replace(run, sources=tuple(runs[name] for name in order))


@pytest.mark.parametrize("order", ORDERS)
def test_long_texts_are_cut_for_labels_and_seen_in_windows_for_names(
    make_run: Callable[..., TrainingRun], order: tuple[str, ...]
) -> None:
    notes: list[str] = []
    run = joint(make_run, order)
    heard = [
        dataclasses.replace(one, emit=lambda event, name=one.source: notes.append(f"{name} {event}"))
        for one in run.sources
    ]
    PluginHooks("bert").finetune(dataclasses.replace(run, sources=tuple(heard))).fit(run)

    (cut,) = [note for note in notes if note.startswith("labels") and "cut at 16" in note]
    (seen,) = [note for note in notes if note.startswith("names") and "seen in windows of 16" in note]
    assert "1 of 1 texts" in cut
    assert "1 of 1 texts" in seen


@pytest.mark.parametrize("order", ORDERS)
def test_the_table_of_word_pieces_is_whole_again_in_every_head(
    make_run: Callable[..., TrainingRun], order: tuple[str, ...]
) -> None:
    """While they are learnt, the network has the vectors of those alone that occur in any source."""
    import transformers

    run = joint(make_run, order)
    PluginHooks("bert").finetune(run).fit(run)
    classes = {"labels": "AutoModelForSequenceClassification", "names": "AutoModelForTokenClassification"}
    for name, auto in classes.items():
        folder = run.model_folder / "heads" / name
        network, report = getattr(transformers, auto).from_pretrained(folder, output_loading_info=True)
        assert not report["missing_keys"]
        assert not report["unexpected_keys"]
        stated = json.loads((folder / "config.json").read_bytes())["vocab_size"]
        assert network.get_input_embeddings().num_embeddings == stated
    index = json.loads((run.model_folder / "heads" / "names" / "model.safetensors.index.json").read_bytes())
    assert index["weight_map"][f"{BODY}embeddings.word_embeddings.weight"] == "body.safetensors"
