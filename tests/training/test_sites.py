"""Sites meet over HTTPS, and learn what the simulation does, whoever is away, late, broken or a stranger."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
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
import torch
from safetensors.torch import load, save

from tests.training.toy import LABELS, Toy, examples, make_run
from tests.training.weights import assert_identical, final_weights
from zoo.errors import RunFailed, Unsupported
from zoo.hyperparameters import FederationOptions
from zoo.options import parse
from zoo.runs.context import FitResult, TrainingRun
from zoo.runs.events import AnyEvent, EvaluationCompleted, Noted, Warned
from zoo.sites.addresses import Address
from zoo.sites.certificates import fingerprint_of, make_certificate
from zoo.sites.client import SiteClient
from zoo.sites.exchange import Brought, Exchange
from zoo.sites.membership import SiteMembership
from zoo.sites.messages import DIGEST_HEADER, PROTOCOL, Figures, Membership, Refused, RoundState, Terms
from zoo.sites.options import ServingOptions
from zoo.sites.server import Server, make_app
from zoo.sites.tokens import keep_digests, make_tokens, owner_of, read_digests

pytestmark = pytest.mark.slow

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


@pytest.mark.parametrize("settings", [{"strategy": "fedprox", "mu": 0.1, "share": 0.7}, {}])
def test_sites_learn_what_the_simulation_does(
    tmp_path: Path, pool: ThreadPoolExecutor, settings: dict[str, Any]
) -> None:
    expected, events = simulated(tmp_path / "simulated", **settings)
    with serving(tmp_path / "served", pool, federation=settings) as federation:
        members = [member_run(tmp_path / name, federation, name, **settings) for name in NAMES]
        results = [pool.submit(toy.fit, run) for toy, run, _ in members]
        result = federation.served.result(60)
        for one in results:
            assert not one.result(60).cancelled

    assert_identical(final_weights(tmp_path / "simulated"), final_weights(tmp_path / "served"))
    for name in NAMES:
        assert_identical(final_weights(tmp_path / "served"), final_weights(tmp_path / name))
    assert result.step == ROUNDS
    assert plain(result.metrics) == pytest.approx(plain(expected.metrics))
    assert [one.name for one in result.sources] == list(NAMES)
    assert "Learnt from 3 clients" in result.report[0].text  # type: ignore[union-attr]
    own = [event for event in federation.events if isinstance(event, EvaluationCompleted) and not event.source]
    of_simulation = [event for event in events if isinstance(event, EvaluationCompleted) and not event.source]
    assert [plain(event.metrics) for event in own] == [pytest.approx(plain(event.metrics)) for event in of_simulation]
    assert federation.warnings() == []


@pytest.mark.slow
def test_a_server_that_was_stopped_goes_on_from_its_last_round(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    simulated(tmp_path / "simulated")
    gate, port = threading.Event(), usual_port()
    with serving(tmp_path / "served", pool, port=port) as federation:
        members = [member_run(tmp_path / name, federation, name) for name in NAMES]
        members[0][0].spoil = held(gate, after=3)  # in the second round
        results = [pool.submit(toy.fit, run) for toy, run, _ in members]
        until((tmp_path / "served" / "checkpoints" / "step-00000001" / "manifest.json").exists)
        federation.stopping.set()
        stopped = federation.served.result(30)
    gate.set()
    time.sleep(1.0)
    with serving(tmp_path / "served", pool, port=port) as again:
        result = again.served.result(60)
        for one in results:
            assert not one.result(60).cancelled

    assert (stopped.cancelled, stopped.step, result.cancelled) == (True, 1, False)
    assert_identical(final_weights(tmp_path / "simulated"), final_weights(tmp_path / "served"))

    with serving(tmp_path / "served", pool) as settled:  # as if it had been killed before it was published
        toy, run, _ = member_run(tmp_path / "late", settled, "bob")
        assert not pool.submit(toy.fit, run).result(60).cancelled  # who has the result does not come again
        settled.stopping.set()  # nor is it waited for the others any longer
        once_more = settled.served.result(60)

    assert (once_more.cancelled, once_more.metrics, once_more.report) == (False, result.metrics, result.report)
    assert_identical(final_weights(tmp_path / "simulated"), final_weights(tmp_path / "late"))
    assert any("alice, carol did not come again" in note for note in settled.notes())


class Stranger:
    """Who has a token, and sends what it likes.

    Args:
        federation: that it is sent to.
        name: whose token it is.
    """

    def __init__(self, federation: Federation, name: str, eval_rows: int = 0) -> None:
        self.federation, self.name, self.client = federation, name, federation.client(name)
        self.client.join(msgspec.structs.replace(EXPECTED, rows=5, eval_rows=eval_rows))

    def weights(self, number: int) -> dict[str, torch.Tensor]:
        until(lambda: self.client.state().number == number)
        return load(self.client.weights(self.client.state(), 10**7))

    def sent(self, number: int, content: bytes, **headers: str) -> tuple[int, str]:
        said = {DIGEST_HEADER: hashlib.sha256(content).hexdigest()} | headers
        path = f"/rounds/{number}/update"
        answer = self.federation.asked("PUT", path, self.name, content=content, headers=said)
        return answer.status_code, answer.text


def test_what_cannot_be_averaged_is_refused_and_told(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """One sends in each round something else that is no update; what it sends never counts."""
    with serving(tmp_path / "served", pool, federation={"rounds": 6}) as federation:
        stranger = Stranger(federation, "carol")
        members = [member_run(tmp_path / name, federation, name, rounds=6) for name in NAMES[:2]]
        results = [pool.submit(toy.fit, run) for toy, run, _ in members]
        begun = stranger.weights(1)
        assert stranger.sent(1, save(begun), **{DIGEST_HEADER: "0" * 64})[0] == 422
        assert stranger.sent(1, b"x" * 3_000_000)[0] == 413
        assert stranger.sent(2, save(begun)) == (409, "no such round")
        assert stranger.sent(1, save({n: t * float("nan") for n, t in begun.items()})) == (
            422,
            "its weights are not finite",
        )
        assert stranger.sent(1, save(begun))[0] == 409
        assert stranger.sent(2, (stranger.weights(2), b"\x80\x04rubbish")[1]) == (422, "these are no safetensors")
        assert "shape (1, 1)" in stranger.sent(3, save({n: torch.ones(1, 1) for n in stranger.weights(3)}))[1]
        odd = stranger.weights(4) | {"more": torch.ones(1)}
        assert "not those that learn here: more" in stranger.sent(4, save(odd))[1]
        assert stranger.sent(5, save({n: t.half() for n, t in stranger.weights(5).items()}))[0] == 422
        far = save({n: torch.full_like(t, 3e38) for n, t in stranger.weights(6).items()})  # times rows it is infinite
        assert stranger.sent(6, far) == (422, "its weights are more than 1e+25 from those of the round")
        until(lambda: stranger.client.state().phase == "finished")
        stranger.client.leave()
        federation.served.result(60)
        for one in results:
            one.result(60)
        warnings = federation.warnings()

    left_out = [warning.partition(": carol is left out: ")[2] for warning in warnings]
    assert left_out[:2] == ["its weights are not finite", "these are no safetensors"]
    assert len(left_out) == 7  # and it does not fetch the result
    assert all(tensor.isfinite().all() for tensor in final_weights(tmp_path / "served").values())


def test_one_without_a_figure_leaves_that_of_the_others(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    with serving(tmp_path / "served", pool, federation={"rounds": 1}) as federation:
        stranger = Stranger(federation, "carol", eval_rows=3)
        members = [member_run(tmp_path / name, federation, name, rounds=1) for name in NAMES[:2]]
        results = [pool.submit(toy.fit, run) for toy, run, _ in members]
        assert stranger.sent(1, save(stranger.weights(1)))[0] == 200
        until(lambda: stranger.client.state().judges)
        stranger.client.judge(2, Figures(rows=3, metrics={"loss": 9.0}))
        stranger.weights(3)
        stranger.client.leave()
        result = federation.served.result(60)
        own = [one.result(60).metrics for one in results]

    assert result.metrics["accuracy"] == pytest.approx(sum(one["accuracy"] for one in own) / 2)
    assert result.metrics["loss"] == pytest.approx((6 * sum(one["loss"] for one in own) + 3 * 9.0) / 15)
    assert federation.warnings() == []


def test_whose_weights_never_arrive_is_left_out(
    tmp_path: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands before a server may refuse what is long, or all of it."""
    monkeypatch.setattr("zoo.sites.client.LONGEST_WAIT_S", 0.05)
    with serving(tmp_path / "served", pool, federation={"rounds": 2}) as federation:
        update, state = federation.exchange.update, federation.exchange.state

        def refusing(name: str, number: int, content: bytes) -> None:
            if name == "carol":
                raise Refused(413, "Request Entity Too Large")
            update(name, number, content)

        monkeypatch.setattr(federation.exchange, "update", refusing)
        members = [member_run(tmp_path / name, federation, name, rounds=2) for name in NAMES]
        results = [pool.submit(toy.fit, run) for toy, run, _ in members]
        federation.served.result(60)
        for one in results:
            assert not one.result(60).cancelled
        lost = [warning for warning in federation.warnings() if "carol" in warning]
        assert lost == [f"round {n}: carol is left out: its weights are not taken: HTTP 413" for n in (1, 2)]

        def forbidding(name: str) -> RoundState:
            state(name)
            raise Refused(403, "Forbidden")

        monkeypatch.setattr(federation.exchange, "state", forbidding)
        toy, run, events = member_run(tmp_path / "again", federation, "bob", rounds=2)
        with pytest.raises(RunFailed, match="refuses 10 times in a row: Forbidden"):
            toy.fit(run)
        assert sum(isinstance(event, Warned) for event in events) == 9


