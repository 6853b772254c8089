"""What a server answers, or does not: refusals, waits, redirects, silence."""

from __future__ import annotations

import email.utils
import time
from pathlib import Path

import pytest

from tests.fetch.web_file import CONTENT, NAME, PATH, fetched
from tests.hub_server import COMMIT, HubServer, Served, hub_server
from tests.weights_factory import REPOSITORY, hub_source, url_source, weights
from zoo.card import UrlSource, Weights
from zoo.errors import DownloadFailed
from zoo.fetch import fetch, receiving


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (401, "the repository is private or gated: set HF_TOKEN"),
        (403, "you may not read it: ask its owner for access, and set HF_TOKEN"),
        (404, "the file or the commit is gone; the plugin's card may be out of date"),
        (410, "try again later"),
    ],
)
def test_a_refusal_is_told_at_once_with_what_to_do(hub: HubServer, status: int, hint: str) -> None:
    path = f"/{REPOSITORY}/resolve/{COMMIT}/{NAME}"
    hub.serve(path, CONTENT, faults=[(status, {})])

    with pytest.raises(DownloadFailed) as caught:
        fetch(weights({NAME: CONTENT}, hub_source()))

    assert caught.value.message == f"{hub.address}{path}: the server answered {status}"
    assert caught.value.hint == hint
    assert len(hub.requests) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_server_that_is_busy_is_asked_again(
    server: HubServer, served: Served, web_weights: Weights, status: int
) -> None:
    served.faults = [(status, {})] * 2

    assert fetched(web_weights) == CONTENT
    assert [request.status for request in server.requests] == [status, status, 200]


def test_the_wait_is_the_one_the_server_asks_for(
    server: HubServer, served: Served, web_weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "BACKOFF_S", 1000.0)
    past = email.utils.formatdate(time.time() - 60, usegmt=True)
    served.faults = [(429, {"Retry-After": "0"}), (503, {"Retry-After": past})]

    assert fetched(web_weights) == CONTENT


def test_no_server_can_make_it_wait_for_long(
    served: Served, web_weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "MAX_WAIT_S", 0.01)
    distant = email.utils.formatdate(time.time() + 100_000, usegmt=True)
    served.faults = [(503, {"Retry-After": "86400"}), (503, {"Retry-After": distant})]

    assert fetched(web_weights) == CONTENT


@pytest.mark.parametrize("header", [{"Retry-After": "300"}, {"RateLimit": '"resolvers";r=0;t=300'}])
def test_a_server_that_takes_no_more_requests_is_believed(
    hub: HubServer, header: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/{REPOSITORY}/resolve/{COMMIT}/{NAME}"
    hub.serve(path, CONTENT, faults=[(429, header)] * 2)

    for token, helps in (("", "; to whom it knows by a token (HF_TOKEN) the Hub answers more often"), ("hf_x", "")):
        monkeypatch.setenv("HF_TOKEN", token)
        with pytest.raises(DownloadFailed) as caught:
            fetch(weights({NAME: CONTENT}, hub_source()))
        assert f"{hub.address}{path}: the server takes no more requests for now (429)" == caught.value.message
        assert f"try again in 5 minutes{helps}" == caught.value.hint
    assert 2 == len(hub.requests)


def test_a_server_that_never_takes_more_requests_is_no_fault_of_the_network(
    server: HubServer, served: Served, web_weights: Weights
) -> None:
    served.faults = [(429, {"Retry-After": "0"})] * 9

    with pytest.raises(DownloadFailed, match="takes no more requests") as caught:
        fetch(web_weights)
    assert "try again later" == caught.value.hint
    assert 6 == len(server.requests)


def test_a_machine_without_a_network_is_told_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(DownloadFailed) as caught:
        fetch(weights({NAME: CONTENT}, UrlSource(base_url="http://nowhere.invalid/web")))

    assert "nowhere.invalid cannot be reached: this machine seems to be offline" == caught.value.message
    assert time.monotonic() - began < 10


def test_a_wait_that_cannot_be_read_is_left_out(served: Served, web_weights: Weights) -> None:
    served.faults = [(503, {"Retry-After": "soon"}), (503, {"Retry-After": "-1"})]

    assert fetched(web_weights) == CONTENT


def test_it_gives_up_after_the_attempts(server: HubServer, served: Served, web_weights: Weights) -> None:
    served.faults = [(503, {})] * 100

    with pytest.raises(DownloadFailed) as caught:
        fetch(web_weights)

    assert len(server.requests) == receiving.ATTEMPTS == 6
    assert caught.value.message == f"{server.address}{PATH}: the server answered 503, 6 times in a row"
    assert caught.value.hint == "look at the network and try again; what has arrived is kept"


def test_a_server_that_sends_nothing_before_it_cuts_is_given_up(
    server: HubServer, served: Served, web_weights: Weights
) -> None:
    served.cut_after = 0

    with pytest.raises(DownloadFailed, match="6 times in a row"):
        fetch(web_weights)

    assert len(server.requests) == 6


def test_a_server_without_ranges_that_always_cuts_is_given_up(
    server: HubServer, served: Served, web_weights: Weights
) -> None:
    served.ranges, served.cut_after = False, 400_000

    with pytest.raises(DownloadFailed, match="6 times in a row"):
        fetch(web_weights)


def test_a_server_that_is_not_there_is_given_up(store: Path) -> None:
    with hub_server() as gone:
        web_weights = weights({NAME: CONTENT}, url_source(gone))

    with pytest.raises(DownloadFailed, match="6 times in a row"):
        fetch(web_weights)


def test_redirects_are_followed_to_another_server(server: HubServer, web_weights: Weights) -> None:
    with hub_server() as other:
        other.serve("/b", b"", redirect="/c")
        other.serve("/c", CONTENT)
        server.serve(PATH, b"", redirect=f"{other.address}/b")

        assert fetched(web_weights) == CONTENT


def test_redirects_in_a_circle_are_told(server: HubServer, web_weights: Weights) -> None:
    server.serve(PATH, b"", redirect=PATH)

    with pytest.raises(DownloadFailed) as caught:
        fetch(web_weights)

    assert caught.value.message == f"{server.address}{PATH} redirects in circles"


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://127.0.0.1/x"])
def test_a_redirect_that_leaves_the_web_is_told_at_once(server: HubServer, web_weights: Weights, address: str) -> None:
    server.serve(PATH, b"", redirect=address)

    with pytest.raises(DownloadFailed):
        fetch(web_weights)

    assert len(server.requests) == 1


@pytest.mark.parametrize("address", ["http://[", "http://a:b/"])
def test_a_redirect_that_cannot_be_read_is_told_at_once(server: HubServer, web_weights: Weights, address: str) -> None:
    server.serve(PATH, b"", redirect=address)

    with pytest.raises(DownloadFailed) as caught:
        fetch(web_weights)

    message = f"{server.address}{PATH} redirects to {address!r}, which is no address: "
    assert caught.value.message.startswith(message)
    assert len(server.requests) == 1
