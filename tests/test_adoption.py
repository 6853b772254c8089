"""A model of the Hub that no card describes: pinned, claimed by one plugin, safe, and a model like any other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.hub_server import COMMIT, HubServer, hub_server
from tests.plugin_site import Site, new_site
from tests.weights_factory import sha256, some_bytes
from zoo.card import HubSource
from zoo.catalog import Catalog
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.fetch import fetch, locate
from zoo.fetch.places import hub_cache
from zoo.paths import home as zoo_home
from zoo.ranking import mark

PLUGIN = """
import zoo

@zoo.hookimpl
def card_for(name, config, weights, documents):
    if config.get("model_type") != "{kind}":
        return None
    if config.get("secret"):
        raise zoo.Unsupported(name + " keeps a secret", "choose another")
    files = tuple(f for f in weights.files if f.name in ("model.safetensors", "config.json"))
    return zoo.Card(
        name=name, task="text-classification", family="toy", summary="from the Hub",
        abilities={{"predict": zoo.Ability(task="text-classification")}},
        weights=zoo.Weights(files=files, sources=weights.sources),
        input=zoo.TextInput(max_tokens=documents.get("tokenizer_config.json", {{}}).get("model_max_length", 9)),
    )

@zoo.hookimpl
def predict(run):
    return Echo()

class Echo:
    def predict(self, inputs):
        return [zoo.Classification((zoo.Score("yes", 1.0),)) for _ in inputs]
"""
CONTENT = some_bytes(200_000)
REPOSITORY = "people/Toy-Model"
REFERENCE = f"hub:{REPOSITORY}"
NO_CODE = "hint: zoo never runs code from model repositories"


def files(**more: Any) -> dict[str, bytes]:
    """A repository of the toy's kind; keyword arguments go into its config."""
    return {
        "model.safetensors": CONTENT,
        "config.json": json.dumps({"model_type": "toy", **more}).encode(),
        "tokenizer_config.json": b'{"model_max_length": 77}',
        "README.md": b"# a model",
    }


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with hub_server() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield server


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with new_site(tmp_path / "site", monkeypatch) as site:
        site.install("toy", PLUGIN.format(kind="toy"))
        yield site


