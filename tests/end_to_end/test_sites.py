"""A federation over HTTPS through the whole of zoo: a server and three clients as processes, one killed on the way."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

import zoo
from tests.echo_runs import held_after, until
from tests.recording_proxy import RecordingProxy, recording_proxy
from zoo.api.starting import Served
from zoo.cli import main
from zoo.runs import liveness
from zoo.runs.events import Noted
from zoo.sites.addresses import Address
from zoo.sites.secrets import secrets_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200), pytest.mark.usefixtures("shared_store")]

CPU = {"device": "cpu", "precision": "fp32"}
OPTIONS: dict[str, Any] = {"rounds": 3, "batch_size": 8, "max_tokens": 16, "lr": 3e-3, "method": "lora"}
WORDS = {"alice": ("goldfinch", "blackbird"), "bob": ("fine", "awful"), "carol": ("nice", "sad")}


class Sites(NamedTuple):
    """What came of it."""

    simulated: zoo.Run
    served: Served
    members: dict[str, zoo.Run]
    proxy: RecordingProxy


def write_client(path: Path, name: str, count: int) -> Path:
    rows = [f"{word} {i} {name}," + label for i in range(count) for word, label in zip(WORDS[name], "np", strict=True)]
    path.write_text("text,label\n" + "\n".join(rows) + "\n")
    return path


def address_of(run: zoo.Run) -> Address:
    """Where a server listens, as it has told."""

    def told() -> list[str]:
        notes = [event.message for event in run.events() if isinstance(event, Noted)]
        return [match[1] for note in notes if (match := re.fullmatch(r"serving at https://127\.0\.0\.1:(\d+)", note))]

    until(lambda: bool(told()) or not run.snapshot.live)
    return Address("127.0.0.1", int(told()[0]))


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory, shared_store: Path) -> Sites:
    """Three who learnt together: one by way of a proxy that looks on, one killed on the way and gone on with."""
    pytest.importorskip("zoo_bert")
    folder = tmp_path_factory.mktemp("sites")
    (folder / "clients").mkdir()
    data = {
        name: write_client(folder / "clients" / f"{name}.csv", name, 12 + 4 * number)
        for number, name in enumerate(WORDS)
    }
    zoo.finetune("bert-tiny", data["bob"], name="base", max_steps=1, eval_share=0.0, max_tokens=16, **CPU).wait(
        progress=False
    )
    simulated = zoo.federate("base", folder / "clients", name="simulated", **CPU, **OPTIONS)
    with held_after(1) as held:  # the server stands still after the second round
        served = zoo.serve_federation(
            "base", list(WORDS), address="127.0.0.1:0", name="served", away=60, deadline=120, **OPTIONS
        )
        server = address_of(served.run)
        with recording_proxy(folder, server) as proxy:
            members = {}
            for name, path in data.items():
                watched = name == "alice"
                address = proxy.address if watched else server
                fingerprint = proxy.fingerprint if watched else served.fingerprint
                members[name] = zoo.join_federation(
                    address.url, path, token=served.tokens[name], fingerprint=fingerprint, name=name, **CPU
                )
            until(held.exists)
            carol = members["carol"]
            worker = liveness.recorded(carol.folder)
            assert worker is not None
            psutil.Process(worker.pid).kill()
            until(lambda: carol.status == "crashed")
            carol.resume()
            held.unlink()
            for run in (served.run, *members.values(), simulated):
                run.wait(progress=False)
    return Sites(simulated, served, members, proxy)


def weights(run: zoo.Run) -> bytes:
    return (run.folder.model_folder / "model.safetensors").read_bytes()


def test_all_have_the_result_of_the_simulation(sites: Sites) -> None:
    """Though one was killed on the way: it trained its round again."""
    expected = weights(sites.simulated)
    for run in (sites.served.run, *sites.members.values()):
        assert run.status == "finished"
        assert weights(run) == expected, run.name
    assert sites.served.run.metrics["accuracy"] == pytest.approx(sites.simulated.metrics["accuracy"])
    assert isinstance(sites.members["bob"].model.predict("fine bob"), zoo.Classification)


def test_nothing_that_a_client_has_leaves_it_but_weights(sites: Sites) -> None:
    """Its token goes to the server, and its texts do not; what the server knows of it is in its log."""
    sent = bytes(sites.proxy.sent)
    assert sites.served.tokens["alice"].encode() in sent
    assert b"body.base_model" in sent or b"lora_A" in sent
    for word in ("goldfinch", "blackbird", "alice.csv", str(Path.home())):
        assert word.encode() not in sent
        assert word.encode("utf-16-le") not in sent


def test_the_server_tells_who_took_part(sites: Sites, capsys: pytest.CaptureFixture[str]) -> None:
    run = sites.served.run
    readme = (run.folder.model_folder / "README.md").read_text()
    assert "Learnt from 3 clients by federated averaging (FedAvg): 3 rounds" in readme
    rows = sum(int(source.rows) for source in run.snapshot.plan.sources)  # type: ignore[union-attr]
    assert f"| training rows | {rows:,} |" in readme
    assert [source.name for source in run.snapshot.sources] == list(WORDS)
    assert "alice has joined: " in "\n".join(run.snapshot.notes)
    assert main(["show", "served"]) == 0
    assert "clients" in capsys.readouterr().out
    log = run.folder.events_path.read_text() + run.folder.request_path.read_text() + run.folder.log_path.read_text()
    for token in sites.served.tokens.values():
        assert token not in log
        assert token not in "".join(one.folder.request_path.read_text() for one in sites.members.values())


def test_secrets_are_for_their_owner_alone(sites: Sites) -> None:
    secrets = secrets_of(sites.served.run.folder.path)
    for path in (secrets.digests, secrets.key):
        assert path.stat().st_mode & 0o077 == 0
    assert "-----BEGIN" in secrets.certificate.read_text()
    assert not secrets_of(sites.members["bob"].folder.path).token.exists()


def test_a_finished_federation_is_shown_as_json(sites: Sites, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "served", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "served"
