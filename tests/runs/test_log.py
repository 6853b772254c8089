"""The log: whole lines in, whole events out, whatever a killed writer left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.errors import OptionInvalid, StoreInvalid, UnknownRun
from zoo.runs import store
from zoo.runs.events import RunFinished, Warned
from zoo.runs.log import append, follow, read_events
from zoo.runs.request import DataRequest, RunRequest
from zoo.runs.store import RunFolder


def request(name: str = "", model: str = "echo/echo") -> RunRequest:
    return RunRequest(
        name=name,
        verb="finetune",
        model=model,
        plugin="echo",
        task="text-classification",
        data=DataRequest(path="/nowhere.csv"),
    )


@pytest.fixture
def folder(store: Path) -> RunFolder:
    from zoo.runs import store as runs

    return runs.create(request("r"))


def test_events_come_back_in_order(folder: RunFolder) -> None:
    written = [Warned(message=str(i)) for i in range(5)]
    for event in written:
        append(folder, event)

    assert read_events(folder)[0] == written


def test_reading_goes_on_from_an_offset(folder: RunFolder) -> None:
    append(folder, Warned(message="one"))
    first, offset = read_events(folder)
    append(folder, Warned(message="two"))

    assert [event.message for event in first if isinstance(event, Warned)] == ["one"]
    assert [event.message for event in read_events(folder, offset)[0] if isinstance(event, Warned)] == ["two"]


def test_a_half_written_line_is_left_until_it_is_whole(folder: RunFolder) -> None:
    append(folder, Warned(message="one"))
    with folder.events_path.open("ab") as file:
        file.write(b'{"event":"warned","mess')
    events, offset = read_events(folder)
    assert len(events) == 1
    with folder.events_path.open("ab") as file:
        file.write(b'age":"two","at":1}\n')

    assert read_events(folder, offset)[0] == [Warned(at=1, message="two")]


def test_a_line_that_a_killed_writer_left_does_not_spoil_the_next(folder: RunFolder) -> None:
    with folder.events_path.open("ab") as file:
        file.write(b'{"event":"warned","mess')
    append(folder, Warned(at=1, message="after"))

    assert read_events(folder)[0] == [Warned(at=1, message="after")]


def test_garbage_is_passed_over(folder: RunFolder) -> None:
    folder.events_path.write_bytes(b"\x00\xff\n\nnot json\n" + b'{"event":"warned","message":"m","at":1}\n')

    assert read_events(folder)[0] == [Warned(at=1, message="m")]


def test_following_a_run_that_has_ended_gives_it_all_and_stops(folder: RunFolder) -> None:
    written = [Warned(message="one"), RunFinished()]
    for event in written:
        append(folder, event)

    assert [event for event in follow(folder) if event is not None] == written


def test_a_run_without_a_log_is_empty(folder: RunFolder) -> None:
    assert read_events(folder) == ([], 0)
    assert list(follow(folder)) == []


def test_unnamed_runs_are_numbered_and_named_ones_unique() -> None:
    assert [store.create(request()).name for _ in range(3)] == [f"echo-finetune-{i}" for i in (1, 2, 3)]
    store.create(request("mine"))
    with pytest.raises(OptionInvalid, match="there is a run 'mine' already"):
        store.create(request("mine"))


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "a b", "-x", "", "x" * 121, "ünï"])
def test_names_that_could_leave_the_store_are_refused(name: str) -> None:
    if name:
        with pytest.raises(OptionInvalid, match="cannot be the name of a run"):
            store.create(request(name))
    with pytest.raises(UnknownRun):
        store.find(name)


def test_runs_are_found_by_name_and_by_unique_beginning() -> None:
    for name in ("alpha", "alpine", "beta"):
        store.create(request(name))

    assert store.find("beta").name == store.find("b").name == "beta"
    with pytest.raises(UnknownRun, match="start of several runs"):
        store.find("alp")
    with pytest.raises(UnknownRun) as failure:
        store.find("alfa")
    assert "alpha" in failure.value.hint


def test_runs_are_listed_newest_first_and_strangers_left_out(store: Path) -> None:
    from zoo.runs import store as runs

    for name in ("first", "second"):
        runs.create(request(name))
    (store / "runs" / "not-a-run").mkdir()
    (store / "runs" / "file").write_text("")

    assert [run.name for run in runs.all_runs()] == ["second", "first"]


def test_a_damaged_request_is_one_clear_error(folder: RunFolder) -> None:
    folder.request_path.write_text("{")
    with pytest.raises(StoreInvalid, match=r"run r: .*run.json cannot be read"):
        _ = folder.request


def test_deleting_never_leaves_the_store(tmp_path: Path) -> None:
    outside = tmp_path / "precious"
    outside.mkdir()
    with pytest.raises(StoreInvalid, match="not a run of this store"):
        store.delete(RunFolder(outside))
    assert outside.exists()
