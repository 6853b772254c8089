"""What is said of the end of an attempt that several machines share: by one of them, once, with its cause."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from zoo.errors import OptionInvalid, RunFailed
from zoo.places.node import NODE_LOST, Node, attempt_id, endpoint, is_lost_connection, this_node
from zoo.runs import ranks, store
from zoo.runs.events import RunFailed as Failed
from zoo.runs.events import RunInterrupted, RunLaunched, RunRequeued, RunStarted, Warned
from zoo.runs.last_word import LastWord
from zoo.runs.log import append, last_event, read_events
from zoo.runs.node_worker import _Part, main
from zoo.runs.request import DataRequest, RunRequest
from zoo.runs.store import RunFolder

NCCL = "DistBackendError: NCCL error: Duplicate GPU detected"


def new_folder(*, requeue: bool = True) -> RunFolder:
    """A run for two machines that has been handed over."""
    request = RunRequest(
        name="mine",
        verb="finetune",
        model="echo/echo",
        plugin="echo",
        task="text-classification",
        data=DataRequest(path="/data.csv"),
        nodes=2,
        requeue=requeue,
    )
    folder = store.create(request)
    append(folder, RunLaunched(attempt=1, place="pair", job="1"))
    return folder


@pytest.fixture
def folder(store: Path) -> RunFolder:
    return new_folder()


def begun(folder: RunFolder, attempt: int) -> LastWord:
    """What a machine knows whose first worker has begun an attempt."""
    last_word = LastWord(folder, attempt)
    append(folder, RunStarted(attempt=attempt, pid=1, device="cpu", precision="fp32"))
    return last_word


def test_one_of_the_machines_says_it(folder: RunFolder) -> None:
    words = [LastWord(folder, 1) for _ in range(3)]
    for number, one in enumerate(words, start=1):
        one.interrupt(f"node {number} is gone", bounded=False)

    warned = [event.message for event in read_events(folder)[0] if isinstance(event, Warned)]
    assert ["node 1 is gone; it goes on from step 0"] == warned
    assert [NODE_LOST] * 3 == [one.code() for one in words]


def test_one_that_is_back_says_nothing_in_a_later_attempt(folder: RunFolder) -> None:
    cut_off = begun(folder, 1)
    LastWord(folder, 1).interrupt("node 2 is gone", bounded=False)
    later = begun(folder, 2)

    cut_off.interrupt("node 1 is gone", bounded=False)

    assert isinstance(last_event(folder), RunStarted)
    assert cut_off.is_told()
    assert not later.is_told()
    append(folder, RunRequeued(attempt=1))  # as one says that had looked just before
    assert not later.is_told()


def test_an_error_that_comes_again_tells_its_cause_and_is_begun_no_more(folder: RunFolder) -> None:
    codes = []
    for attempt in (1, 2):
        last_word = begun(folder, attempt)
        ranks.record_lost_connection(folder, 1, attempt, f"{NCCL} {attempt}")
        last_word.disconnect()
        codes.append(last_word.code())

    (warned,) = [event.message for event in read_events(folder)[0] if isinstance(event, Warned)]
    failed = last_event(folder)
    assert f"the nodes lost their connection to one another: process 2: {NCCL} 1; it goes on from step 0" == warned
    assert isinstance(failed, Failed)
    assert f"process 2: {NCCL} 2, as at the attempt before" in failed.message
    assert [NODE_LOST, 1] == codes


def test_a_process_that_is_killed_again_and_again_ends_the_run(folder: RunFolder) -> None:
    codes = []
    for attempt in (1, 2):
        last_word = begun(folder, attempt)
        last_word.interrupt("a process of node 1 of 2 was killed (SIGKILL)", bounded=True)
        codes.append(last_word.code())

    assert [NODE_LOST, 1] == codes
    assert isinstance(last_event(folder), RunInterrupted)


def test_where_nothing_goes_on_by_itself_the_cause_is_told_at_once(store: Path) -> None:
    folder = new_folder(requeue=False)
    last_word = begun(folder, 1)
    ranks.record_lost_connection(folder, 0, 1, NCCL)

    last_word.disconnect()

    interrupted = last_event(folder)
    assert isinstance(interrupted, RunInterrupted)
    assert interrupted.message.endswith(f"process 1: {NCCL}")


def test_what_failed_in_an_attempt_before_is_not_how_this_one_ends(folder: RunFolder) -> None:
    ranks.record_failure(folder, 1, 1, Failed(kind="MemoryError", message="no room"))

    assert ranks.first_failure(folder, 1) is not None
    assert ranks.first_failure(folder, 2) is None
    assert not begun(folder, 2).is_told()
    (folder.path / "rank-1.error").write_bytes((folder.path / "rank-1.1.error").read_bytes())
    assert ranks.first_failure(folder, 2) is not None  # as an earlier version wrote it
    ranks.forget(folder)
    assert ranks.first_failure(folder, 1) is None


def test_runs_of_one_name_meet_at_places_of_their_own(folder: RunFolder) -> None:
    parts = []
    for seconds in range(3):
        path = folder.path / "run.json"
        path.write_bytes(msgspec.json.encode(msgspec.structs.replace(folder.request, created_at=1.5 + seconds)))
        parts.append(_Part(RunFolder(folder.path), Node(index=0, meeting="n1")))

    assert 3 == len({one._run for one in parts}) == len({one._port for one in parts})
    assert {"n1"} == {one._host for one in parts}
    assert ("n1", 4000) == endpoint("n1:4000", parts[0]._run)
    assert attempt_id("mine", 1, 1.5) != attempt_id("mine", 2, 1.5)
    with pytest.raises(OptionInvalid, match="there is no port 70000"):
        endpoint("n1:70000", parts[0]._run)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "nobody said which of them this one is"),
        ({"ZOO_NODE": "0"}, "nobody said which of them this one is"),
        ({"ZOO_NODE": "first", "ZOO_NODE_MEETING": "n1"}, "ZOO_NODE is 'first', which is no number"),
        ({"ZOO_NODE": "0", "ZOO_NODE_MEETING": "n1", "ZOO_NODE_JOIN_S": "5m"}, "ZOO_NODE_JOIN_S is '5m'"),
    ],
)
def test_a_machine_that_is_told_half_of_it_says_so(environment: dict[str, str], words: str) -> None:
    with pytest.raises(RunFailed, match=re.escape(words)):
        this_node(environment)


def test_what_ends_a_machine_before_it_has_begun_is_the_last_word(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ZOO_NODE_MEETING", "SLURM_NODEID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ZOO_NODE", "1")

    assert 1 == main([str(folder.path)])

    failed = last_event(folder)
    assert isinstance(failed, Failed)
    assert "nobody said which of them this one is" in failed.message


def test_only_lost_connections_are_taken_for_such() -> None:
    assert is_lost_connection(RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer"))
    assert not is_lost_connection(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
