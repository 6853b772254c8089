"""Fine-tuning for text classification."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from zoo_bert.config import head_of, read_config

from zoo import ClassificationMetrics
from zoo.testing import PluginHooks
from zoo.training.head import HeadConfig
from zoo.training.objectives import Classification

plugin = PluginHooks("bert")


@pytest.fixture(params=["scratch", "minilm"])
def objective(request: pytest.FixtureRequest, make_run, minilm: Path) -> Classification:
    if request.param == "scratch":
        return plugin.finetune(make_run())
    return plugin.finetune(make_run("all-minilm-l6-v2", weights=minilm))


def batch_of(objective: Classification, make_run, *rows: int) -> dict[str, torch.Tensor]:
    features = objective.features(make_run().train)
    return objective.collate([features[i] for i in rows], list(range(len(rows))), training=True)


def test_losses_are_one_per_example_and_those_of_transformers(
    objective: Classification, make_run, tmp_path: Path
) -> None:
    objective.module.eval()
    batch = batch_of(objective, make_run, 0, 1, 2, 3)
    objective.export(objective.module, tmp_path)
    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    with torch.no_grad():
        losses = objective.losses(objective.module, batch).losses
        assert (4,) == losses.shape
        assert torch.float32 == losses.dtype
        torch.testing.assert_close(theirs(**batch).loss, losses.mean())


def test_every_trainable_parameter_gets_a_gradient(objective: Classification, make_run) -> None:
    objective.module.train()
    objective.losses(objective.module, batch_of(objective, make_run, 0, 1, 2, 3)).losses.mean().backward()
    without = [name for name, p in objective.module.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    # A softmax is the same whatever is added to all its scores, so keys' biases have gradients of rounding noise.
    assert [] == [name for name in without if not name.endswith("key.bias")]


def test_neither_padding_nor_company_changes_an_example(objective: Classification, make_run) -> None:
    objective.module.eval()
    with torch.no_grad():
        together = objective.losses(objective.module, batch_of(objective, make_run, *range(8))).losses
        alone = [objective.losses(objective.module, batch_of(objective, make_run, i)).losses for i in range(8)]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=0)


def test_features_tell_length_and_class(make_run) -> None:
    run = make_run(options={"max_tokens": 8})
    objective = plugin.finetune(run)
    features = objective.features(run.train)
    assert max(objective.length(feature) for feature in features) == 8
    assert [run.labels.index(str(e.label)) for e in run.train] == [objective.group(feature) for feature in features]


def test_metrics_count_only_the_examples_that_count(objective: Classification, make_run) -> None:
    metrics = objective.metrics()
    output = objective.losses(objective.module.eval(), batch_of(objective, make_run, 0, 1, 2, 0))
    objective.update_metrics(metrics, output, 3)
    assert isinstance(metrics, ClassificationMetrics)
    assert 3 == sum(map(sum, metrics.confusion))
    assert abs(output.losses[:3].mean().item() - metrics.compute()["loss"]) < 1e-6


def test_the_result_works_with_transformers_alone(objective: Classification, make_run, tmp_path: Path) -> None:
    objective.export(objective.module.eval(), tmp_path)
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    texts = [example.input for example in make_run().train]
    batch = batch_of(objective, make_run, *range(8))
    batch.pop("labels")
    with torch.no_grad():
        ours = objective.module(**batch)
        theirs = model(**tokenizer(texts, truncation=True, padding=True, return_tensors="pt")).logits
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
    assert {0: "delivery", 1: "refund", 2: "app"} == model.config.id2label
    assert {"delivery": 0, "refund": 1, "app": 2} == model.config.label2id
    assert "AutoModelForSequenceClassification" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_the_seed_decides_the_new_head_and_nothing_else_does(make_run, minilm: Path) -> None:
    def head(seed: int) -> torch.Tensor:
        return plugin.finetune(
            make_run("all-minilm-l6-v2", weights=minilm, options={"seed": seed})
        ).module.head.classifier.weight

    first = head(1)
    torch.rand(100)
    assert torch.equal(first, head(1))
    assert not torch.equal(first, head(2))


def test_a_model_from_scratch_is_decided_by_its_seed(make_run) -> None:
    def weights(seed: int) -> list[torch.Tensor]:
        return list(plugin.finetune(make_run(options={"seed": seed})).module.parameters())

    assert all(torch.equal(a, b) for a, b in zip(weights(1), weights(1), strict=True))
    assert not torch.equal(weights(1)[0], weights(2)[0])


def test_a_classifier_is_trained_further_where_the_labels_are_the_same(make_run, classifier: Path) -> None:
    same = plugin.finetune(make_run(weights=classifier))
    assert 1.0 < same.module.head.classifier.weight.abs().max().item()


@pytest.mark.parametrize("labels", [("app", "delivery", "refund"), ("app", "delivery", "refund", "other")])
def test_other_labels_get_a_new_head_on_the_trained_body(
    labels: tuple[str, ...], make_run, classifier: Path, tmp_path: Path
) -> None:
    trained = plugin.finetune(make_run(weights=classifier)).module
    objective = plugin.finetune(make_run(weights=classifier, labels=labels))
    module = objective.module
    assert (len(labels), 128) == module.head.classifier.weight.shape
    assert module.head.classifier.weight.abs().max().item() < 0.2
    assert torch.equal(
        trained.body.encoder.layer[1].output.dense.weight, module.body.encoder.layer[1].output.dense.weight
    )
    objective.export(module, tmp_path)
    assert HeadConfig(labels=labels) == head_of(read_config(tmp_path))


def test_a_language_model_can_be_fine_tuned(make_run, language_model: Path) -> None:
    objective = plugin.finetune(make_run(weights=language_model))
    objective.losses(objective.module, batch_of(objective, make_run, 0, 1)).losses.mean().backward()
    assert objective.module.head.pooler.dense.weight.grad is not None


def test_what_a_frozen_body_said_leads_to_the_same_losses(objective: Classification, make_run) -> None:
    batch = batch_of(objective, make_run, 0, 1, 2)
    module = objective.module.eval()
    with torch.no_grad():
        whole = objective.losses(module, batch).losses
        in_two = objective.losses(module, objective.reduced(module, batch)).losses
    torch.testing.assert_close(whole, in_two)


def test_the_head_and_the_layers_that_adapters_need_are_there(objective: Classification) -> None:
    names = {name for name, _ in objective.module.named_modules()}
    assert set(objective.head) <= names
    assert all(any(name.endswith(target) for name in names) for target in objective.lora_targets)
