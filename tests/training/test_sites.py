"""Sites meet over HTTPS, and learn what the simulation does."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.training.site_federation import (
    EXPECTED,
    NAMES,
    ROUNDS,
    alone,
    held,
    member_run,
    plain,
    pool,
    serving,
    simulated,
    until,
    usual_port,
)
from tests.training.weights import assert_identical, final_weights
from zoo.runs.events import EvaluationCompleted
from zoo.sites.messages import Figures, Refused
from zoo.sites.tokens import keep_digests, make_tokens, owner_of, read_digests

__all__ = ["pool"]

pytestmark = pytest.mark.slow


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


def test_figures_of_no_rows_are_none() -> None:
    exchange, _ = alone()
    for rows, eval_rows in ((0, 0), (10**400, 0), (1, -1), (1, 10**400)):
        with pytest.raises(Refused, match="rows to train on"):
            exchange.join("bob", msgspec.structs.replace(EXPECTED, rows=rows, eval_rows=eval_rows))
    exchange.join("bob", msgspec.structs.replace(EXPECTED, rows=1))
    exchange.begin("closing", 2, b"x", "", judged=True)
    with pytest.raises(Refused, match="bob holds out 0 rows"):
        exchange.judge("bob", 2, Figures(rows=0, metrics={}))


def test_tokens_are_kept_as_digests_for_their_owner(tmp_path: Path) -> None:
    tokens = make_tokens(NAMES)
    path = tmp_path / "tokens.json"
    keep_digests(path, tokens)

    assert path.stat().st_mode & 0o777 == 0o600
    assert not any(token in path.read_text() for token in tokens.values())
    assert owner_of(tokens["bob"], read_digests(path)) == "bob"
    assert owner_of("bob", read_digests(path)) == ""