def alone(**options: Any) -> tuple[Exchange, list[str]]:
    """Where clients meet, without a server."""
    told: list[str] = []
    settings = parse(ServingOptions, {"deadline": 20, "away": 20, **options})
    exchange = Exchange(NAMES, settings, EXPECTED, note=told.append, warn=told.append, should_stop=ENDING.is_set)
    return exchange, told


def test_others_have_a_turn_for_whom_is_away(pool: ThreadPoolExecutor) -> None:
    exchange, told = alone()
    for name in ("alice", "carol"):
        exchange.see(name)
        exchange.join(name, msgspec.structs.replace(EXPECTED, rows=4, eval_rows=2))
    exchange.begin("training", 1, b"x", "", drawn=["alice", "bob"])
    outcome = pool.submit(exchange.outcome)
    exchange.update("alice", 1, b"a")
    until(lambda: exchange.state("carol").trains)
    exchange.join("carol", msgspec.structs.replace(EXPECTED, rows=9, eval_rows=2))
    exchange.update("carol", 1, b"c")
    exchange.join("carol", msgspec.structs.replace(EXPECTED, rows=10**9))  # says so too late
    brought = outcome.result(30)

    assert brought is not None
    assert brought.updates == {"alice": Brought(b"a", 4), "carol": Brought(b"c", 9)}
    assert "round 1: a turn for carol, too: others are away or late" in told
    assert "round 1: bob is left out: it is away" in told


