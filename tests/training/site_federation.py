"""A federation over HTTPS on this machine: its server, its sites, and what they should learn."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import msgspec
import pytest

from tests.training.toy import LABELS, Toy, examples, make_run
from zoo.hyperparameters import FederationOptions
from zoo.options import parse
from zoo.runs.context import FitResult, TrainingRun
from zoo.runs.events import AnyEvent, Noted, Warned
from zoo.sites.addresses import Address
from zoo.sites.certificates import fingerprint_of, make_certificate
from zoo.sites.client import SiteClient
from zoo.sites.exchange import Exchange
from zoo.sites.membership import SiteMembership
from zoo.sites.messages import PROTOCOL, Membership, Terms
from zoo.sites.options import ServingOptions
from zoo.sites.server import Server, make_app
from zoo.sites.tokens import keep_digests, make_tokens, read_digests

NAMES = ("alice", "bob", "carol")
SIZES = {"alice": 24, "bob": 40, "carol": 9}
OPTIONS: dict[str, Any] = {"batch_size": 8, "lr": 0.02}
EXPECTED = Membership(zoo="1", plugin="2", digest="3", rows=0, eval_rows=0)
ROUNDS = 3
ENDING = threading.Event()
"""Set when a test is over: nobody waits any more."""


@dataclasses.dataclass
class Federation:
    """A server, and what it takes to join it."""

    folder: Path
    tokens: dict[str, str]
    events: list[AnyEvent]
    exchange: Exchange
    server: Server
    served: Future[FitResult] = dataclasses.field(default_factory=Future)
    stopping: threading.Event = dataclasses.field(default_factory=threading.Event)
    clients: list[SiteClient] = dataclasses.field(default_factory=list)
    """Of strangers; members close their own."""

    @property
    def fingerprint(self) -> str:
        return fingerprint_of((self.folder / "c.pem").read_text())

    def of_member(self, name: str, **settings: Any) -> SiteClient:
        return SiteClient(self.server.address, self.tokens[name], self.fingerprint, **settings)

    def client(self, name: str) -> SiteClient:
        self.clients.append(self.of_member(name))
        return self.clients[-1]

    def asked(self, method: str, path: str, name: str = "", **settings: Any) -> httpx.Response:
        """What the server answers to whoever asks."""
        headers = settings.pop("headers", {}) | ({"Authorization": f"Bearer {self.tokens[name]}"} if name else {})
        with httpx.Client(verify=False, trust_env=False) as client:
            return client.request(method, f"{self.server.address.url}{path}", headers=headers, timeout=20, **settings)

    def notes(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Noted)]

    def warnings(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Warned)]


def site_run(folder: Path, **federation: Any) -> tuple[TrainingRun, list[AnyEvent]]:
    run, events = make_run(folder, rows=1, eval_rows=0, **OPTIONS)
    options = parse(FederationOptions, {"rounds": ROUNDS, **federation})
    return dataclasses.replace(run, train=(), eval=(), federation=options), events


@contextmanager
def serving(
    folder: Path,
    pool: ThreadPoolExecutor,
    *,
    port: int = 0,
    federation: Mapping[str, Any] = MappingProxyType({}),
    **options: Any,
) -> Iterator[Federation]:
    """A server in threads of this process."""
    folder.mkdir(exist_ok=True)
    run, events = site_run(folder, **federation)
    if not (folder / "c.pem").exists():
        tokens = make_tokens(NAMES)
        keep_digests(folder / "tokens.json", tokens)
        make_certificate(folder / "c.pem", folder / "k.pem", "127.0.0.1")
        (folder / "plain.json").write_bytes(msgspec.json.encode(tokens))
    tokens = msgspec.json.decode((folder / "plain.json").read_bytes(), type=dict[str, str])
    stopping = threading.Event()
    exchange = Exchange(
        NAMES,
        parse(ServingOptions, {"deadline": 20, "away": 20, **options}),
        EXPECTED,
        note=lambda message: events.append(Noted(message=message)),
        warn=lambda message: events.append(Warned(message=message)),
        should_stop=stopping.is_set,
    )
    app = make_app(exchange, read_digests(folder / "tokens.json"), partial(terms_for, away_s=exchange.options.away))
    server = Server(app, Address("127.0.0.1", port), folder / "c.pem", folder / "k.pem")
    own = dataclasses.replace(run, exchange=exchange, should_stop=stopping.is_set)
    served = pool.submit(Toy(dropout=0.0).fit, own)
    federated = Federation(folder, tokens, events, exchange, server, served, stopping)
    try:
        yield federated
    finally:
        stopping.set()
        served.exception(30)
        for client in federated.clients:
            client.close()
        server.close()


def terms_for(name: str, away_s: float = 20) -> Terms:
    shared = {"zoo": "1", "plugin": "2", "model": "toy", "digest": "3", "task": "text-classification"}
    return Terms(protocol=PROTOCOL, client=name, number=NAMES.index(name) + 1, away_s=away_s, labels=LABELS, **shared)


def member_run(
    folder: Path, federation: Federation, name: str, **settings: Any
) -> tuple[Toy, TrainingRun, list[AnyEvent]]:
    run, events = site_run(folder, **settings)
    number = NAMES.index(name)
    own = dataclasses.replace(run, train=examples(SIZES[name], seed=10 + number), eval=examples(6, seed=20 + number))
    client = federation.of_member(
        name, warn=lambda message: events.append(Warned(message=message)), should_stop=ENDING.is_set
    )
    membership = SiteMembership(client, terms_for(name, federation.exchange.options.away), EXPECTED)
    run = dataclasses.replace(run, should_stop=ENDING.is_set, clients=(own,), membership=membership)
    return Toy(dropout=0.0), run, events


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    ENDING.clear()
    with ThreadPoolExecutor(8) as threads:
        try:
            yield threads
        finally:
            ENDING.set()


def simulated(folder: Path, **federation: Any) -> tuple[FitResult, list[AnyEvent]]:
    run, events = site_run(folder, **federation)
    clients = tuple(
        dataclasses.replace(run, source=name, train=examples(SIZES[name], seed=10 + i), eval=examples(6, seed=20 + i))
        for i, name in enumerate(NAMES)
    )
    rows = {part: tuple(row for one in clients for row in getattr(one, part)) for part in ("train", "eval")}
    return Toy(dropout=0.0).fit(dataclasses.replace(run, clients=clients, **rows)), events


def plain(metrics: dict[str, float]) -> dict[str, float]:
    """Figures that are means over rows."""
    return {name: value for name, value in metrics.items() if name in ("accuracy", "loss")}


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def held(gate: threading.Event, after: int) -> Callable[[int], bool]:
    """Lets a toy wait for a gate once it has computed so many batches."""
    return lambda call: bool(call > after and not gate.wait(30))


def usual_port() -> int:
    """One that is free, and that nobody is given who asks for any."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


def alone(**options: Any) -> tuple[Exchange, list[str]]:
    """Where clients meet, without a server."""
    told: list[str] = []
    settings = parse(ServingOptions, {"deadline": 20, "away": 20, **options})
    exchange = Exchange(NAMES, settings, EXPECTED, note=told.append, warn=told.append, should_stop=ENDING.is_set)
    return exchange, told