def refused(capsys: pytest.CaptureFixture[str], *words: str, code: ExitCode = ExitCode.USAGE) -> list[str]:
    """What is said where nothing is taken."""
    assert main(["pull", *words]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert Catalog.load().cards == ()
    assert list(hub_cache().rglob("*.safetensors")) == []
    return err.splitlines()


def test_it_becomes_a_model_like_any_other(hub: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    hub.serve_repository(
        REPOSITORY, files(), cardData={"license": "mit", "language": ["en", "de"]}, safetensors={"total": 1234}
    )

    assert main(["pull", REFERENCE]) == ExitCode.OK

    folder = hub_cache() / "models--people--Toy-Model" / "snapshots" / COMMIT
    assert capsys.readouterr().out == f"{folder}\n"
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    (card,) = Catalog.load().cards
    assert (card.full_name, card.license, card.languages, card.parameters) == (
        "toy/Toy-Model",
        "mit",
        ("en", "de"),
        1234,
    )
    assert card.input == zoo.TextInput(max_tokens=77)
    assert card.source_url == "https://huggingface.co/people/Toy-Model"
    assert card.weights is not None
    assert card.weights.sources == (HubSource(repository=REPOSITORY, revision=COMMIT),)
    assert [file.sha256 for file in card.weights.files] == [sha256(CONTENT), sha256(files()["config.json"])]
    for words in (
        ["ls", "--local"],
        ["show", "Toy-Model"],
        ["pull", "Toy-Model"],
        ["predict", "Toy-Model", "a text", "--device", "cpu", "--precision", "fp32"],
    ):
        assert main(words) == ExitCode.OK


def test_it_needs_no_network_afterwards(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.serve_repository(REPOSITORY, files())
    main(["pull", REFERENCE])
    hub.requests.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    assert isinstance(zoo.load("Toy-Model", device="cpu").predict("a text"), zoo.Classification)
    assert hub.requests == []


def test_the_small_files_are_pinned_once_they_are_here(hub: HubServer) -> None:
    hub.serve_repository(REPOSITORY, files())
    main(["pull", REFERENCE])
    (card,) = Catalog.load().cards
    assert card.weights is not None
    path = fetch(card.weights) / "config.json"
    right = path.read_bytes()
    path.resolve().write_bytes(b'{"auto_map": {"AutoModel": "evil.Model"}}')

    assert locate(card.weights) is None
    fetch(card.weights)
    assert path.read_bytes() == right


def test_pulled_twice_it_is_one_model(hub: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    hub.serve_repository(REPOSITORY, files())
    for _ in range(2):
        assert main(["pull", REFERENCE]) == ExitCode.OK

    assert [card.name for card in Catalog.load().cards] == ["Toy-Model"]


def test_a_branch_is_pinned_to_its_commit(hub: HubServer) -> None:
    hub.serve_repository(REPOSITORY, files(), revisions=("refs/pr/1",))

    assert main(["pull", f"{REFERENCE}@refs/pr/1"]) == ExitCode.OK
    assert f"/api/models/{REPOSITORY}/revision/refs%2Fpr%2F1?blobs=true" in [request.path for request in hub.requests]


def test_another_owners_model_of_the_same_name_gets_the_owner_into_its_name(hub: HubServer) -> None:
    hub.serve_repository(REPOSITORY, files())
    hub.serve_repository("others/toy-model", files())
    main(["pull", REFERENCE])
    main(["pull", "hub:others/toy-model"])

    assert sorted(card.name for card in Catalog.load().cards) == ["Toy-Model", "others--toy-model"]


def test_an_interrupted_pull_leaves_a_model_that_can_be_pulled_by_name(hub: HubServer) -> None:
    hub.serve_repository(REPOSITORY, files())
    store = next(served for path, served in hub.files.items() if path.startswith("/store/"))
    store.faults = [(404, {})]

    assert main(["pull", REFERENCE]) == ExitCode.DOWNLOAD
    assert main(["pull", "Toy-Model"]) == ExitCode.OK
    card = Catalog.load().resolve("Toy-Model")
    assert card.weights is not None
    assert all(file.sha256 for file in card.weights.files)


def test_the_endpoint_may_have_a_path(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"{hub.address}/mirror/hf/")
    hub.serve_repository(REPOSITORY, files(), prefix="/mirror/hf")

    assert main(["pull", REFERENCE]) == ExitCode.OK


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("config.json", {"model_type": "toy", "auto_map": {"AutoModel": "evil.Model"}}, "auto_map"),
        ("config.json", {"model_type": "toy", "custom_pipelines": {"a": {}}}, "custom_pipelines"),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["evil.T", None]}}, "auto_map"),
        ("modules.json", [{"path": "", "type": "evil.Transformer"}], "evil.Transformer"),
    ],
)
def test_code_of_its_own_is_refused(
    hub: HubServer, capsys: pytest.CaptureFixture[str], name: str, content: object, what: str
) -> None:
    hub.serve_repository(REPOSITORY, {**files(), name: json.dumps(content).encode()})

    assert refused(capsys, REFERENCE) == [
        f"error: {name} of {REPOSITORY} asks for code of its own to be run: {what}",
        NO_CODE,
    ]


