"""A card tells what a model is; its facts are derived in one place."""

from __future__ import annotations

import msgspec
import pytest

import zoo
from zoo.card import Source, Weights, WeightsFile
from zoo.errors import Unsupported

ABILITIES = (
    zoo.Ability(verb="pretrain", task="fill-mask"),
    zoo.Ability(verb="finetune", task="text-classification"),
    zoo.Ability(verb="predict", task="text-classification"),
    zoo.Ability(verb="predict", task="feature-extraction"),
)


def make_card(**fields: object) -> zoo.Card:
    return msgspec.structs.replace(
        zoo.Card(name="model", task="fill-mask", family="toy", summary="a toy", abilities=()), **fields
    )


def test_tasks_are_those_of_the_abilities_once_each_recommended_ones_and_the_home_task_first() -> None:
    card = make_card(abilities=ABILITIES)

    assert card.tasks == ("fill-mask", "text-classification", "feature-extraction")
    assert make_card(abilities=ABILITIES[1:]).tasks == ("text-classification", "feature-extraction")
    assert make_card(abilities=ABILITIES, recommended_for=("feature-extraction",)).tasks == (
        "feature-extraction",
        "fill-mask",
        "text-classification",
    )
    assert card.verbs == ("pretrain", "finetune", "predict")
    assert card.tasks_of("predict") == ("text-classification", "feature-extraction")
    assert card.tasks_of("finetune") == ("text-classification",)


def test_a_verb_and_a_task_lead_to_an_ability_and_the_task_is_needed_where_there_are_several() -> None:
    card = make_card(abilities=ABILITIES)

    assert card.ability("finetune") is card.ability("finetune", "text-classification") is ABILITIES[1]
    assert card.ability("predict", "feature-extraction") is ABILITIES[3]
    with pytest.raises(
        Unsupported, match="model can predict for several tasks: text-classification, feature"
    ) as caught:
        card.ability("predict")
    assert "--task text-classification" in caught.value.hint
    with pytest.raises(Unsupported, match="model cannot predict for dancing") as caught:
        card.ability("predict", "dancing")
    assert caught.value.hint == "--task takes text-classification, feature-extraction here"
    with pytest.raises(Unsupported, match="model cannot predict"):
        make_card(abilities=ABILITIES[:1]).ability("predict")


@pytest.mark.parametrize(
    ("abilities", "advice"),
    [
        (ABILITIES, "train it: zoo finetune model --data FILE"),
        ((ABILITIES[0], ABILITIES[3]), "train it: zoo pretrain model --data FILE"),
        (ABILITIES[3:], "choose another model"),
    ],
)
def test_a_model_that_has_learnt_nothing_is_trained_as_it_can_be(
    abilities: tuple[zoo.Ability, ...], advice: str
) -> None:
    assert advice in make_card(abilities=abilities).training_advice


def test_a_dict_of_verbs_is_taken_as_it_was_before() -> None:
    ability = zoo.Ability(task="text-classification")
    card = zoo.Card(
        name="model",
        task="text-classification",
        family="toy",
        summary="a toy",
        abilities={"finetune": ability, "predict": ability},  # type: ignore[arg-type]
    )

    assert [(one.verb, one.task) for one in card.abilities] == [
        ("finetune", "text-classification"),
        ("predict", "text-classification"),
    ]


def test_the_full_name_carries_the_plugin() -> None:
    assert make_card(plugin="toys").full_name == "toys/model"


def test_a_card_is_a_value() -> None:
    assert make_card() == make_card()
    with pytest.raises(AttributeError):
        make_card().name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(("sizes", "total"), [((), None), ((None,), None), ((5, None, 7), 12)])
def test_the_size_of_weights_is_that_of_the_files_that_tell(sizes: tuple[int | None, ...], total: int | None) -> None:
    files = tuple(WeightsFile(name=f"{i}.bin", size_bytes=size) for i, size in enumerate(sizes))

    assert Weights(files=files, sources=()).size_bytes == total


@pytest.mark.parametrize(
    "source",
    [
        zoo.HubSource(repository="someone/model", revision="0" * 40),
        zoo.UrlSource(base_url="https://example.org/models"),
        zoo.PackageSource(distribution="some-weights", folder="some_weights/model"),
        zoo.WheelSource(distribution="some-weights", version="1.0", folder="some_weights/model"),
        zoo.FolderSource(path="/models/mine"),
    ],
)
def test_a_source_round_trips_through_json_as_its_own_kind(source: Source) -> None:
    weights = Weights(files=(WeightsFile(name="onnx/model.onnx", sha256="0" * 64),), sources=(source,))

    assert msgspec.json.decode(msgspec.json.encode(weights), type=Weights) == weights


@pytest.mark.parametrize("name", ["model.safetensors", "1_Pooling/config.json", "a..b", "...", "naïve.bin", "a b.txt"])
def test_a_file_name_is_a_path_inside_the_folder(name: str) -> None:
    assert msgspec.convert({"name": name}, WeightsFile).name == name


@pytest.mark.parametrize(
    "name", ["", "/a", "~", "~/a", "..", "../a", "a/..", "a/../b", "a\\b", "C:a", "a\n", "a\x00b", "x" * 241]
)
def test_a_file_name_that_leads_elsewhere_is_no_name(name: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"\$\.name"):
        msgspec.convert({"name": name}, WeightsFile)


@pytest.mark.parametrize(
    "source",
    [
        {"type": "hub", "repository": "someone/model", "revision": "main"},
        {"type": "hub", "repository": "someone/model", "revision": "0" * 40 + "\n"},
        {"type": "hub", "repository": "model", "revision": "0" * 40},
        {"type": "hub", "repository": "a/b/../c", "revision": "0" * 40},
        {"type": "url", "base_url": "file:///etc"},
        {"type": "package", "distribution": "some-weights", "folder": "../elsewhere"},
        {"type": "ftp", "path": "x"},
    ],
)
def test_a_source_that_is_not_pinned_or_leads_elsewhere_is_refused(source: dict[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"files": [], "sources": [source]}, Weights)
