"""Sites learn together whoever is away, late, broken or a stranger."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
import torch
from safetensors.torch import load, save

from tests.training.site_federation import (
    EXPECTED,
    NAMES,
    Federation,
    alone,
    held,
    member_run,
    pool,
    serving,
    terms_for,
    until,
)
from tests.training.toy import Toy
from tests.training.weights import final_weights
from zoo.errors import RunFailed, Unsupported
from zoo.runs.events import Warned
from zoo.sites.client import SiteClient
from zoo.sites.exchange import Brought
from zoo.sites.messages import DIGEST_HEADER, Figures, Refused, RoundState

__all__ = ["pool"]

pytestmark = pytest.mark.slow


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
