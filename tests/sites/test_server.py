"""A server's word reaches whoever sent what it did not want, however long that was."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import select
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from zoo.errors import Unsupported
from zoo.options import parse
from zoo.sites.addresses import Address
from zoo.sites.certificates import fingerprint_of, make_certificate
from zoo.sites.client import SiteClient
from zoo.sites.exchange import Exchange
from zoo.sites.messages import PROTOCOL, Membership, Refused, Terms
from zoo.sites.options import ServingOptions
from zoo.sites.server import Server, make_app

TOKEN = "t" * 43


def terms_for(name: str) -> Terms:
    return Terms(
        protocol=PROTOCOL, zoo="1", plugin="2", client=name, number=1, model="m", digest="3", task="t", away_s=20
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    make_certificate(folder / "c.pem", folder / "k.pem", "127.0.0.1")
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    exchange = Exchange(
        ("alice",),
        parse(ServingOptions, {}),
        Membership(zoo="1", plugin="2", digest="3", rows=0, eval_rows=0),
        note=print,
        warn=print,
        should_stop=lambda: False,
    )
    app = make_app(exchange, {"alice": hashlib.sha256(TOKEN.encode()).hexdigest()}, terms_for)
    server = Server(app, Address("127.0.0.1", 0), folder / "c.pem", folder / "k.pem")
    yield server
    server.close()


@pytest.mark.parametrize(
    ("token", "answer"), [(TOKEN, (409, b"join")), ("u" * 43, (401, b"unauthorized"))], ids=["member", "stranger"]
)
def test_what_nobody_waits_for_may_be_sent_to_its_end(server: Server, token: str, answer: tuple[int, bytes]) -> None:
    """The server has answered before most of it is sent; a client looks for the answer after that."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # nothing arrives but answers
    connection = http.client.HTTPSConnection("127.0.0.1", server.address.port, timeout=30, context=context)

    def pieces() -> Iterator[bytes]:
        yield b"x" * 1000
        assert select.select([connection.sock], [], [], 30)[0]
        for _ in range(20):
            yield b"x" * 1_000_000

    headers = {"Authorization": f"Bearer {token}", "Content-Length": "20001000"}
    with contextlib.closing(connection):
        for _ in range(2):  # by one connection
            connection.request("PUT", "/rounds/1/update", pieces(), headers)
            answered = connection.getresponse()
            assert (answered.status, answered.read()) == answer


def test_a_client_is_told_what_came_of_a_long_update(server: Server, folder: Path) -> None:
    fingerprint = fingerprint_of((folder / "c.pem").read_text())
    known = SiteClient(server.address, TOKEN, fingerprint, patience_s=0.0)
    stranger = SiteClient(server.address, "u" * 43, fingerprint, patience_s=0.0)  # which leaves by itself
    with contextlib.closing(known), pytest.raises(Refused, match="join"):
        known.send(1, b"x" * 20_000_000)
    with pytest.raises(Unsupported, match="does not know the token"):
        stranger.send(1, b"x" * 20_000_000)
