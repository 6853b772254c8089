"""Asking the Hub: the token stays with it, answers are checked, busy servers are asked again."""

from __future__ import annotations

import json

import pytest

from tests.hub_server import COMMIT, HubServer, hub_server
from zoo.card import HubSource
from zoo.errors import DownloadFailed
from zoo.fetch import hub as hub_module
from zoo.fetch.hub import HubHit, describe, read_files, search

REPOSITORY = "people/model"
HITS = [
    {"id": "a/b", "pipeline_tag": "fill-mask", "downloads": 5, "likes": 1, "tags": ["license:mit"], "more": 1},
    {"id": "c/d"},
]


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "BACKOFF_S", 0.001)


def test_a_description_has_the_commit_and_what_is_known_of_the_files(hub: HubServer) -> None:
    hub.serve_repository(
        REPOSITORY, {"model.safetensors": b"abc", "a/config.json": b"{}"}, cardData={"license": ["mit"]}
    )

    repository = describe(REPOSITORY)

    assert (repository.name, repository.commit, repository.license, repository.languages) == (
        REPOSITORY,
        COMMIT,
        "mit",
        (),
    )
    assert [(file.name, file.size_bytes, bool(file.sha256)) for file in repository.files] == [
        ("model.safetensors", 3, True),
        ("a/config.json", 2, False),
    ]


def test_the_token_is_sent_to_the_hub_and_not_where_it_redirects_to(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.serve_repository(REPOSITORY, {"model.safetensors": b"abc"})
    path = f"/api/models/{REPOSITORY}/revision/main"
    with hub_server() as other:
        other.files[path] = hub.files[path]
        hub.serve(path, b"", redirect=f"{other.address}{path}")

        assert describe(REPOSITORY).commit == COMMIT

        assert hub.requests[0].headers["authorization"] == "Bearer hf_secret"
        assert "authorization" not in other.requests[0].headers


def test_a_renamed_repository_is_followed(hub: HubServer) -> None:
    hub.serve_repository("people/new", {"model.safetensors": b"abc"})
    hub.serve("/api/models/people/old/revision/main", b"", redirect="/api/models/people/new/revision/main")

    assert describe("people/old").name == "people/new"


def test_a_search_asks_with_filters(hub: HubServer) -> None:
    hub.serve("/api/models", json.dumps(HITS).encode())

    hits = search("sentence bert", task="fill-mask", limit=7)

    assert hits[1] == HubHit(id="c/d")
    assert (hits[0].license, hits[0].downloads) == ("mit", 5)
    assert (
        hub.requests[0].path
        == "/api/models?search=sentence+bert&pipeline_tag=fill-mask&filter=safetensors&sort=downloads&limit=7"
    )


def test_the_hubs_own_client_asks_the_same_and_reads_the_same(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import HfApi, constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # as the environment was when something first imported it
    hub.serve_repository(REPOSITORY, {"model.safetensors": b"abc", "config.json": b"{}"})
    hub.serve("/api/models", b"[]")
    repository = describe(REPOSITORY)
    search("a b", task="fill-mask", limit=7)
    ours = [request.path for request in hub.requests]
    hub.requests.clear()

    api = HfApi(endpoint=hub.address)
    info = api.model_info(REPOSITORY, revision="main", files_metadata=True)
    list(api.list_models(search="a b", pipeline_tag="fill-mask", filter="safetensors", sort="downloads", limit=7))

    theirs = [request.path for request in hub.requests_for("/api/models")]  # the client may ask for other things, too
    assert [sorted(path.split("&")) for path in (ours[0], ours[1].replace("?", "?&"))] == [
        sorted(path.split("&")) for path in (theirs[0], theirs[1].replace("?", "?&"))
    ]
    assert repository.commit == info.sha
    assert [(file.name, file.size_bytes, file.sha256) for file in repository.files] == [
        (file.rfilename, file.size, file.lfs.sha256 if file.lfs else None) for file in info.siblings or []
    ]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_is_asked_again(hub: HubServer, status: int) -> None:
    hub.serve("/api/models", b"[]", faults=[(status, {})] * 3)

    assert search("x") == ()


def test_a_server_that_stays_busy_is_given_up(hub: HubServer) -> None:
    hub.serve("/api/models", b"[]", faults=[(503, {"Retry-After": "0"})] * 9)

    with pytest.raises(DownloadFailed, match="the server answered 503"):
        search("x")
    assert len(hub.requests) == hub_module.ATTEMPTS


def test_a_server_that_asks_to_wait_is_reported_once(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hub_module, "MAX_WAIT_S", 0.01)
    hub.serve("/api/models", b"[]", faults=[(503, {"Retry-After": "1"})] * 2)

    assert () == search("x")
    assert ["127.0.0.1: the server answered 503; it is asked again in 0 seconds"] == caplog.messages


def test_a_hub_that_takes_no_more_requests_says_when_and_what_helps(hub: HubServer) -> None:
    hub.serve("/api/models", b"[]", faults=[(429, {"RateLimit": '"api";r=0;t=90'})])

    with pytest.raises(DownloadFailed, match=r"takes no more requests for now \(429\)") as caught:
        search("x")
    assert caught.value.hint.startswith("try again in 90 seconds; to whom it knows by a token (HF_TOKEN)")
    assert 1 == len(hub.requests)


def test_a_machine_without_a_network_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://nowhere.invalid")
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr(hub_module, "BACKOFF_S", 1000.0)

    with pytest.raises(DownloadFailed, match=r"^nowhere\.invalid cannot be reached: this machine"):
        search("x")


@pytest.mark.parametrize("answer", [b"", b"<html>", b'{"id": 1}', b"\xff", b'[{"id": 5}]'])
def test_an_answer_that_is_none_is_told(hub: HubServer, answer: bytes) -> None:
    hub.serve("/api/models", answer)

    with pytest.raises(DownloadFailed) as caught:
        search("x")
    assert caught.value.message.startswith(f"{hub.address} does not answer as the Hub does")
    assert caught.value.hint == "look at HF_ENDPOINT"


def test_a_server_that_is_not_there_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with hub_server() as gone:
        monkeypatch.setenv("HF_ENDPOINT", gone.address)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")

    with pytest.raises(DownloadFailed) as caught:
        search("x")
    assert "\n" not in caught.value.message


def test_a_small_file_that_is_large_is_not_received_to_its_end(hub: HubServer) -> None:
    hub.serve_repository(REPOSITORY, {"config.json": bytes(30_000_000)})

    with pytest.raises(DownloadFailed, match="has more than 1,000 bytes"):
        read_files(HubSource(repository=REPOSITORY, revision=COMMIT), ["config.json"], 1000)
    assert hub.sent_bytes < 20_000_000


@pytest.mark.parametrize("address", ["http://a:b/", "ftp://127.0.0.1/x", "/api/models"])
def test_a_redirect_that_leads_nowhere_is_told_at_once(hub: HubServer, address: str) -> None:
    hub.serve("/api/models", b"", redirect=address)

    with pytest.raises(DownloadFailed):
        search("x")
    assert len(hub.requests) <= 10
