"""Fine-tuning: what is seen, what is trained, what is left."""

from __future__ import annotations

import pytest
import torch

from zoo.runs.events import Noted
from zoo.testing import PluginHooks

plugin = PluginHooks("resnet")


def test_training_sees_random_views_and_evaluation_the_centre(make_run) -> None:
    run = make_run(options={"crop_scale": 0.3})
    objective = plugin.finetune(run)
    features = objective.features(run.train[:4])
    batches = [
        objective.collate(features, seeds, training=training)["images"]
        for seeds, training in (
            ([1, 2, 3, 4], True),
            ([5, 6, 7, 8], True),
            ([1, 2, 3, 4], False),
            ([5, 6, 7, 8], False),
        )
    ]

    assert not torch.equal(batches[0], batches[1])
    assert torch.equal(batches[2], batches[3])
    assert (4, 8, 8, 3) == tuple(batches[0].shape)


def test_one_loss_an_image_and_one_image_alone_can_be_trained_on(make_run) -> None:
    run = make_run()
    objective = plugin.finetune(run)
    features = objective.features(run.train[:5])
    module = objective.module.train()

    for count in (5, 1):
        batch = objective.collate(features[:count], list(range(count)), training=True)
        assert (count,) == tuple(objective.losses(module, batch).losses.shape)


@pytest.mark.parametrize(("stages", "moving"), [(0, 12), (1, 11), (3, 6), (5, 0)])
def test_frozen_stages_keep_weights_and_statistics(make_run, stages: int, moving: int) -> None:
    """Ten-layer network: the stem has one batch norm, the stages two each, from the second on one more."""
    run = make_run(options={"frozen_stages": stages, "max_steps": 2})
    objective = plugin.finetune(run)
    norms = [module for module in objective.module.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    objective.fit(run)

    assert 12 == len(norms)
    assert moving == sum(bool(norm.running_mean.abs().sum() > 0) for norm in norms)


def test_weights_of_the_same_labels_bring_their_head(make_run, classifier) -> None:
    """Other labels are another head, and that is told."""
    same = plugin.finetune(make_run(weights=classifier)).module.head.weight
    events: list[object] = []
    run = make_run(weights=classifier, labels=tuple("98765432"), emit=events.append)
    other = plugin.finetune(run).module.head.weight
    from safetensors.torch import load_file

    trained = load_file(classifier / "model.safetensors")["fc.weight"]
    assert torch.equal(trained, same)
    assert not torch.equal(trained[:8], other)
    assert [Noted] == [type(event) for event in events]
    assert "the head is new: 8 labels, the weights had 10 labels" == events[0].message
