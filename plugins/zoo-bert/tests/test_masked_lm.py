"""Masked language modelling."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from zoo.testing import PluginHooks
from zoo.training.objectives import MaskedLanguageModelling
from zoo.training.objectives.masked_lm import IGNORED, MaskedMetrics
from zoo.training.waiting import noting_waits

plugin = PluginHooks("bert")


@pytest.fixture(scope="module")
def objective(make_run) -> MaskedLanguageModelling:
    return plugin.pretrain(make_run(verb="pretrain"))


def batch_of(objective: MaskedLanguageModelling, make_run, rows: range, seed: int = 0) -> dict[str, torch.Tensor]:
    features = objective.features(make_run().train)
    return objective.collate([features[i] for i in rows], [seed + i for i in rows], training=True)


def every_score(objective: MaskedLanguageModelling, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """Of all tokens, shape (batch, tokens, vocabulary)."""
    shape = inputs["input_ids"].shape
    return objective.module(**inputs | {"hidden": torch.arange(shape.numel())}).unflatten(0, shape)


def test_fifteen_percent_are_to_be_predicted_most_of_them_hidden(objective: MaskedLanguageModelling) -> None:
    ids = torch.randint(5, objective.body.vocabulary_size, (100_000,), generator=torch.Generator().manual_seed(0))
    input_ids, labels = objective.mask(ids, seed=1)
    masked = labels != IGNORED
    hidden, unchanged = (input_ids == objective.body.mask_id), (input_ids == ids)
    assert 0.15 == pytest.approx(masked.float().mean().item(), abs=0.005)
    assert 0.8 == pytest.approx(hidden[masked].float().mean().item(), abs=0.01)
    assert 0.1 == pytest.approx(unchanged[masked].float().mean().item(), abs=0.01)
    assert torch.equal(ids[masked], labels[masked])
    assert bool(unchanged[~masked].all())


def test_the_share_can_be_chosen(make_run) -> None:
    objective = plugin.pretrain(make_run(verb="pretrain", options={"mask_probability": 0.4}))
    _, labels = objective.mask(torch.full((50_000,), 7), seed=1)
    assert 0.4 == pytest.approx((labels != IGNORED).float().mean().item(), abs=0.01)


def test_special_tokens_are_never_hidden_and_one_other_always_is(objective: MaskedLanguageModelling) -> None:
    ids = torch.tensor([2, 17, 3])
    for seed in range(200):
        _, labels = objective.mask(ids, seed)
        assert [IGNORED, 17, IGNORED] == labels.tolist()


def test_the_seed_of_an_example_decides_whatever_stands_beside_it(objective: MaskedLanguageModelling, make_run) -> None:
    features = objective.features(make_run().train)
    together = objective.collate(features[:4], [10, 11, 12, 13], training=True)
    alone = objective.collate(features[2:3], [12], training=True)
    length = alone["input_ids"].shape[1]
    for name in ("input_ids", "labels"):
        assert torch.equal(together[name][2, :length], alone[name][0])


def test_another_epoch_hides_other_tokens(objective: MaskedLanguageModelling, make_run) -> None:
    first, second = (batch_of(objective, make_run, range(8), seed) for seed in (0, 100))
    assert not torch.equal(first["labels"], second["labels"])


def test_losses_are_means_over_the_hidden_tokens_of_the_whole_model(
    objective: MaskedLanguageModelling, make_run
) -> None:
    objective.module.eval()
    batch = batch_of(objective, make_run, range(8))
    inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
    with torch.no_grad():
        output = objective.losses(objective.module, batch)
        logits = every_score(objective, inputs)
    for row in range(8):
        expected = torch.nn.functional.cross_entropy(logits[row], batch["labels"][row], ignore_index=IGNORED)
        torch.testing.assert_close(output.losses[row], expected, atol=1e-5, rtol=0)
    hits = ((logits.argmax(-1) == batch["labels"]).sum(-1)).tolist()
    assert hits == output.for_metrics["hits"].tolist()
    assert (batch["labels"] != IGNORED).sum(-1).tolist() == output.for_metrics["hidden"].tolist()


def test_a_step_waits_for_no_device(objective: MaskedLanguageModelling, make_run) -> None:
    batch = batch_of(objective, make_run, range(8))
    with noting_waits() as waits:
        objective.losses(objective.module, batch).losses.sum().backward()
    objective.module.zero_grad()
    assert waits == set()


def test_an_accelerator_scores_a_multiple_of_tokens(objective: MaskedLanguageModelling, make_run) -> None:
    """Those too many change nothing."""
    run = dataclasses.replace(make_run(verb="pretrain"), device="cuda:0")
    elsewhere = plugin.pretrain(run)
    batch, padded = (batch_of(one, make_run, range(8)) for one in (objective, elsewhere))
    objective.module.eval()
    expected, actual = (objective.losses(objective.module, one) for one in (batch, padded))

    assert len(padded["hidden"]) % 64 == 0
    assert len(padded["hidden"]) > len(batch["hidden"])
    torch.testing.assert_close(actual.losses, expected.losses)
    for name, values in expected.for_metrics.items():
        torch.testing.assert_close(actual.for_metrics[name], values)


def test_an_example_with_nothing_to_hide_loses_nothing(objective: MaskedLanguageModelling) -> None:
    output = objective.losses(objective.module, objective.collate([[2, 3], [2, 3]], [0, 1], training=True))
    assert [0.0, 0.0] == output.losses.tolist()
    output.losses.sum().backward()


def test_every_parameter_gets_a_gradient(make_run) -> None:
    objective = plugin.pretrain(make_run(verb="pretrain"))
    objective.losses(objective.module, batch_of(objective, make_run, range(8))).losses.mean().backward()
    without = [name for name, p in objective.module.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert [] == [name for name in without if not name.endswith("key.bias")]


def test_figures_weigh_examples_by_their_hidden_tokens() -> None:
    metrics, other = MaskedMetrics(), MaskedMetrics()
    metrics.update(2.0, 1, 1)
    other.update(5.0, 3, 0)
    metrics.merge(other)
    figures = metrics.compute()
    assert 4.25 == figures["loss"]
    assert 70.105 == pytest.approx(figures["perplexity"], abs=1e-3)
    assert 0.25 == figures["masked_accuracy"]
    assert {} == MaskedMetrics().compute()


def test_an_evaluation_counts_only_the_examples_that_count(objective: MaskedLanguageModelling, make_run) -> None:
    batch = batch_of(objective, make_run, range(4))
    output = objective.losses(objective.module, batch)
    metrics = objective.metrics()
    objective.update_metrics(metrics, output, 2)
    counts = (batch["labels"] != IGNORED).sum(-1)[:2]
    expected = (output.losses[:2] * counts).sum() / counts.sum()
    assert expected.item() == pytest.approx(metrics.compute()["loss"], abs=1e-5)


@pytest.mark.parametrize("origin", ["scratch", "minilm"])
def test_the_result_works_with_transformers_alone(origin: str, make_run, minilm: Path, tmp_path: Path) -> None:
    run = (
        make_run(verb="pretrain")
        if origin == "scratch"
        else make_run("all-minilm-l6-v2", verb="pretrain", weights=minilm)
    )
    objective = plugin.pretrain(run)
    objective.export(objective.module.eval(), tmp_path)
    model = AutoModelForMaskedLM.from_pretrained(tmp_path)
    assert "BertForMaskedLM" == type(model).__name__
    inputs = AutoTokenizer.from_pretrained(tmp_path)(["my parcel [MASK] late"], return_tensors="pt")
    with torch.no_grad():
        ours = every_score(objective, {"input_ids": inputs["input_ids"]})
        torch.testing.assert_close(ours, model(**inputs).logits, atol=1e-5, rtol=0)
    decoder = model.cls.predictions.decoder.weight
    assert decoder is model.bert.embeddings.word_embeddings.weight


def test_pretraining_goes_on_where_a_language_model_ended(make_run, language_model: Path) -> None:
    further = plugin.pretrain(make_run(verb="pretrain", weights=language_model))
    assert 20.0 == pytest.approx(further.module.head.transform.LayerNorm.weight.mean().item())
