"""A process is known again by when it began after its system did, whatever the clock is set to meanwhile."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from zoo import process_identity
from zoo.places.here import Here
from zoo.places.host_jobs import Record, keep
from zoo.places.hosts import Hosts, HostsSettings
from zoo.places.place import PlaceSettings
from zoo.process_identity import ProcessIdentity, from_text, identify
from zoo.runs import liveness
from zoo.runs.store import RunFolder

knows_boots = pytest.mark.skipif(
    not process_identity.BOOT_ID.exists(), reason="the system does not tell its starts apart"
)
HOUR_S = 3_600.0


@pytest.fixture
def me() -> ProcessIdentity:
    return identify(os.getpid())


@knows_boots
@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_was_set_makes_it_no_other_process(hours: int, me: ProcessIdentity) -> None:
    before = replace(me, started_at=me.started_at + hours * HOUR_S)

    assert before.is_there()
    assert not before.is_of_earlier_boot()


@knows_boots
def test_a_process_that_has_the_id_of_another_one_is_not_taken_for_it(me: ProcessIdentity) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as later:
        others = (
            replace(me, since_boot_s=me.since_boot_s - 0.02),
            replace(me, boot_id="another"),
            replace(me, pid=later.pid),
        )
        assert [False] * 3 == [one.is_there() for one in others]
        later.kill()
    assert replace(me, boot_id="another").is_of_earlier_boot()
    assert replace(me, since_boot_s=-1.0).is_of_earlier_boot()  # as where a container was started anew


def test_where_starts_of_the_system_are_not_known_the_clock_decides(
    me: ProcessIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = ProcessIdentity(pid=me.pid, started_at=me.started_at + 0.5)
    for _ in range(2):
        assert old.is_there()
        assert not replace(old, started_at=me.started_at - HOUR_S).is_there()
        assert not old.is_of_earlier_boot()
        assert replace(old, started_at=1.0).is_of_earlier_boot()
        monkeypatch.setattr(process_identity, "_boot_id", lambda: "")
    assert "" == identify(me.pid).boot_id


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="the system tells of no end without taking the id back")
def test_a_process_that_has_ended_is_not_there() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        child = identify(process.pid)
        assert child.is_there()
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # nobody has asked how it ended: it has an id still
        assert not child.is_there()
    assert not child.is_there()
    with pytest.raises(psutil.NoSuchProcess):
        identify(process.pid)


def test_in_one_word_it_is_the_same(me: ProcessIdentity) -> None:
    there = from_text(me.text)

    assert there.is_there()
    assert (me.pid, me.boot_id) == (there.pid, there.boot_id)
    assert not from_text(ProcessIdentity(pid=me.pid, started_at=0.0).text).is_there()


@knows_boots
def test_all_that_look_for_a_process_find_it_by_any_clock(me: ProcessIdentity, store: Path) -> None:
    folder = RunFolder(store / "runs" / "mine")
    folder.path.mkdir(parents=True)
    liveness.record(folder, me.pid)
    by_another_clock = {**json.loads(folder.worker_path.read_bytes()), "started_at": me.started_at + HOUR_S}
    folder.worker_path.write_text(json.dumps(by_another_clock))
    assert liveness.is_alive(folder)

    job = f"{socket.gethostname()}-1"
    keep(job, Record(pid=me.pid, started_at=me.started_at - HOUR_S, since_boot_s=me.since_boot_s, boot_id=me.boot_id))
    assert "running" == Hosts("pair", HostsSettings(hosts="a")).state(job).phase
    here = Here("here", PlaceSettings())
    assert "running" == here.state(replace(me, started_at=me.started_at - HOUR_S).text).phase
    assert "ended" == here.state(replace(me, since_boot_s=me.since_boot_s - 1).text).phase


def test_what_an_earlier_version_wrote_down_is_read(me: ProcessIdentity, store: Path) -> None:
    folder = RunFolder(store / "runs" / "mine")
    folder.path.mkdir(parents=True)
    written = {"pid": me.pid, "started_at": me.started_at, "host": socket.gethostname()}
    folder.worker_path.write_text(json.dumps(written))
    assert liveness.is_alive(folder)
    folder.worker_path.write_text(json.dumps({**written, "started_at": me.started_at - 2}))
    assert not liveness.is_alive(folder)
    jobs = (f"{me.pid}-{me.started_at}", f"{me.pid}-{me.started_at - 2}", f"{me.pid}-0")
    assert ["running", "ended", "ended"] == [Here("here", PlaceSettings()).state(job).phase for job in jobs]
