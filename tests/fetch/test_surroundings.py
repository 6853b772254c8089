"""What a download needs of its surroundings: room on the disk, settings of the network, folders that can be written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.fetch.web_file import CONTENT, NAME, broken_off, fetched
from tests.hub_server import HubServer, Served
from tests.weights_factory import REPOSITORY, hub_source, weights
from zoo.card import FolderSource, Weights
from zoo.errors import DownloadFailed
from zoo.fetch import fetch
from zoo.fetch.places import place_of


def test_a_disk_without_room_is_told_before_anything_is_asked(
    server: HubServer, served: Served, web_weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=999_999))

    with pytest.raises(DownloadFailed) as caught:
        fetch(web_weights)

    folder = place_of(web_weights.sources[0])
    assert caught.value.message == f"{folder} has 1.0 MB free, the weights need 1.0 MB"
    assert server.requests == []


def test_what_is_here_needs_no_room(
    server: HubServer, served: Served, web_weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.stall_after = 600_000
    broken_off(web_weights, after=600_000)
    served.stall_after = None
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=400_000))

    assert fetched(web_weights) == CONTENT


def test_a_place_that_cannot_be_written_is_told(served: Served, web_weights: Weights, store: Path) -> None:
    shutil.rmtree(store / "cache", ignore_errors=True)
    (store / "cache").write_text("a file where the folder should be")

    with pytest.raises(DownloadFailed) as caught:
        fetch(web_weights)

    assert f"{store / 'cache'} is a file, not a folder" == caught.value.message


@pytest.mark.parametrize("token", ["hf_\u00fc", "hf_a\nb", "hf_x y"])
def test_what_cannot_be_a_token_is_told_and_not_shown(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)

    with pytest.raises(DownloadFailed, match="characters that no token has") as caught:
        fetch(weights({NAME: CONTENT}, hub_source()))

    assert token not in str(caught.value)
    assert hub.requests == []


def test_a_password_in_the_endpoint_is_not_shown(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.address.replace("//", "//me:secret@"))

    with pytest.raises(DownloadFailed) as caught:
        fetch(weights({NAME: CONTENT}, hub_source()))

    assert f"{hub.address}/{REPOSITORY}" in caught.value.message
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("HTTP_PROXY", "nonsense://127.0.0.1:9"), ("SSL_CERT_FILE", "/nowhere/some.pem")],
)
def test_settings_that_allow_no_connection_are_told(
    served: Served, web_weights: Weights, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(DownloadFailed, match="settings of this environment"):
        fetch(web_weights)


def test_a_cache_of_verdicts_that_cannot_be_written_is_done_without(store: Path, tmp_path: Path) -> None:
    shutil.rmtree(store / "cache", ignore_errors=True)
    (store / "cache").write_text("in the way")
    (tmp_path / NAME).write_bytes(CONTENT)

    assert fetch(weights({NAME: CONTENT}, FolderSource(path=str(tmp_path)))) == tmp_path


def test_a_redirect_to_nowhere_is_told(server: HubServer, served: Served, web_weights: Weights) -> None:
    served.faults = [(304, {})]

    with pytest.raises(DownloadFailed, match="the server answered 304"):
        fetch(web_weights)
