"""Other names for models, as a person chooses and uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import zoo
from tests.hub_server import hub_server
from zoo import UnknownModel
from zoo.aliases import BUILT_IN, path
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode

CONFIG = {
    "model_type": "distilbert",
    "architectures": ["DistilBertForSequenceClassification"],
    "id2label": {"0": "NEGATIVE", "1": "POSITIVE"},
}


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    capsys.readouterr()
    assert main(["alias", "--json"]) == ExitCode.OK
    return {one["name"]: one["model"] for one in json.loads(capsys.readouterr().out)}


def test_a_name_is_chosen_used_and_forgotten(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alias", "mini", "all-minilm-l6-v2"]) == ExitCode.OK
    assert listed(capsys) == {**BUILT_IN, "mini": "bert/all-minilm-l6-v2"}
    assert main(["show", "mini"]) == ExitCode.OK
    assert capsys.readouterr().out.startswith("all-minilm-l6-v2:")

    assert main(["alias", "--remove", "mini"]) == ExitCode.OK
    assert listed(capsys) == BUILT_IN


def test_a_name_of_zoo_stands_for_what_a_person_chooses(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["alias", "sentiment", "echo"])
    assert listed(capsys)["sentiment"] == "echo/echo"
    main(["alias", "--remove", "sentiment"])
    assert listed(capsys) == BUILT_IN


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["mini", "no-such-model"], "there is no model 'no-such-model'"),
        (["echo", "all-minilm-l6-v2"], "there is a model echo already"),
        (["a name", "echo"], "'a name' is no name for a model"),
        (["mini"], "there is no other name 'mini'"),
        (["--remove", "sentiment"], "nobody chose another name 'sentiment'"),
        (["--remove"], "--remove takes the one name"),
    ],
)
def test_what_cannot_be_is_refused(
    words: list[str], message: str, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alias", *words]) != ExitCode.OK
    assert message in capsys.readouterr().err
    assert not path().exists()


def test_a_damaged_file_is_told(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store.mkdir(exist_ok=True)
    path().write_text("[1")
    assert main(["alias"]) == ExitCode.STORE
    assert "delete it" in capsys.readouterr().err


def test_a_name_whose_model_is_gone_says_how_to_choose_another(store: Path) -> None:
    store.mkdir(exist_ok=True)
    path().write_text('{"mine": "bert/run-of-old"}')
    with pytest.raises(UnknownModel, match="mine stands for bert/run-of-old, which is not here"):
        zoo.load("mine")


def test_offline_it_is_told_what_a_name_stands_for_and_how_to_choose_another(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for words in (["predict", "sentiment", "fine"], ["pull", "sentiment"]):
        assert main(words) == ExitCode.DOWNLOAD
        told = capsys.readouterr().err
        assert f"sentiment stands for {BUILT_IN['sentiment']}, which is not here: " in told
        assert "zoo alias sentiment MODEL lets the name stand for another model" in told


def test_a_model_of_the_hub_comes_with_the_first_use_of_its_name(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"config.json": json.dumps(CONFIG).encode(), "model.safetensors": b"not asked", "vocab.txt": b"a"}
    repository = BUILT_IN["sentiment"].removeprefix("hub:")
    with hub_server() as server:
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_HOME", str(store / "hf"))
        server.serve_repository(repository, files)
        main(["predict", "sentiment", "--no-such-flag"])
        told = capsys.readouterr().err
        assert main(["pull", "sentiment"]) == ExitCode.OK

    name = repository.partition("/")[2]
    assert f"sentiment is {name}" in told
    capsys.readouterr()
    assert main(["show", "sentiment"]) == ExitCode.OK
    assert capsys.readouterr().out.startswith(f"{name}:")
