"""The engine trains what the hooks build, and what it leaves is a model that works with and without zoo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from zoo_bert.body import BertBody

from zoo import Classification, Example
from zoo.runs.events import CheckpointSaved, StepCompleted
from zoo.testing import PluginHooks
from zoo.training.text.tokenizer_files import load_tokenizer
from zoo.training.text.vocabulary import SPECIAL

plugin = PluginHooks("bert")

pytestmark = pytest.mark.slow

ROWS = tuple(
    Example(text.format(i), label, 2 * i + k)
    for i in range(1, 25)
    for k, (text, label) in enumerate(
        (("the parcel number {} is late", "delivery"), ("my money for {} back", "refund"))
    )
)


@pytest.fixture(scope="module")
def pretrained(make_run) -> Path:
    """What masked language modelling from random numbers leaves."""
    run = make_run(verb="pretrain", train=ROWS, options={"max_steps": 8, "epochs": 4.0, "batch_size": 16})
    plugin.pretrain(run).fit(run)
    return run.model_folder


# peft asks transformers by a name that transformers is about to drop.
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.parametrize("method", ["full", "head", "lora"])
def test_every_method_leaves_a_classifier_that_zoo_and_transformers_agree_about(
    method: str, pretrained: Path, make_run, make_prediction
) -> None:
    options = {"method": method, "epochs": 2.0, "batch_size": 8, "lr": 2e-3}
    run = make_run(weights=pretrained, train=ROWS, labels=("delivery", "refund"), options=options)
    objective = plugin.finetune(run)
    before = [parameter.detach().clone() for parameter in objective.module.body.encoder.parameters()]
    objective.fit(run)
    texts = ["the parcel is late", "my money back", "back is the late parcel " * 5]
    answers = plugin.predict(make_prediction(run.model_folder, "text-classification")).predict(texts)

    model = AutoModelForSequenceClassification.from_pretrained(run.model_folder).eval()
    after = list(model.bert.encoder.parameters())
    assert (method == "head") == all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert (method == "lora") == (run.model_folder / "adapter" / "adapter_model.safetensors").exists()
    inputs = AutoTokenizer.from_pretrained(run.model_folder)(texts, padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        expected = model(**inputs).logits.softmax(-1)
    for answer, row in zip(answers, expected.tolist(), strict=True):
        assert isinstance(answer, Classification)
        probabilities = {score.label: score.probability for score in answer.scores}
        assert dict(zip(("delivery", "refund"), row, strict=True)) == pytest.approx(probabilities, abs=1e-5)


def test_the_vocabulary_learnt_in_pretraining_is_the_one_fine_tuned_with(pretrained: Path, make_run) -> None:
    run = make_run(weights=pretrained, labels=("delivery", "refund"), train=ROWS[:4])
    objective = plugin.finetune(run)
    assert objective.body.vocabulary_size == objective.module.body.embeddings.word_embeddings.num_embeddings
    assert not (run.checkpoints_folder / "tokenizer.json").exists()


def trained(pretrained: Path, make_run, **options: object) -> tuple[dict[str, torch.Tensor], list[float], int]:
    """Weights of a result, the losses on the way, and the size of its checkpoint."""
    events: list[Any] = []
    run = make_run(
        weights=pretrained,
        train=ROWS[:40],
        eval=ROWS[40:],
        labels=("delivery", "refund"),
        options={"max_steps": 6, "save_steps": 6, "batch_size": 8, "lr": 2e-3, **options},
        emit=events.append,
    )
    plugin.finetune(run).fit(run)
    (size,) = [event.size_bytes for event in events if isinstance(event, CheckpointSaved)]
    losses = [event.loss for event in events if isinstance(event, StepCompleted)]
    return load_file(run.model_folder / "model.safetensors"), losses, size


def test_word_pieces_that_do_not_occur_cost_nothing_and_stay_as_they_are(
    pretrained: Path, make_run, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, losses, size = trained(pretrained, make_run, weight_decay=0.0)
    decayed, _, _ = trained(pretrained, make_run, weight_decay=0.5)
    with monkeypatch.context() as patch:
        patch.setattr(BertBody, "begin", lambda self: None)
        expected, expected_losses, whole_size = trained(pretrained, make_run, weight_decay=0.0)
    assert losses == pytest.approx(expected_losses, rel=1e-5)
    for name, tensor in expected.items():
        torch.testing.assert_close(weights[name], tensor, atol=1e-4, rtol=0)

    name = "bert.embeddings.word_embeddings.weight"
    before = load_file(pretrained / "model.safetensors")[name]
    changed = (weights[name] != before).any(1)
    occurring = {i for row in ROWS for i in load_tokenizer(pretrained, SPECIAL).encode(row.input).ids}
    assert set(changed.nonzero()[:, 0].tolist()) <= occurring
    assert 0.5 * len(occurring) < changed.sum()
    unseen = [i for i in range(len(before)) if i not in occurring | {0}]
    assert torch.equal(before[unseen], decayed[name][unseen])
    assert whole_size - size == pytest.approx(3 * 4 * len(unseen) * before.shape[1], rel=0.01)
