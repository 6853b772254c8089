"""Bytes other than those the card names are dropped, and reported with both digests or sizes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fetch.web_file import CONTENT, NAME, OTHER, PATH, fetched
from tests.hub_server import HubServer, Served
from tests.weights_factory import sha256, some_bytes, url_source, weights
from zoo.card import Weights
from zoo.errors import ChecksumMismatch
from zoo.fetch import fetch


def test_another_digest_is_told_with_both(server: HubServer, web_weights: Weights, store: Path) -> None:
    server.serve(PATH, OTHER)

    with pytest.raises(ChecksumMismatch) as caught:
        fetch(web_weights)

    address = f"{server.address}{PATH}"
    assert caught.value.message == f"{address} has sha256 {sha256(OTHER)}, not {sha256(CONTENT)}"
    assert [path for path in store.rglob("*model*") if not path.name.endswith(".lock")] == [], "the bytes stayed"


def test_a_shorter_file_is_told_with_both_sizes(server: HubServer, web_weights: Weights) -> None:
    server.serve(PATH, CONTENT[:999])

    with pytest.raises(ChecksumMismatch) as caught:
        fetch(web_weights)

    assert caught.value.message == f"{server.address}{PATH} has 999 bytes, not 1,000,000"


def test_a_pointer_of_git_lfs_is_named_as_one(server: HubServer, web_weights: Weights) -> None:
    server.serve(PATH, b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n")

    with pytest.raises(ChecksumMismatch) as caught:
        fetch(web_weights)

    assert caught.value.message == f"{server.address}{PATH} is a git-lfs pointer, not the file itself"


def test_a_longer_file_is_not_received_to_its_end(server: HubServer) -> None:
    server.serve(PATH, some_bytes(30_000_000))

    with pytest.raises(ChecksumMismatch, match=r"has at least [\d,]+ bytes, not 1,000,000"):
        fetch(weights({NAME: CONTENT}, url_source(server)))

    assert server.sent_bytes < 20_000_000


def test_a_length_stated_too_small_is_no_file(server: HubServer, served: Served, web_weights: Weights) -> None:
    served.stated_length = 1000

    with pytest.raises(ChecksumMismatch, match="has 1,000 bytes, not 1,000,000"):
        fetch(web_weights)


def test_a_length_stated_too_large_is_a_cut(server: HubServer, served: Served, web_weights: Weights) -> None:
    served.stated_length = len(CONTENT) + 1

    assert fetched(web_weights) == CONTENT


def test_the_right_bytes_are_fetched_after_the_wrong_ones(server: HubServer, web_weights: Weights) -> None:
    server.serve(PATH, OTHER)
    with pytest.raises(ChecksumMismatch):
        fetch(web_weights)
    server.serve(PATH, CONTENT)

    assert fetched(web_weights) == CONTENT