def test_a_repository_that_is_marked_for_its_code_is_refused(
    hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.serve_repository(REPOSITORY, files(), tags=["custom_code"])

    assert refused(capsys, REFERENCE)[1] == NO_CODE


def test_a_repository_without_safetensors_is_refused(hub: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    hub.serve_repository(REPOSITORY, {"pytorch_model.bin": CONTENT, "config.json": files()["config.json"]})

    assert refused(capsys, REFERENCE) == [
        f"error: {REPOSITORY} has no safetensors; it has pytorch_model.bin",
        "hint: other files of weights may hold code",
    ]


def test_names_that_lead_out_are_never_asked_for(hub: HubServer, store: Path) -> None:
    hub.serve_repository(REPOSITORY, {**files(), "../../evil_config.json": b"{}", "/etc/evil_config.json": b"{}"})

    assert main(["pull", REFERENCE]) == ExitCode.OK
    assert hub.requests_for("evil") == []
    assert list(store.rglob("*evil*")) == []


@pytest.mark.parametrize("identity", ["../../evil", "a/b/c", "../x", "x\x1b[31m/y"])
def test_a_repository_that_calls_itself_by_what_is_no_name_is_refused(
    hub: HubServer, capsys: pytest.CaptureFixture[str], identity: str
) -> None:
    hub.serve_repository(REPOSITORY, files(), id=identity)

    (error, _) = refused(capsys, REFERENCE, code=ExitCode.DOWNLOAD)
    assert error.startswith(f"error: {hub.address} does not answer as the Hub does")


def test_an_unknown_architecture_is_told(hub: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    hub.serve_repository(REPOSITORY, files(model_type="gp\x1b[31mt"))

    (error, _) = refused(capsys, REFERENCE)
    assert error.startswith(f"error: no plugin knows the architecture of {REPOSITORY} (model_type 'gp")


def test_what_its_plugin_cannot_serve_is_told_in_the_plugins_words(
    hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.serve_repository(REPOSITORY, files(secret=True))

    assert refused(capsys, REFERENCE) == ["error: Toy-Model keeps a secret", "hint: choose another"]


def test_a_plugin_that_fails_on_it_is_named(hub: HubServer, capsys: pytest.CaptureFixture[str], site: Site) -> None:
    site.install("bad", "import zoo\n@zoo.hookimpl\ndef card_for(config):\n    return config['nonsense']\n")
    hub.serve_repository(REPOSITORY, files())

    (error, _) = refused(capsys, REFERENCE, code=ExitCode.PLUGIN)
    assert error == "error: plugin bad fails on Toy-Model: KeyError: 'nonsense'"


def test_two_plugins_that_claim_it_are_both_named(
    hub: HubServer, capsys: pytest.CaptureFixture[str], site: Site
) -> None:
    site.install("toy2", PLUGIN.format(kind="toy"))
    hub.serve_repository(REPOSITORY, files())

    assert refused(capsys, REFERENCE)[0] == f"error: {REPOSITORY} is claimed by toy, toy2"


@pytest.mark.parametrize("reference", ["hub:", "hub:toy", "hub:a/b/c", "hub:../b", "hub:a/..", "hub:a b/c"])
def test_what_names_no_repository_is_refused(
    hub: HubServer, capsys: pytest.CaptureFixture[str], reference: str
) -> None:
    assert refused(capsys, reference)[0] == f"error: {reference!r} names no repository of the Hub"
    assert hub.requests == []


def test_offline_is_told_in_one_line_with_the_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, REFERENCE, code=ExitCode.DOWNLOAD) == [
        f"error: {REPOSITORY} cannot be looked up: HF_HUB_OFFLINE forbids to ask the Hub",
        "hint: unset HF_HUB_OFFLINE",
    ]


def test_a_repository_that_is_not_there_is_told(hub: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    address = f"{hub.address}/api/models/{REPOSITORY}/revision/main?blobs=true"
    assert refused(capsys, REFERENCE, code=ExitCode.DOWNLOAD) == [
        f"error: {address}: the server answered 404",
        "hint: check the name and the revision; zoo search finds models",
    ]


def test_a_model_whose_plugin_is_gone_is_told_and_the_others_work(
    hub: HubServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.serve_repository(REPOSITORY, files())
    main(["pull", REFERENCE])
    monkeypatch.setenv("ZOO_PLUGINS", "")
    capsys.readouterr()

    assert main(["ls"]) == ExitCode.OK
    assert "warning: pulled model Toy-Model needs the plugin toy" in capsys.readouterr().err


def test_a_model_that_its_plugin_does_not_take_any_more_goes_to_the_one_that_does(
    hub: HubServer, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.serve_repository(REPOSITORY, files())
    main(["pull", REFERENCE])
    (site.path / "zoo_toy.py").write_text(PLUGIN.format(kind="other"), encoding="utf-8")
    site.install("bird", PLUGIN.format(kind="toy"))
    site.forget()
    capsys.readouterr()
    told = (
        f"pulled model Toy-Model is not taken by plugin toy any more; zoo pull {REFERENCE}@{COMMIT} finds the one that "
        "takes it"
    )

    assert main(["ls"]) == ExitCode.OK
    assert f"warning: {told}" in capsys.readouterr().err
    assert main(["show", "Toy-Model"]) == ExitCode.USAGE
    assert f"hint: {told}" in capsys.readouterr().err

    assert main(["pull", f"{REFERENCE}@{COMMIT}"]) == ExitCode.OK
    assert Catalog.load().resolve("Toy-Model").full_name == "bird/Toy-Model"
    assert len(list((zoo_home() / "hub-models").iterdir())) == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"name": "../x"}', b"\xff"])
def test_a_damaged_file_of_the_store_is_told(store: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    (store / "hub-models").mkdir()
    (store / "hub-models" / "x.json").write_bytes(content)

    assert main(["ls"]) == ExitCode.OK
    assert "warning: pulled model x cannot be used: " in capsys.readouterr().err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in files().items():
        (tmp_path / "my-model").mkdir(exist_ok=True)
        (tmp_path / "my-model" / name).write_bytes(content)
    return tmp_path / "my-model"


def test_a_folder_is_a_model_of_the_catalog(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder.parent)
    assert main(["pull", "./my-model"]) == ExitCode.OK
    assert capsys.readouterr().out == f"{folder}\n"
    card = Catalog.load().resolve("my-model")
    assert card.weights is not None
    assert [(file.name, file.sha256 is not None) for file in card.weights.files] == [
        ("config.json", True),
        ("model.safetensors", True),
    ]
    assert card.input == zoo.TextInput(max_tokens=77)
    assert mark(card) == "pretrained", "it is no run of this machine"
    assert main(["predict", "my-model", "hello"]) == ExitCode.OK

    assert main(["pull", str(folder)]) == ExitCode.OK
    other = folder.parent / "others" / "my-model"
    shutil.copytree(folder, other)
    assert main(["pull", str(other)]) == ExitCode.OK
    assert {"my-model", "my-model-2"} == {one.name for one in Catalog.load().cards}
    other.rename(folder.parent / "m\u00fc model (new)")
    assert main(["pull", str(folder.parent / "m\u00fc model (new)")]) == ExitCode.OK
    assert "m-model-new" in {one.name for one in Catalog.load().cards}


def test_a_folder_that_was_changed_is_refused_until_it_is_pulled_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["pull", str(folder)])
    (folder / "model.safetensors").write_bytes(some_bytes(200_000, seed=1))
    capsys.readouterr()
    assert main(["predict", "my-model", "hello"]) != ExitCode.OK
    assert main(["pull", str(folder)]) == ExitCode.OK
    assert main(["predict", "my-model", "hello"]) == ExitCode.OK


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"model.safetensors": None, "pytorch_model.bin": b"code"}, "has no safetensors; it has pytorch_model.bin"),
        ({"config.json": None}, "has no config.json"),
        ({"config.json": b"{"}, "is not JSON"),
        ({"config.json": b'{"model_type": "toy", "auto_map": {"a": "b.py"}}'}, "asks for code of its own"),
        ({"config.json": b'{"model_type": "other"}'}, "no plugin knows the architecture"),
    ],
)
def test_a_folder_is_held_to_the_same_checks(
    changed: dict[str, bytes | None], words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in changed.items():
        (folder / name).unlink(missing_ok=True)
        if content is not None:
            (folder / name).write_bytes(content)
    assert main(["pull", str(folder)]) == ExitCode.USAGE
    assert words in capsys.readouterr().err
    assert Catalog.load().cards == ()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pull", "./nowhere"]) == ExitCode.USAGE
    assert "there is no folder nowhere" in capsys.readouterr().err