def test_figures_of_no_rows_are_none() -> None:
    exchange, _ = alone()
    for rows, eval_rows in ((0, 0), (10**400, 0), (1, -1), (1, 10**400)):
        with pytest.raises(Refused, match="rows to train on"):
            exchange.join("bob", msgspec.structs.replace(EXPECTED, rows=rows, eval_rows=eval_rows))
    exchange.join("bob", msgspec.structs.replace(EXPECTED, rows=1))
    exchange.begin("closing", 2, b"x", "", judged=True)
    with pytest.raises(Refused, match="bob holds out 0 rows"):
        exchange.judge("bob", 2, Figures(rows=0, metrics={}))


@pytest.mark.slow
def test_rounds_do_not_wait_for_whom_is_away_or_late(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """Carol comes late to the beginning, then sends nothing, and then is heard of no more."""
    options = {"deadline": 2, "away": 1.5}
    with serving(tmp_path / "served", pool, federation={"rounds": 3}, **options) as federation:
        gate = threading.Event()
        members = [member_run(tmp_path / name, federation, name, rounds=3) for name in NAMES[:2]]
        members[0][0].spoil = held(gate, after=3)  # in the second round
        results = [pool.submit(toy.fit, run) for toy, run, _ in members]
        until(lambda: any("round 1: 2 clients of 3" in note for note in federation.notes()))
        stranger = Stranger(federation, "carol")
        gate.set()
        until(lambda: stranger.client.state().number == 2)
        while stranger.client.state().number == 2:  # it is there, and brings nothing
            time.sleep(0.05)
        until(lambda: "round 3: carol is left out: it is away" in federation.warnings())
        stranger.client.leave()
        federation.served.result(60)
        for one in results:
            one.result(60)

    warnings = federation.warnings()
    assert "beginning without carol, who may come later" in warnings
    assert "round 1: carol is left out: it is away" in warnings
    assert "round 2: carol is left out: it is late, after 2 s" in warnings
    assert warnings[-1] == "carol did not fetch the result"


def test_a_round_of_which_too_little_comes_fails_for_all(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    with serving(tmp_path / "served", pool, federation={"local_epochs": 3}) as federation:
        members = [member_run(tmp_path / name, federation, name, local_epochs=3) for name in NAMES]
        results = []
        for (_, run, _), broken in zip(members, (True, True, False), strict=True):
            toy = Toy(dropout=0.0, spoil=lambda call, broken=broken: broken)  # type: ignore[misc]
            results.append(pool.submit(toy.fit, run))
        with pytest.raises(RunFailed, match="round 1: something came of 1 of at least 2"):
            federation.served.result(60)
        for one in results:
            with pytest.raises(RunFailed, match="the server gave up: round 1"):
                one.result(60)
        assert any(
            "alice is left out: the loss diverged, or memory ran out" in warning for warning in federation.warnings()
        )


def test_strangers_are_answered_with_a_word(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    with serving(tmp_path / "served", pool) as federation:
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic YTpi"}):
            answer = federation.asked("GET", "/terms", headers=headers)
            assert (answer.status_code, answer.text) == (401, "unauthorized")
        assert federation.asked("GET", "/state", "alice").status_code == 409
        with pytest.raises(Unsupported, match="does not know the token"):
            SiteClient(federation.server.address, "y" * 43, federation.fingerprint).terms()
        with pytest.raises(Unsupported, match="a certificate that is not taken"):
            SiteClient(federation.server.address, federation.tokens["bob"], "SHA256:" + "0" * 64).terms()
        with pytest.raises(Unsupported, match="a certificate that is not taken"):
            SiteClient(federation.server.address, federation.tokens["bob"]).terms()
        assert federation.client("bob").terms() == terms_for("bob")
        for field in ("zoo", "plugin", "digest"):
            toy, run, _ = member_run(tmp_path / field, federation, "bob")
            assert run.membership is not None
            own = msgspec.structs.replace(EXPECTED, **{field: "other"})  # it has another one by now
            with pytest.raises(RunFailed, match=r"the server refuses bob: .* other there and"):
                toy.fit(dataclasses.replace(run, membership=run.membership._replace(own=own)))
        assert sum("bob is refused" in warning for warning in federation.warnings()) == 3
        with pytest.raises(Refused, match="rows to train on"):
            federation.client("bob").join(EXPECTED)

        def endless() -> Iterator[bytes]:
            yield b"x"

        assert federation.asked("POST", "/members", "bob", content=endless()).status_code == 411
        nested = b"[" * 500_000
        digest = {DIGEST_HEADER: hashlib.sha256(nested).hexdigest()}
        assert federation.asked("POST", "/members", "bob", content=nested, headers=digest).status_code == 422
        assert federation.asked("GET", "/rounds/1/weights", "bob").status_code == 409
        for number in ("9" * 5000, "-1", "x", "\u0661"):
            assert federation.asked("GET", f"/rounds/{number}/weights").status_code == 401
            assert federation.asked("GET", f"/rounds/{number}/weights", "bob").status_code == 404
        assert federation.asked("GET", "/../terms", "bob").status_code in (200, 404)


def test_tokens_are_kept_as_digests_for_their_owner(tmp_path: Path) -> None:
    tokens = make_tokens(NAMES)
    path = tmp_path / "tokens.json"
    keep_digests(path, tokens)

    assert path.stat().st_mode & 0o777 == 0o600
    assert not any(token in path.read_text() for token in tokens.values())
    assert owner_of(tokens["bob"], read_digests(path)) == "bob"
    assert owner_of("bob", read_digests(path)) == ""
