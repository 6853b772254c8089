"""Several tasks on one body of transformers: each head is of its own class; what the classes have in common is one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import zoo
from zoo import Card, Example, SpanMark, TrainingRun
from zoo.tasks import get_task
from zoo.testing import PluginHooks

pytestmark = pytest.mark.slow
TEXTS = ("where is my parcel today", "the app closes again")
LONG = f"{TEXTS[0]} {TEXTS[1]} " * 12
SPANS = (SpanMark(9, 11, "a"), SpanMark(12, 18, "b"))
CLASSES = {
    "text-classification": "AutoModelForSequenceClassification",
    "token-classification": "AutoModelForTokenClassification",
    "fill-mask": "AutoModelForMaskedLM",
}
ROWS: dict[str, tuple[tuple[Example, ...], tuple[str, ...]]] = {
    "text-classification": (tuple(Example(text, "yn"[i], i + 1) for i, text in enumerate(TEXTS)), ("n", "y")),
    "token-classification": (tuple(Example(text, SPANS, i) for i, text in enumerate((*TEXTS, LONG), 1)), ("a", "b")),
    "fill-mask": (tuple(Example(text, None, i) for i, text in enumerate(TEXTS, 1)), ()),
}
ORDERS = [[*CLASSES], [*CLASSES][::-1]]


@pytest.mark.parametrize("order", ORDERS, ids=["classes first", "masks first"])
@pytest.mark.parametrize("model_type", ["distilbert", "roberta", "modernbert"])
def test_heads_of_one_body_are_those_of_transformers(
    model_type: str,
    order: list[str],
    make_model: Callable[..., Any],
    pull: Callable[..., Card],
    tmp_path: Path,
) -> None:
    import transformers

    sizes = {"distilbert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}}.get(model_type, {})
    make_model(model_type, "fill-mask", tmp_path / "published", **sizes)
    result = trained(pull(tmp_path / "published"), order, tmp_path / "run")

    bodies = []
    for task, name in CLASSES.items():
        network, report = getattr(transformers, name).from_pretrained(result / "heads" / task, output_loading_info=True)
        assert not report["missing_keys"]
        assert not report["unexpected_keys"]
        bodies.append(network.base_model.state_dict())
    before = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "published").base_model.state_dict()
    for name, tensor in bodies[0].items():
        assert all(torch.equal(tensor, body[name]) for body in bodies[1:] if name in body), name
    assert not torch.equal(first_weight(bodies[0]), first_weight(before))
    table = network.get_output_embeddings().weight
    assert table is network.get_input_embeddings().weight


def test_what_is_known_by_its_weights_has_no_baseline_from_random_numbers(
    make_model: Callable[..., Any], pull: Callable[..., Card], tmp_path: Path
) -> None:
    sizes = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}
    make_model("distilbert", "fill-mask", tmp_path / "published", **sizes)
    card = pull(tmp_path / "published")
    data = tmp_path / "rows.csv"
    data.write_text("text,label\n" + "".join(f"{text} {i},{'yn'[i % 2]}\n" for i in range(20) for text in TEXTS[:1]))
    run = zoo.finetune(card.name, sources={"a": data, "b": data}, baseline_scratch=True, max_steps=1, device="cpu")
    with pytest.raises(zoo.RunFailed, match=f"--baseline-scratch: {card.name} is known by its weights"):
        run.wait(progress=False)


def first_weight(state: dict[str, torch.Tensor]) -> torch.Tensor:
    return next(tensor for name, tensor in state.items() if "layer" in name and tensor.ndim > 1)


def trained(card: Card, tasks: list[str], folder: Path) -> Path:
    from zoo.fetch import locate

    assert card.weights is not None
    folder.mkdir()
    runs = [
        TrainingRun(
            card=card,
            task=get_task(task),
            weights=locate(card.weights),
            train=ROWS[task][0],
            eval=(),
            labels=ROWS[task][1],
            options=PluginHooks.options(
                card.ability("pretrain" if task == "fill-mask" else "finetune", task), max_steps=4, lr=1e-2
            ),
            device="cpu",
            precision="fp32",
            folder=folder,
            source=task,
            emit=lambda event: None,
            should_stop=lambda: False,
        )
        for task in tasks
    ]
    joint = dataclasses.replace(next(run for run in runs if run.labels), source="", sources=tuple(runs))
    PluginHooks(card.plugin).finetune(joint).fit(joint)
    return joint.model_folder
