"""The engine trains what the hooks build: every method, resumed or not; and learning without labels helps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import msgspec
import pytest
import torch
from safetensors.torch import load_file

from zoo import Example
from zoo.data import load
from zoo.runs.events import InputsPrepared
from zoo.tasks import get_task
from zoo.testing import PluginHooks

plugin = PluginHooks("resnet")

pytestmark = pytest.mark.slow


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")


def stopping_after(looks: int) -> Callable[[], bool]:
    """Someone asks the run to stop at the so-many-th look."""
    count = iter(range(1, 10**9))
    return lambda: next(count) >= looks


@pytest.mark.parametrize("cache", [{}, {"cache_memory": 0}, {"cache_memory": 0, "cache_disk": 0}])
@pytest.mark.parametrize("verb", ["finetune", "pretrain"])
def test_resume_equals_never_having_stopped_wherever_images_are_kept(make_run, tmp_path, verb, cache) -> None:
    """In memory, on disk or nowhere; the uninterrupted run keeps them in memory."""
    options = {"epochs": 2.0, "batch_size": 32, "seed": 5}
    plain = make_run(verb=verb, folder=tmp_path / "whole", options=options)
    plain.folder.mkdir()
    getattr(plugin, verb)(plain).fit(plain)

    # The store looks once an image; the wish comes three steps later.
    stopped = make_run(
        verb=verb, folder=tmp_path / "parts", options=options | cache, should_stop=stopping_after(len(plain.train) + 3)
    )
    stopped.folder.mkdir()
    assert getattr(plugin, verb)(stopped).fit(stopped).cancelled
    resumed = dataclasses.replace(stopped, should_stop=lambda: False)
    getattr(plugin, verb)(resumed).fit(resumed)

    whole, parts = weights_of(tmp_path / "whole"), weights_of(tmp_path / "parts")
    assert whole.keys() == parts.keys()
    assert [] == [name for name in whole if not torch.equal(whole[name], parts[name])]


def test_the_bounds_of_what_is_kept_are_held_and_told(make_run, tmp_path) -> None:
    """A hundred images of 8 x 8 pixels are 19,200 bytes; a megabyte is the smallest bound above none."""
    for options, expected in (
        ({"cache_memory": 1, "cache_disk": 0}, (19_200, 0, 0)),
        ({"cache_memory": 0, "cache_disk": 1}, (0, 19_200, 0)),
        ({"cache_memory": 0, "cache_disk": 0}, (0, 0, 100)),
    ):
        events: list[object] = []
        run = make_run(options=options, emit=events.append)
        plugin.finetune(run).features(run.train)
        prepared = [event for event in events if isinstance(event, InputsPrepared)][-1]
        assert expected == (prepared.memory_bytes, prepared.disk_bytes, prepared.decoded_again)
        assert (100, 100) == (prepared.done, prepared.total)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.parametrize("method", ["full", "head", "lora"])
def test_every_method_changes_what_it_should_and_leaves_a_plain_network(make_run, make_prediction, classifier, method):
    run = make_run(weights=classifier, options={"method": method, "max_steps": 3, "lr": 0.01})
    plugin.finetune(run).fit(run)
    before, after = load_file(classifier / "model.safetensors"), weights_of(run.folder)
    changed = {name for name in after if not torch.equal(before[name], after[name])}

    assert before.keys() == after.keys()
    assert {"fc.weight", "fc.bias"} <= changed
    statistics = {name for name in changed if "running" in name or "num_batches" in name}
    body = {name for name in changed if not name.startswith("fc.")} - statistics
    assert (method == "head") == (not body)
    assert (method == "full") == bool(statistics)
    assert (method == "lora") == (bool(body) and all("conv" in name for name in body))
    answer = plugin.predict(make_prediction(run.model_folder)).predict([run.train[0].input])[0]
    assert 5 == len(answer.scores)


def test_a_broken_image_is_set_aside_and_the_run_goes_on(make_run, tmp_path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    run = make_run(options={"max_steps": 1})
    train = (*run.train[:40], msgspec.structs.replace(run.train[0], input=str(broken), row=41))
    aside: list[tuple[Example, str]] = []
    run = dataclasses.replace(run, train=train, set_aside=aside.extend)
    plugin.finetune(run).fit(run)

    assert [(str(broken), 41)] == [(example.input, example.row) for example, _ in aside]


def test_learning_without_labels_helps_learning_with_few(make_run, digits, labelled) -> None:
    """1,437 digits without labels, then a head on three labels a digit: at least five points better than a network
    trained on those labels alone.

    The mean of three draws of the labels, which share the pretrained network; accuracy on 360 other digits. Five seeds
    gave 13 to 21 points.
    """
    unlabelled = load(digits / "unlabelled", get_task("image-feature-extraction")).examples
    test = load(digits / "test", get_task("image-classification")).examples
    pretrained = make_run(verb="pretrain", train=unlabelled, options=VIEWS | {"epochs": 3.0})
    plugin.pretrain(pretrained).fit(pretrained)

    def accuracy(draw: int, weights: Path | None, **options: object) -> float:
        few = tuple(example for digit in DIGITS for example in of_digit(labelled, digit)[3 * draw : 3 * draw + 3])
        options |= VIEWS | {"eval_steps": 10_000, "seed": draw}
        run = make_run(weights=weights, train=few, eval=test, options=options)
        return plugin.finetune(run).fit(run).metrics["accuracy"]

    head = {"method": "head", "max_steps": 60, "batch_size": 10}
    with_unlabelled = [accuracy(draw, pretrained.model_folder, **head) for draw in range(3)]
    labels_alone = [accuracy(draw, None, epochs=25.0) for draw in range(3)]
    print(with_unlabelled, labels_alone)

    assert mean(with_unlabelled) - mean(labels_alone) >= 0.05


VIEWS = {"crop_scale": 0.4, "rotate": 15.0}
DIGITS = "0123456789"


def of_digit(examples: tuple[Example, ...], digit: str) -> list[Example]:
    return [example for example in examples if example.label == digit]
