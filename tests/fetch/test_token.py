"""The token goes to the Hub, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fetch.served_files import FILES, OTHER, serve_all, serve_hub
from tests.hub_server import COMMIT, HubServer
from tests.weights_factory import (
    REPOSITORY,
    hub_source,
    sha256,
    url_source,
    weights,
    write_files,
)
from zoo.fetch import fetch


def test_the_token_goes_to_the_hub_and_not_to_where_it_redirects(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    serve_hub(hub)

    fetch(weights(FILES, hub_source()))

    sent = {request.path: request.headers.get("authorization") for request in hub.requests_for()}
    assert sent == {
        f"/{REPOSITORY}/resolve/{COMMIT}/model.safetensors": "Bearer hf_secret",
        f"/{REPOSITORY}/resolve/{COMMIT}/onnx/config.json": "Bearer hf_secret",
        f"/store/{sha256(FILES['model.safetensors'])}": None,
    }


def test_the_token_stays_on_a_redirect_within_the_hub(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.serve_hub(REPOSITORY, "model.safetensors", OTHER)
    hub.files[f"/{REPOSITORY}/resolve/{COMMIT}/model.safetensors"].redirect = f"/store/{sha256(OTHER)}"

    fetch(weights({"model.safetensors": OTHER}, hub_source()))

    assert [request.headers.get("authorization") for request in hub.requests_for()] == ["Bearer hf_secret"] * 2


def test_the_token_that_was_logged_in_with_is_used(hub: HubServer, store: Path) -> None:
    write_files(store / "hf", {"token": b"hf_stored\n"})
    serve_hub(hub)

    fetch(weights(FILES, hub_source()))

    assert {request.headers.get("authorization") for request in hub.requests_for("resolve")} == {"Bearer hf_stored"}


def test_an_address_that_is_not_the_hub_never_sees_the_token(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    serve_all(hub)

    fetch(weights(FILES, url_source(hub)))

    assert [request.headers.get("authorization") for request in hub.requests_for()] == [None, None]
