"""A job on machines that commands are started on: here by `env`, which starts them on this one."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.echo_runs import until
from zoo.catalog import Catalog
from zoo.errors import OptionInvalid, Unsupported
from zoo.jobs import Job, Place
from zoo.options import parse
from zoo.places.host_jobs import HostJob, Record, forget_old, hand_over, keep, records_folder
from zoo.places.hosts import Hosts, HostsSettings
from zoo.places.place import JobState, PlacedJob
from zoo.places.table import declared_place
from zoo.requests import request_of
from zoo.runs.launcher import environment, environment_there
from zoo.runs.store import create
from zoo.sources import Source

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands of the tests are those of POSIX")


def place(**settings: Any) -> Hosts:
    return Hosts("pair", parse(HostsSettings, {"hosts": "a, b", "command": "env HOST={host} {command}", **settings}))


def job(folder: Path, code: str, nodes: int = 2, **fields: Any) -> PlacedJob:
    log = str(folder / "log.txt")
    return PlacedJob(name="one", folder=str(folder), arguments=("-c", code), log=log, nodes=nodes, **fields)


def ended(where: Hosts, job_id: str) -> JobState:
    until(lambda: where.state(job_id).phase == "ended")
    return where.state(job_id)


@pytest.mark.slow
def test_all_machines_are_told_who_they_are_and_what_to_do(tmp_path: Path) -> None:
    code = "import os; print(*(os.environ[name] for name in ('HOST', 'ZOO_NODE', 'ZOO_NODE_MEETING', 'WORDS')))"
    where = place()

    state = ended(where, where.submit(job(tmp_path, code, environment={"WORDS": "a 'b' \"c\""})))

    assert (False, "it has ended") == (state.interrupted, state.reason)
    assert ["a 0 a a 'b' \"c\"", "b 1 a a 'b' \"c\""] == sorted((tmp_path / "log.txt").read_text().splitlines())


@pytest.mark.slow
def test_cancelling_ends_it_on_all_machines(tmp_path: Path) -> None:
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    where, log = place(), tmp_path / "log.txt"
    job_id = where.submit(job(tmp_path, code))
    until(lambda: log.read_text().count("\n") == 2 and where.state(job_id).phase == "running")

    where.cancel(job_id)

    state = ended(where, job_id)
    assert ("CANCELLED", True) == (state.word, state.interrupted)
    assert [] == [pid for pid in log.read_text().split() if Path(f"/proc/{pid}").exists()]


@pytest.mark.slow
def test_one_that_is_killed_interrupts_the_job_which_is_begun_again_where_asked(tmp_path: Path) -> None:
    code = (
        "import os, signal; print(os.environ['ZOO_ATTEMPT'], flush=True);"
        "os.environ['ZOO_ATTEMPT'] == '3' and os.kill(os.getpid(), signal.SIGKILL)"
    )
    where, said = place(hosts="a"), {"nodes": 1, "environment": {"ZOO_ATTEMPT": "3"}}

    once = ended(where, where.submit(job(tmp_path, code, **said)))
    again = ended(where, where.submit(job(tmp_path, code, requeue=True, **said)))

    assert (True, "a ended with exit code 137") == (once.interrupted, once.reason)
    assert (False, "it has ended") == (again.interrupted, again.reason)
    assert ["3", "3", "4"] == (tmp_path / "log.txt").read_text().splitlines()


@pytest.mark.slow
def test_one_that_is_not_reached_ends_the_job_on_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.places.hosts.PATIENCE_S", -3.0)  # the others are ended a second after one has failed
    reach = tmp_path / "reach"
    reach.write_text('#!/bin/sh\n[ "$1" = b ] && exit 255\nshift\nexec "$@"\n')
    reach.chmod(0o755)
    where = place(command=f"{reach} {{host}} {{command}}", lost=4)

    state = ended(where, where.submit(job(tmp_path, "import time; time.sleep(600)")))

    assert ("LOST", True) == (state.word, state.interrupted)
    assert "a ended with exit code 143, b ended with exit code 255" == state.reason


def test_a_job_whose_process_here_is_gone_has_been_interrupted() -> None:
    here = socket.gethostname()
    keep(f"{here}-1", Record(pid=os.getpid(), started_at=1.0))
    keep(f"{here}-2", Record(started_at=time.time()))
    keep("elsewhere-1", Record(pid=os.getpid(), started_at=1.0))

    states = [place().state(name) for name in (f"{here}-1", f"{here}-2", "elsewhere-1", "nobody-1")]

    assert ["ended", "running", "unknown", "unknown"] == [state.phase for state in states]
    assert states[0].interrupted


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"hosts": " , "}, "hosts of place pair names no machine"),
        ({"command": "ssh {host}"}, "no word is {command}"),
        ({"command": "ssh 'node {command}"}, "No closing quotation"),
        ({"command": "ssh node1 {command}"}, "the same for 2 machines"),
        ({"meeting": "n1:70000"}, "there is no port 70000"),
        ({"hosts": "n1, -oProxyCommand=x"}, "'-oProxyCommand=x', which would be a flag"),
        ({"hosts": "me@-x"}, "'me@-x', which would be a flag"),
        ({"environment": "/shared/my venv"}, "'/shared/my venv/bin/python', which a shell there would take apart"),
    ],
)
def test_settings_that_reach_no_machine_are_refused(settings: dict[str, str], words: str) -> None:
    with pytest.raises(OptionInvalid, match=words):
        place(**settings)


def test_a_job_that_nobody_took_over_leaves_no_secrets() -> None:
    hand_over("nobody-1", HostJob(starts=(), log="", patience_s=1.0))
    hand_over("nobody-2", HostJob(starts=(), log="", patience_s=1.0))
    os.utime(records_folder() / "nobody-1.job", (0, 0))

    forget_old()

    assert ["nobody-2.job"] == [path.name for path in records_folder().glob("*.job")]


def test_more_nodes_than_machines_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="place pair has 2 machines, and --nodes is 3"):
        place().submit(job(tmp_path, "pass", nodes=3))


@pytest.mark.slow
def test_a_check_reaches_every_machine() -> None:
    findings = list(place().check())
    assert [("a", "ok"), ("b", "ok")] == [(finding.about, finding.mark) for finding in findings]

    (finding,) = place(hosts="a", command="false {command}").check()
    assert "fault" == finding.mark
    assert "is not reached" in finding.evidence


def test_this_machine_alone_is_no_several(finetune: Callable[..., zoo.Run]) -> None:
    with pytest.raises(OptionInvalid, match="--nodes is 2, and this run is on this machine alone"):
        finetune(nodes=2)


def test_what_a_worker_hands_over_has_what_workers_have(
    store: Path, echo: None, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(verb="finetune", model="echo", source=Source(data=rows), place=Place(device="cpu", precision="fp32"))
    folder = create(request_of(job, Catalog.load()))
    from_a_shell = environment_there(folder)

    for name, text in environment().items():
        monkeypatch.setenv(name, text)

    assert from_a_shell.items() <= environment_there(folder).items()


def test_nodes_are_as_the_place_says_unless_asked_for(store: Path, echo: None, rows: Path) -> None:
    (store / "places.toml").write_text('[pair]\nkind = "hosts"\nhosts = ["a", "b"]\nnodes = 2\n')
    assert "a, b" == getattr(declared_place("pair").settings, "hosts", "")

    def nodes(**said: Any) -> int:
        place = Place(device="cpu", precision="fp32", on="pair", **said)
        job = Job(verb="finetune", model="echo", source=Source(data=rows), place=place)
        return request_of(job, Catalog.load()).nodes

    assert (2, 1) == (nodes(), nodes(nodes=1))
