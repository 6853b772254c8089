"""Several tasks on one body for pictures: labels, boxes and views without labels, each as its own options say."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.training.images.tiny import CARD, LABELS, StartedRun, TinyBody, drawn, make_run
from tests.training.weights import assert_identical
from zoo.ability_options import option_set
from zoo.card import Ability
from zoo.data.example import Example
from zoo.errors import Unsupported
from zoo.image_options import ImagePretrainOptions
from zoo.runs.context import FitResult, TrainingRun
from zoo.runs.events import EvaluationCompleted
from zoo.runs.heads import merge
from zoo.runs.result import HEADS
from zoo.tasks import get_task
from zoo.training.objectives.joint import Joint
from zoo.training.weights import state_of

pytestmark = pytest.mark.slow
VIEWS = option_set(Ability(verb="pretrain", task="image-feature-extraction", options=ImagePretrainOptions))
NAMES = ("boxes", "labels", "views")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Example, ...]:
    return drawn(tmp_path_factory.mktemp("pictures"), 14)


def labelled(pictures: Sequence[Example]) -> tuple[Example, ...]:
    return tuple(Example(one.input, LABELS[len(one.target) > 1], one.row) for one in pictures)


def start(folder: Path, pictures: tuple[Example, ...], *, names: Sequence[str] = NAMES, **options: Any) -> StartedRun:
    usual: dict[str, Any] = {"max_steps": 5, "eval_steps": 3, "image_size": 64}
    started = make_run(folder, pictures[:10], pictures[10:], **usual | options)
    run, rest = started.run, {name: options[name] for name in ("cache_memory", "cache_disk") if name in options}
    runs = {
        "boxes": dataclasses.replace(run, source="boxes"),
        "labels": dataclasses.replace(
            run,
            source="labels",
            task=get_task("image-classification"),
            train=labelled(run.train),
            eval=labelled(run.eval),
        ),
        "views": dataclasses.replace(
            run,
            source="views",
            task=get_task("image-feature-extraction"),
            options=VIEWS(**{"batch_size": 8, "image_size": 64, **rest}),
            labels=(),
        ),
    }
    joint = dataclasses.replace(run, sources=tuple(runs[name] for name in names))
    return StartedRun(joint, started.events)


def fit(run: TrainingRun) -> FitResult:
    torch.manual_seed(0)
    return Joint(run, TinyBody).fit(run)


def weights(folder: Path, name: str) -> dict[str, torch.Tensor]:
    return state_of(CARD, folder / "model" / HEADS / name, folder)


@pytest.mark.parametrize(("method", "names"), [("full", NAMES), ("head", NAMES[:2]), ("lora", NAMES)])
def test_resume_equals_never_having_stopped(
    tmp_path: Path, pictures: tuple[Example, ...], method: str, names: Sequence[str]
) -> None:
    whole = start(tmp_path / "whole", pictures, names=names, method=method).run
    expected = fit(whole)
    run, events = start(tmp_path / "parts", pictures, names=names, method=method)
    first = fit(dataclasses.replace(run, should_stop=lambda: any(isinstance(e, EvaluationCompleted) for e in events)))
    second = fit(start(tmp_path / "parts", pictures, names=names, method=method).run)

    assert (first.cancelled, second.cancelled) == (True, False)
    assert first.step == 4
    assert second.sources == expected.sources
    for name in names:
        assert_identical(weights(tmp_path / "whole", name), weights(tmp_path / "parts", name))


def test_the_body_is_held_once_though_its_names_differ(tmp_path: Path, pictures: tuple[Example, ...]) -> None:
    fit(start(tmp_path, pictures).run)
    boxes, labels, views = (tmp_path / "model" / HEADS / name for name in NAMES)
    body = load_file(boxes / "body.safetensors")
    assert {name for name in body if name.startswith("backbone.body.stages.")} == set(body)
    assert (boxes / "body.safetensors").samefile(views / "body.safetensors")
    own = [name for name in sorted(load_file(labels / "head.safetensors")) if not name.startswith("stages.")]
    assert own == ["fc.bias", "fc.weight", "last.bias", "last.weight"]
    for head in (boxes, labels):
        merge(head, tmp_path / head.name)
        merged = load_file(tmp_path / head.name / "model.safetensors")
        assert_identical(merged, weights(tmp_path, head.name))
    network = TinyBody(make_run(tmp_path / "again", (), weights=tmp_path / "labels").run).module
    assert torch.equal(network.state_dict()["stages.2.conv.weight"], body["backbone.body.stages.2.conv.weight"])


def test_each_source_has_statistics_of_its_own_where_nothing_is_pretrained(
    tmp_path: Path, pictures: tuple[Example, ...]
) -> None:
    """What is learnt is the same for all."""
    fit(start(tmp_path, pictures, max_steps=9).run)
    first, second, third = (weights(tmp_path, name) for name in NAMES)
    prefix, norm = "backbone.body.", "stages.0.norm"
    assert torch.equal(first[f"{prefix}{norm}.weight"], second[f"{norm}.weight"])
    assert torch.equal(second[f"{norm}.weight"], third[f"{norm}.weight"])
    means = [first[f"{prefix}{norm}.running_mean"], second[f"{norm}.running_mean"], third[f"{norm}.running_mean"]]
    assert not any(torch.equal(one, other) for one, other in itertools.combinations(means, 2))


def test_what_one_source_does_not_learn_is_learnt_by_another(tmp_path: Path, pictures: tuple[Example, ...]) -> None:
    """Boxes leave the first layers of a pretrained body as they are, and the layer behind the maps; labels do not."""
    fit(start(tmp_path / "first", pictures).run)
    merge(tmp_path / "first" / "model" / HEADS / "labels", tmp_path / "pretrained")
    before = load_file(tmp_path / "pretrained" / "model.safetensors")

    def changed(*names: str) -> set[str]:
        folder = tmp_path / "-".join(names)
        fit(start(folder, pictures, names=names, weights=tmp_path / "pretrained").run)
        after = weights(folder, names[-1])
        return {name for name in before if name in after and not torch.equal(before[name], after[name])}

    learnt = changed("boxes", "labels")
    assert {"stages.0.conv.weight", "last.weight", "stages.3.conv.weight"} <= learnt
    assert not [name for name in learnt if ".norm." in name]


@pytest.mark.parametrize(("memory", "disk"), [(0, 1), (0, 0)])
def test_pictures_are_the_same_wherever_they_are_kept(
    tmp_path: Path, pictures: tuple[Example, ...], memory: int, disk: int
) -> None:
    expected = fit(start(tmp_path / "a", pictures).run)
    actual = fit(start(tmp_path / "b", pictures, cache_memory=memory, cache_disk=disk).run)
    assert actual.sources == expected.sources


def test_a_source_without_a_head_is_named_where_heads_are_learnt(tmp_path: Path, pictures: tuple[Example, ...]) -> None:
    run = start(tmp_path, pictures, method="head").run
    with pytest.raises(Unsupported, match=r"^views: there is no head apart from the body"):
        fit(run)
