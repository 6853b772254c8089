"""Predicting equals plain torchvision, and every kind of input is answered or rejected in its place."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file

from zoo import Classification, Embedding, Rejected
from zoo.testing import PluginHooks

plugin = PluginHooks("resnet")


@pytest.fixture(scope="module")
def resnet18(tmp_path_factory: pytest.TempPathFactory, card) -> tuple[Path, torch.nn.Module]:
    """torchvision's ResNet-18 from random numbers that tell pictures apart; its weights as torchvision keeps them."""
    torch.manual_seed(0)
    network = torchvision.models.resnet18()
    with torch.no_grad():
        network.train()(torch.rand(8, 3, 224, 224))  # statistics of their own for the batch norms
        network.fc.weight.mul_(20)
    folder = tmp_path_factory.mktemp("resnet18")
    torch.save(network.state_dict(), folder / "resnet18-f37072fd.pth")
    return folder, network.eval()


def test_probabilities_are_those_of_plain_torchvision(resnet18, make_prediction, photographs) -> None:
    folder, network = resnet18
    answers = plugin.predict(make_prediction(folder, name="resnet18", top_k=1000)).predict(
        [str(p) for p in photographs]
    )

    weights = torchvision.models.ResNet18_Weights.DEFAULT
    for path, answer in zip(photographs, answers, strict=True):
        with torch.no_grad():
            expected = network(weights.transforms()(Image.open(path))[None]).softmax(-1)[0]
        probabilities = {score.label: score.probability for score in answer.scores}
        assert dict(zip(weights.meta["categories"], expected.tolist(), strict=True)) == pytest.approx(
            probabilities, abs=1e-5
        )
        assert [score.probability for score in answer.scores] == sorted(probabilities.values(), reverse=True)


def test_paths_pictures_and_arrays_are_answered_alike_and_in_order(classifier, make_prediction, digits) -> None:
    path = next((digits / "test" / "3").iterdir())
    picture = Image.open(path)
    array = np.asarray(picture)
    inputs = [str(path), path, picture, array, np.repeat(array[..., None], 3, axis=2), "nowhere.png", str(path)]
    *answers, rejected, last = plugin.predict(make_prediction(classifier, batch_size=2)).predict(inputs)

    for answer in (*answers, last):
        assert [score.label for score in answer.scores] == [score.label for score in answers[0].scores]
        # A batch of another size may add up in another order.
        assert [score.probability for score in answer.scores] == pytest.approx(
            [score.probability for score in answers[0].scores], abs=1e-5
        )
    assert isinstance(rejected, Rejected)
    assert 5 == len(answers[0].scores)


def test_broken_files_are_rejected_in_their_place(classifier, make_prediction, digits, photographs, tmp_path) -> None:
    whole = photographs[0].read_bytes()
    for name, content in (("cut.jpg", whole[: len(whole) // 2]), ("empty.png", b""), ("text.png", b"<html>")):
        (tmp_path / name).write_bytes(content)
    good = str(photographs[1])
    inputs = [good, *(str(tmp_path / name) for name in ("cut.jpg", "empty.png", "text.png")), str(tmp_path), 3, good]
    answers = plugin.predict(make_prediction(classifier)).predict(inputs)

    assert [Classification, *[Rejected] * 5, Classification] == [type(answer) for answer in answers]
    reasons = [answer.reason for answer in answers[1:6]]
    assert ["it is empty (0 bytes)", "it is a folder, not a file"] == [reasons[1], reasons[3]]
    assert all(reasons)


def test_answers_do_not_depend_on_the_batch(classifier, make_prediction, digits) -> None:
    paths = sorted(str(path) for path in (digits / "test").glob("*/*.png"))[:23]
    by_batch_size = [
        plugin.predict(make_prediction(classifier, top_k=10, batch_size=size)).predict(paths) for size in (1, 7, 64)
    ]

    for answers in by_batch_size[1:]:
        for one, other in zip(by_batch_size[0], answers, strict=True):
            expected = {score.label: score.probability for score in one.scores}
            assert expected == pytest.approx({score.label: score.probability for score in other.scores}, abs=1e-5)


def test_nothing_asked_nothing_answered(classifier, make_prediction) -> None:
    assert [] == plugin.predict(make_prediction(classifier)).predict([])


def test_features_are_the_pooled_output_of_the_last_stage(resnet18, make_prediction, photographs) -> None:
    folder, network = resnet18
    predictor = plugin.predict(make_prediction(folder, task="image-feature-extraction", name="resnet18"))
    (answer,) = predictor.predict([photographs[0]])

    body = torch.nn.Sequential(*list(network.children())[:-1])
    with torch.no_grad():
        image = torchvision.models.ResNet18_Weights.DEFAULT.transforms()(Image.open(photographs[0]))
        expected = body(image[None]).flatten()
    assert isinstance(answer, Embedding)
    assert expected.tolist() == pytest.approx(list(answer.vector), abs=1e-5)


def test_half_precision_finds_the_same_label(classifier, make_prediction, digits) -> None:
    paths = sorted(str(path) for path in (digits / "test").glob("*/*.png"))[:50]
    full, half = (
        [answer.label for answer in plugin.predict(make_prediction(classifier, precision=name)).predict(paths)]
        for name in ("fp32", "bf16")
    )

    assert sum(a == b for a, b in zip(full, half, strict=True)) >= 48


def test_the_result_works_with_torchvision_as_its_readme_shows(classifier, make_prediction, digits) -> None:
    path = sorted((digits / "test" / "7").iterdir())[0]
    readme = (classifier / "README.md").read_text(encoding="utf-8")
    code = readme.split("```python\n")[1].split("```")[0]
    code = code.replace("this folder", str(classifier)).replace("a.jpg", str(path)).replace("print(", "answer = (")
    space: dict[str, object] = {}
    exec(code, space)
    (answer,) = plugin.predict(make_prediction(classifier)).predict([path])

    assert answer.label == space["answer"]
    expected = torch.as_tensor(space["logits"]).softmax(-1).max().item()
    assert answer.probability == pytest.approx(expected, abs=1e-5)


def test_a_result_says_itself_what_it_is(classifier) -> None:
    config = json.loads((classifier / "config.json").read_text())

    assert list("0123456789") == config["labels"]
    assert {"builder": "resnet10", "stem": "small"} == config["architecture"]
    assert [3, 8, 8] == config["image"]["input_size"]
    assert "fc.weight" in load_file(classifier / "model.safetensors")
