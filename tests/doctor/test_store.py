"""The files of the store, the disks it is on, its runs and its locks, each broken on purpose."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import namedtuple
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.doctor.findings import bad, found, marks
from tests.plugin_site import Site
from zoo.doctor import disks
from zoo.locking import try_lock
from zoo.runs import liveness, store
from zoo.runs.events import RunLaunched, RunPostponed, RunStarted
from zoo.runs.log import append
from zoo.runs.request import DataRequest, RunRequest
from zoo.runs.store import RunFolder

Usage = namedtuple("Usage", "total used free")
DEAD = '{"pid": 999999999, "started_at": 1.0, "host": "%s"}'


def new_run(name: str) -> RunFolder:
    """A run that was asked for."""
    return store.create(
        RunRequest(
            name=name,
            verb="finetune",
            model="echo/echo",
            plugin="echo",
            task="text-classification",
            data=DataRequest(path="/rows.csv"),
            created_at=time.time(),
        )
    )


def started(name: str, pid: int | None) -> RunFolder:
    """A run that was begun, by a process that is gone where none is named."""
    folder = new_run(name)
    for event in (RunLaunched(), RunStarted(pid=pid or 1, device="cpu", precision="fp32")):
        append(folder, event)
    if pid is None:
        folder.worker_path.write_text(DEAD % liveness.socket.gethostname())
    else:
        liveness.record(folder, pid)
    return folder


@pytest.mark.usefixtures("site")
class TestFiles:
    def test_those_that_cannot_be_read_are_faults_that_say_what_to_delete(self, store: Path) -> None:
        (store / "aliases.json").write_text("{")

        (aliases,) = bad("store")
        assert (aliases.mark, aliases.about) == ("fault", "aliases")
        assert aliases.mend == "delete it; zoo alias chooses anew"

    def test_a_list_of_plugins_that_cannot_be_read_does_not_keep_the_rest_from_being_looked_at(
        self, store: Path
    ) -> None:
        (store / "plugins.json").write_text("[]")

        assert "fault" in marks("store").values()
        assert "fault" in marks("plugins").values()
        assert "fault" not in marks("disks").values()

    def test_a_result_that_cannot_be_read_is_a_fault(self) -> None:
        folder = new_run("torn")
        folder.model_folder.mkdir()
        (folder.model_folder / "zoo.json").write_text("{")

        (result,) = bad("store")
        assert result.evidence.startswith("the result of run torn cannot be read")


class TestDisks:
    def test_each_folder_is_named_with_its_room(self, store: Path) -> None:
        folders = {one.about: one for one in found("disks")}

        assert "fault" not in {one.mark for one in folders.values()}
        assert folders["store"].evidence.startswith(f"{store}, on ")
        assert not (store / "hf").exists()  # looking makes nothing

    def test_a_file_in_the_way_is_a_fault(self, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (store / "hf").write_text("")

        findings = {one.about: one for one in bad("disks")}
        assert findings["weights of the Hub"].mark == "warning"
        assert f"{store / 'hf'} is a file" in findings["weights of the Hub"].evidence

        monkeypatch.setenv("ZOO_HOME", str(store / "hf" / "home"))
        (one,) = bad("disks")
        assert one.mark == "fault"
        assert one.mend == "set ZOO_HOME to a folder, or move the file away"

    @pytest.mark.parametrize(("free", "mark"), [(10**7, "fault"), (10**9, "warning")])
    def test_little_room_is_told_with_what_makes_room(
        self, free: int, mark: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**11, 10**11 - free, free))

        room = next(one for one in bad("disks") if one.about == "store")
        assert room.mark == mark
        assert "zoo cache prune" in room.mend

    def test_a_disk_without_locks_is_a_fault(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(disks, "try_lock", lambda file: False)

        assert marks("disks")["store"] == "fault"

    @pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root writes everywhere")
    def test_a_folder_that_cannot_be_written_is_a_fault(self, store: Path) -> None:
        store.chmod(0o500)
        try:
            folder = next(one for one in bad("disks") if one.about == "store")
        finally:
            store.chmod(0o700)
        assert folder.mend.startswith(f"chmod u+rwx {store}")


class TestRuns:
    def test_one_whose_worker_is_gone_can_be_resumed(self) -> None:
        started("lost", None)

        (run,) = bad("runs")
        assert (run.mark, run.about) == ("warning", "run lost")
        assert run.evidence == "the worker is gone without a word"
        assert run.mend == "zoo resume lost, or zoo rm lost"

    def test_many_are_counted(self) -> None:
        for number in range(7):
            started(f"lost-{number}", None)

        *_, more = bad("runs")
        assert len(bad("runs")) == 6
        assert more.evidence == "2 more have lost their worker"

    def test_one_that_cannot_be_read_is_a_fault(self) -> None:
        new_run("torn").request_path.write_text("{")

        (run,) = bad("runs")
        assert (run.mark, run.mend) == ("fault", "remove it: zoo rm torn")

    def test_one_whose_worker_stands_still_is_told(self) -> None:
        folder = started("still", os.getpid())
        assert bad("runs") == []
        before = time.time() - 600
        os.utime(folder.worker_path, (before, before))

        (run,) = bad("runs")
        assert run.evidence.startswith("its worker is there, but has been silent for 10m")
        assert run.mend == "zoo logs still, or zoo stop still --force"

    def test_one_that_waits_for_a_run_that_is_not_going_on_is_told(self) -> None:
        first = started("first", None)
        append(new_run("second"), RunPostponed(after="first", created_at=first.request.created_at))

        second = next(one for one in bad("runs") if one.about == "run second")
        assert second.evidence == "it waits for first, which is not going on"
        assert second.mend == "zoo resume first"


def hold(file: BinaryIO) -> None:
    """Lock a file; where the system does not list it by its numbers, as of btrfs or in gVisor, the test is left out."""
    assert try_lock(file)
    status = os.fstat(file.fileno())
    number = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    if number not in Path("/proc/locks").read_text().split():
        pytest.skip("the system does not say who holds a lock on this disk")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who holds a lock")
class TestLocks:
    def test_a_process_that_holds_the_queue_is_named(self, store: Path) -> None:
        with (store / "queue.lock").open("ab") as file:
            hold(file)
            (queue,) = bad("locks")
            assert queue.evidence.endswith(f"is held by process {os.getpid()}: no run can be started on an accelerator")
            assert queue.mend.endswith(f"kill {os.getpid()}")
        assert bad("locks") == []

    def test_a_process_that_outlived_its_worker_is_named(self) -> None:
        folder = started("lost", None)
        with (folder.path / "worker.lock").open("ab") as file:
            hold(file)
            (run,) = bad("locks")
            assert run.about == "run lost"
            assert run.evidence.endswith(f"by process {os.getpid()}")


def test_nothing_is_wrong_with_an_empty_store(site: Site) -> None:
    assert [] == [one for section in ("store", "disks", "runs", "locks") for one in bad(section)]
